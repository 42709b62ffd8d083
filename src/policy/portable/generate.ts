import { checkRequest } from "../checks.ts";
import type { PolicyConfig } from "../config.ts";
import type { GenerateRequest, Generation } from "../engine.ts";
import type { Reals } from "../optimizer.ts";
import { uniform } from "../random.ts";
import { reals, scalar } from "./batching.ts";
import { type DecodingOptions, decodingModel } from "./decoding.ts";
import { MASKED, type Precision } from "./network.ts";
import { type Feed, feed, type HostArray } from "./runtime.ts";

/** Rows in one run of a decoding graph: bounds the memory for the cache. */
const ROWS_PER_RUN = 128;

type Run = (
  variant: unknown,
  model: () => Uint8Array,
  feeds: Record<string, Feed>,
  outputs: readonly string[],
) => Promise<Record<string, HostArray>>;

/** One row's completion and its statistics. */
interface Row {
  readonly tokens: number[];
  readonly samplerLogProb: number[];
  readonly logProb: number[];
  readonly entropy: number[];
  readonly alternativeTokens: number[];
  readonly alternativeLogProbs: number[];
  finished: boolean;
}

/**
 * Draws completions as the engine contract describes.
 * @throws RangeError if a prompt is empty or too long, or a setting is out of range.
 */
export async function generate(
  request: GenerateRequest,
  config: PolicyConfig,
  precision: Precision,
  theta: Reals,
  run: Run,
): Promise<Generation> {
  checkRequest(config, request);
  const rows: Row[] = request.prompts.map(() => ({
    tokens: [],
    samplerLogProb: [],
    logProb: [],
    entropy: [],
    alternativeTokens: [],
    alternativeLogProbs: [],
    finished: false,
  }));
  // Rows of similar length together: less padding.
  const order = request.prompts.map((_, r) => r).sort((a, b) => request.prompts[a].length - request.prompts[b].length || a - b);
  for (let at = 0; at < order.length; at += ROWS_PER_RUN) {
    await decodeRows(order.slice(at, at + ROWS_PER_RUN), rows, request, config, precision, theta, run);
  }
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, r) => {
    offsets[r + 1] = offsets[r] + row.tokens.length;
  });
  const join = (key: Exclude<keyof Row, "finished">) => rows.flatMap((row) => row[key]);
  return {
    offsets,
    tokens: Int32Array.from(join("tokens")),
    finished: Uint8Array.from(rows, (row) => (row.finished ? 1 : 0)),
    samplerLogProb: Float32Array.from(join("samplerLogProb")),
    logProb: Float32Array.from(join("logProb")),
    entropy: Float32Array.from(join("entropy")),
    alternativeTokens: Int32Array.from(join("alternativeTokens")),
    alternativeLogProbs: Float32Array.from(join("alternativeLogProbs")),
  };
}

