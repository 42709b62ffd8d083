import { type PolicyConfig, parameterCount, parameterLayout } from "./config.ts";
import { type Engine, type TokenBatch, tokenBatch } from "./engine.ts";
import { isObject, numberField, readLlamaConfig } from "./llama-config.ts";

/** A golden file that cannot be read or recomputed. The message is one sentence for a person. */
export class GoldenError extends Error {
  override readonly name = "GoldenError";
}

/** How far one array of a case lies from the reference. */
export interface GoldenDifference {
  readonly case: string;
  /** Such as `logProbs` or `gradients.model.norm.weight`. */
  readonly array: string;
  /** Largest absolute error. */
  readonly absolute: number;
  /** The same, divided by the array's largest absolute value. */
  readonly relative: number;
}

export interface GoldenResult {
  /** The same document, with `output` recomputed. */
  readonly document: Record<string, unknown>;
  /** One entry for each array that the document's own `output` has and this program recomputes. */
  readonly differences: readonly GoldenDifference[];
}

type Json = Record<string, unknown>;

interface GoldenOptimizer {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly steps: number;
}

interface GoldenCase {
  readonly name: string;
  readonly config: PolicyConfig;
  readonly theta: Float32Array;
  readonly batch: TokenBatch;
  /** Each row's prompt and completion, followed by one token of no consequence: what the row's last token predicts. */
  readonly ends: TokenBatch;
  readonly completionLengths: readonly number[];
  readonly coefficients: Float32Array;
  readonly entropyCoefficients: Float32Array;
  readonly optimizer?: GoldenOptimizer;
}

function fail(name: string, problem: string): never {
  throw new GoldenError(`case ${JSON.stringify(name)}: ${problem}`);
}

function numberRows(name: string, key: string, value: unknown): number[][] {
  const good =
    Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every((x) => typeof x === "number" && Number.isFinite(x)));
  if (!good) fail(name, `${key} must be an array of rows of numbers`);
  return value;
}

function readTheta(name: string, raw: unknown, config: PolicyConfig): Float32Array {
  if (!isObject(raw)) fail(name, "it has no weights");
  const theta = new Float32Array(parameterCount(config));
  for (const slice of parameterLayout(config)) {
    const values = raw[slice.name];
    if (!Array.isArray(values)) fail(name, `the weights lack ${slice.name}`);
    if (values.length !== slice.size)
      fail(name, `${slice.name} has ${values.length} values, its shape [${slice.shape}] asks for ${slice.size}`);
    if (!values.every(Number.isFinite)) fail(name, `${slice.name} holds something that is no finite number`);
    theta.set(values, slice.offset);
  }
  const extra = Object.keys(raw).find((key) => !parameterLayout(config).some((slice) => slice.name === key));
  if (extra !== undefined) fail(name, `the weight ${extra} has no place in this architecture`);
  return theta;
}

function readOptimizer(name: string, raw: unknown): GoldenOptimizer | undefined {
  if (raw === undefined) return undefined;
  if (!isObject(raw)) fail(name, "optimizer must be an object");
  if (raw.name !== undefined && raw.name !== "AdamW") fail(name, `the optimizer ${raw.name} is not supported, only AdamW`);
  const field = (key: string, fallback?: number) => numberField(raw, key, (problem) => fail(name, problem), fallback);
  return {
    learningRate: field("learningRate"),
    beta1: field("beta1"),
    beta2: field("beta2"),
    eps: field("eps"),
    weightDecay: field("weightDecay", 0),
    maxGradNorm: field("maxGradNorm", 0),
    steps: field("steps", 1),
  };
}

function readCase(raw: unknown, index: number): GoldenCase {
  if (!isObject(raw)) throw new GoldenError(`case ${index} is not an object`);
  const name = typeof raw.name === "string" ? raw.name : String(index);
  const tokens = numberRows(name, "tokens", raw.tokens);
  const [promptLengths] = numberRows(name, "promptLengths", [raw.promptLengths]);
  if (promptLengths.length !== tokens.length) fail(name, `${tokens.length} rows need as many prompt lengths, got ${promptLengths.length}`);
  if (tokens.length === 0) fail(name, "it has no rows");
  promptLengths.forEach((prompt, r) => {
    if (!Number.isInteger(prompt) || prompt < 1 || prompt > tokens[r].length) {
      fail(name, `row ${r} has a prompt of ${prompt} tokens in a row of ${tokens[r].length}`);
    }
  });
  const config = readLlamaConfig(raw.config, (problem) => fail(name, problem), Math.max(...tokens.map((row) => row.length)) + 1);
  for (const token of tokens.flat()) {
    if (!Number.isInteger(token) || token < 0 || token >= config.vocabSize)
      fail(name, `token ${token} is outside the vocabulary of ${config.vocabSize}`);
  }
  const completions = tokens.map((row, r) => row.slice(promptLengths[r]));
  const perToken = (key: string): Float32Array => {
    const rows = raw[key] === undefined ? completions.map((row) => row.map(() => 0)) : numberRows(name, key, raw[key]);
    completions.forEach((row, r) => {
      if (rows[r]?.length !== row.length) fail(name, `${key} of row ${r} must have ${row.length} values, one for each completion token`);
    });
    return Float32Array.from(rows.flat());
  };
  return {
    name,
    config,
    theta: readTheta(name, raw.weights, config),
    batch: tokenBatch(
      tokens.map((row, r) => row.slice(0, promptLengths[r])),
      completions,
    ),
    ends: tokenBatch(
      tokens,
      tokens.map(() => [0]),
    ),
    completionLengths: completions.map((row) => row.length),
    coefficients: perToken("coefficients"),
    entropyCoefficients: perToken("entropyCoefficients"),
    optimizer: readOptimizer(name, raw.optimizer),
  };
}

/** Cuts a flat array into rows of the given lengths. */
function rowsOf(values: ArrayLike<number>, lengths: readonly number[]): number[][] {
  let at = 0;
  return lengths.map((length) => Array.from({ length }, () => values[at++]));
}

async function computeCase(engine: Engine, c: GoldenCase): Promise<Json> {
  const policy = await engine.load(c.config, c.theta);
  try {
    const ends = await policy.forward(c.ends, { logits: true, hidden: true }, { inference: true });
    const rows = c.completionLengths.length;
    const lastLogits = rowsOf(await ends.logits!.read(), Array(rows).fill(c.config.vocabSize));
    const lastHidden = rowsOf(await ends.hidden!.read(), Array(rows).fill(c.config.hiddenSize));
    ends.release();

    const byName = (flat: Float32Array) =>
      Object.fromEntries(
        parameterLayout(c.config).map(({ name, offset, size }) => [name, Array.from(flat.subarray(offset, offset + size))]),
      );
    const output: Json = { lastLogits, lastHidden };
    const stepLosses: number[] = [];
    const stepGradNorms: number[] = [];
    for (let step = 0; step < Math.max(1, c.optimizer?.steps ?? 0); step++) {
      const handle = await policy.forward(c.batch, { entropy: true });
      const logProbs = await handle.logProb.read();
      const entropies = await handle.entropy!.read();
      const loss = logProbs.reduce((sum, x, i) => sum + c.coefficients[i] * x + c.entropyCoefficients[i] * entropies[i], 0);
      await policy.backward(handle, { logProb: c.coefficients, entropy: c.entropyCoefficients });
      if (step === 0) {
        const gradient = await policy.gradients();
        output.logProbs = rowsOf(logProbs, c.completionLengths);
        output.entropies = rowsOf(entropies, c.completionLengths);
        output.loss = loss;
        output.gradNorm = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
        output.gradients = byName(gradient);
      }
      if (!c.optimizer || c.optimizer.steps < 1) break;
      stepLosses.push(loss);
      stepGradNorms.push((await (await policy.apply(c.optimizer)).read()).gradNorm);
    }
    if (c.optimizer) Object.assign(output, { stepLosses, stepGradNorms, weightsAfter: byName((await policy.save()).theta) });
    return output;
  } finally {
    policy.dispose();
  }
}

/** The numbers of an array of any depth, in order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  return [];
}

function compare(name: string, actual: Json, expected: Json, prefix = ""): GoldenDifference[] {
  return Object.entries(expected).flatMap(([key, value]) => {
    const array = `${prefix}${key}`;
    const own = actual[key];
    if (own === undefined) return [];
    if (isObject(value) && isObject(own)) return compare(name, own, value, `${array}.`);
    const [a, b] = [numbersIn(own), numbersIn(value)];
    if (a.length !== b.length) fail(name, `output ${array} has ${b.length} numbers, ${a.length} were computed`);
    const largest = (list: readonly number[]) => list.reduce((most, x) => (Number.isNaN(x) ? x : Math.max(most, Math.abs(x))), 0);
    const absolute = largest(a.map((x, i) => x - b[i]));
    return [{ case: name, array, absolute, relative: absolute === 0 ? 0 : absolute / largest(b) }];
  });
}

/**
 * Recomputes every case of a golden file (weights, tokens and coefficients in; logits, log-probs, entropies, gradients and AdamW updates
 * out) on an engine, through its contract alone. The loss is Σ coefficient·logProb + entropyCoefficient·entropy over completion tokens;
 * `lastLogits` and `lastHidden` belong to each row's last token.
 * @throws GoldenError if the document is malformed or asks for another architecture.
 */
export async function recomputeLlamaGolden(document: unknown, makeEngine: () => Promise<Engine>): Promise<GoldenResult> {
  if (!isObject(document) || !Array.isArray(document.cases)) throw new GoldenError("a golden file is an object with an array of cases");
  const cases = document.cases.map(readCase);
  const engine = await makeEngine();
  try {
    const outputs: Json[] = [];
    for (const c of cases) outputs.push(await computeCase(engine, c));
    const given = document.cases as Json[];
    const differences = cases.flatMap((c, i) => {
      const expected = given[i].output;
      return isObject(expected) ? compare(c.name, outputs[i], expected) : [];
    });
    return { document: { ...document, cases: given.map((raw, i) => ({ ...raw, output: outputs[i] })) }, differences };
  } finally {
    engine.dispose();
  }
}