async function decodeRows(
  rows: readonly number[],
  results: Row[],
  request: GenerateRequest,
  config: PolicyConfig,
  precision: Precision,
  theta: Reals,
  run: Run,
): Promise<void> {
  const { topK = 0, topP = 1, minP = 0, alternatives = 0 } = request;
  const prompts = rows.map((r) => request.prompts[r]);
  const limits = Int32Array.from(prompts, (prompt) => Math.min(request.maxNewTokens, config.contextLength - prompt.length));
  const steps = Math.max(...limits);
  if (steps === 0) return;
  const count = rows.length;
  const prefix = distinctPrefixes(prompts);
  const length = prefix.length;

  const uniforms = reals(precision, steps * count);
  if (!request.greedy) {
    rows.forEach((r, b) => {
      const [k0, k1] = [request.keys[2 * r], request.keys[2 * r + 1]];
      for (let t = 0; t < limits[b]; t++) uniforms[t * count + b] = uniform(k0, k1, prompts[b].length + t);
    });
  }
  const inverse = reals(precision, steps);
  for (let t = 0; t < steps; t++) inverse[t] = 1 / (typeof request.temperature === "number" ? request.temperature : request.temperature[t]);
  const removed = reals(precision, config.vocabSize);
  for (const token of request.banned ?? []) removed[token] = MASKED;
  const stop = new Uint8Array(config.vocabSize);
  for (const token of request.stopTokens) stop[token] = 1;

  const prefixBias = reals(precision, prefix.rows.length * length * length);
  const prefixTokens = new Int32Array(prefix.rows.length * length);
  const prefixPositions = new Int32Array(prefix.rows.length * length);
  prefix.rows.forEach((tokens, u) => {
    const pad = length - tokens.length;
    prefixTokens.set(tokens, u * length + pad);
    for (let s = pad; s < length; s++) prefixPositions[u * length + s] = s - pad;
    for (let q = 0; q < length; q++) {
      const at = (u * length + q) * length;
      prefixBias.fill(MASKED, at, at + pad);
      prefixBias.fill(MASKED, at + q + 1, at + length);
    }
  });
  const keyBias = reals(precision, count * (length + steps));
  prompts.forEach((prompt, b) => {
    const at = b * (length + steps);
    keyBias.fill(MASKED, at, at + length - (prompt.length - 1));
  });

  const options: DecodingOptions = { greedy: request.greedy ?? false, truncate: topK > 0 || topP < 1 || minP > 0, alternatives };
  const feeds: Record<string, Feed> = {
    theta: feed(precision, theta, [theta.length]),
    prefixes: feed("int32", prefixTokens, [prefix.rows.length, length]),
    prefixPositions: feed("int32", prefixPositions, [prefix.rows.length, length]),
    prefixBias: feed(precision, prefixBias, [prefix.rows.length, 1, length, length]),
    source: feed("int32", prefix.source, [count]),
    keyBias: feed(precision, keyBias, [count, 1, 1, length + steps]),
    first: feed(
      "int32",
      Int32Array.from(prompts, (prompt) => prompt[prompt.length - 1]),
      [count],
    ),
    start: feed(
      "int32",
      Int32Array.from(prompts, (prompt) => prompt.length - 1),
      [count],
    ),
    limit: feed("int32", limits, [count]),
    done: feed(
      "bool",
      Uint8Array.from(limits, (limit) => (limit === 0 ? 1 : 0)),
      [count],
    ),
    steps: feed("int64", BigInt64Array.of(BigInt(steps)), []),
    uniforms: feed(precision, uniforms, [steps, count]),
    inverseTemperature: feed(precision, inverse, [steps]),
    removed: feed(precision, removed, [1, config.vocabSize]),
    stop: feed("bool", stop, [config.vocabSize]),
  };
  if (options.truncate) {
    feeds.topK = feed("int64", BigInt64Array.of(BigInt(topK > 0 ? topK : config.vocabSize)), []);
    feeds.topP = scalar(precision, topP < 1 ? topP : 2);
    feeds.minP = scalar(precision, minP);
  }
  const names = ["tokens", "samplerLogProb", "logProb", "entropy"];
  if (alternatives > 0) names.push("alternativeTokens", "alternativeLogProbs");
  const out = await run(options, () => decodingModel(config, precision, options), feeds, names);

  rows.forEach((r, b) => {
    const row = results[r];
    for (let t = 0; t < limits[b] && !row.finished; t++) {
      const at = t * count + b;
      const token = Number(out.tokens[at]);
      row.tokens.push(token);
      row.samplerLogProb.push(Number(out.samplerLogProb[at]));
      row.logProb.push(Number(out.logProb[at]));
      row.entropy.push(Number(out.entropy[at]));
      for (let i = at * alternatives; i < (at + 1) * alternatives; i++) {
        row.alternativeTokens.push(Number(out.alternativeTokens[i]));
        row.alternativeLogProbs.push(Number(out.alternativeLogProbs[i]));
      }
      row.finished = stop[token] === 1;
    }
  });
}

/** The distinct prompts less their last tokens, the longest's length (at least 1, so that no tensor is empty), and row → prefix. */
function distinctPrefixes(prompts: readonly Int32Array[]): {
  readonly rows: Int32Array[];
  readonly source: Int32Array;
  readonly length: number;
} {
  const known = new Map<string, number>();
  const rows: Int32Array[] = [];
  const source = Int32Array.from(prompts, (prompt) => {
    const prefix = prompt.subarray(0, prompt.length - 1);
    const key = prefix.join();
    let index = known.get(key);
    if (index === undefined) {
      index = rows.push(prefix) - 1;
      known.set(key, index);
    }
    return index;
  });
  return { rows, source, length: Math.max(1, ...rows.map((row) => row.length)) };
}
