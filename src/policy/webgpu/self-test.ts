import { POLICY_CONFIGS, type PolicyConfig, parameterLayout } from "../config.ts";
import { type Engine, EngineError, type Generation, type OptimizerStep, type PolicyState, tokenBatch } from "../engine.ts";
import { roundedToHalf } from "../half.ts";
import { initialWeights } from "../initialise.ts";
import { adamW } from "../optimizer.ts";
import { rowKeys, STREAM, uniform } from "../random.ts";
import { type ReferenceScores, reference } from "../reference.ts";

/**
 * Drivers compile a kernel wrongly now and then, and a policy that learns from wrong numbers looks like one that does not learn. So an
 * engine decodes, scores, differentiates and updates a small throw-away policy, and is held against plain loops in float64.
 */

/** The smallest shape that ships, so that what is compiled for the test is of use afterwards. */
const CONFIG: PolicyConfig = POLICY_CONFIGS.nano;
/** Rows of unequal lengths; the longest is wider than an attention kernel's tile. */
const PROMPT_LENGTHS = [32, 1, 6, 3];
const NEW_TOKENS = 4;
const TEMPERATURE = 0.8;
const BANNED = [0, 1];
const STEP: OptimizerStep = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-6, weightDecay: 0.1, maxGradNorm: 1 };

/** What float32 may lose, as a share of the largest number of its kind. Wrong kernels are off by far more. */
const TOLERANCE = 2e-3;

/** What disagrees most with the reference. */
export interface Disagreement {
  readonly what: string;
  /** The largest error, as a share of the largest number of its kind; infinite if there is a number that is none. */
  readonly share: number;
}

/** What an engine made of the throw-away policy. */
interface Work {
  readonly generation: Generation;
  readonly logProb: Float32Array;
  readonly entropy: Float32Array;
  readonly gradient: Float32Array;
  readonly after: PolicyState;
  /** With the weights after the step. */
  readonly logProbAfter: Float32Array;
}

/** Everything that is given: the same numbers on every machine. */
function givens() {
  // Lively logits: entropies of some nats, and no token that is certain.
  const theta = initialWeights(CONFIG, 1).map((x) => (x === 1 ? 1 : 6 * x));
  const rows = PROMPT_LENGTHS.map((_, r) => r);
  const draws = rowKeys({ seed: 1, stream: STREAM.prompts, step: 0 }, rows);
  const prompts = PROMPT_LENGTHS.map((length, r) =>
    Int32Array.from({ length }, (_, t) => (t === 0 ? 1 : Math.floor(uniform(draws[2 * r], draws[2 * r + 1], t) * CONFIG.vocabSize))),
  );
  const keys = rowKeys({ seed: 1, stream: STREAM.rollouts, step: 0 }, rows);
  const count = rows.length * NEW_TOKENS;
  const coefficients = {
    logProb: Float32Array.from({ length: count }, (_, i) => ((i % 5) - 2.2) / count),
    entropy: Float32Array.from({ length: count }, (_, i) => ((i % 3) - 0.8) / count),
  };
  return { theta, prompts, keys, coefficients };
}

type Givens = ReturnType<typeof givens>;

const batchOf = ({ prompts }: Givens, { tokens }: Generation) =>
  tokenBatch(
    prompts,
    prompts.map((_, r) => tokens.subarray(r * NEW_TOKENS, (r + 1) * NEW_TOKENS)),
  );

/** The share of the tokens drawn that are none: what follows would be about nothing. */
function impossible({ tokens }: Generation): boolean {
  const wanted = PROMPT_LENGTHS.length * NEW_TOKENS;
  return tokens.length !== wanted || tokens.some((token) => token < 0 || token >= CONFIG.vocabSize || BANNED.includes(token));
}

/** Draws tokens, scores them, differentiates and takes one step. Undefined if what was drawn cannot be scored. */
async function work(engine: Engine, given: Givens): Promise<Work | undefined> {
  const policy = await engine.load(CONFIG, given.theta);
  try {
    const { prompts, keys } = given;
    const drawing = { prompts, keys, maxNewTokens: NEW_TOKENS, temperature: TEMPERATURE, stopTokens: [], banned: BANNED };
    const generation = await policy.generate(drawing);
    if (impossible(generation)) return undefined;
    const handle = await policy.forward(batchOf(given, generation), { entropy: true });
    await policy.backward(handle, given.coefficients);
    const before = [handle.logProb.read(), handle.entropy!.read(), policy.gradients()];
    const [logProb, entropy, gradient] = await Promise.all(before);
    await (await policy.apply(STEP)).read();
    const again = await policy.forward(batchOf(given, generation), {}, { inference: true });
    const [after, logProbAfter] = await Promise.all([policy.save(), again.logProb.read()]);
    return { generation, logProb, entropy, gradient, after, logProbAfter };
  } finally {
    policy.dispose();
  }
}

/** The largest error as a share of the largest number expected. */
function share(actual: ArrayLike<number>, expected: ArrayLike<number>, offset = 0, size = expected.length, least = 0): number {
  let error = 0;
  let largest = least;
  for (let i = offset; i < offset + size; i++) {
    const off = Math.abs(actual[i] - expected[i]);
    if (!(off <= error)) error = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return error === 0 ? 0 : error / largest;
}

/** By how much probability the draws miss the place of their random numbers, and the error of the log-probs that came with them. */
function drawing({ keys, prompts }: Givens, { tokens, samplerLogProb, logProb }: Generation, scores: ReferenceScores): number {
  const { vocabSize } = CONFIG;
  const expected = new Float64Array(tokens.length);
  let worst = 0;
  for (let i = 0; i < tokens.length; i++) {
    const row = Math.floor(i / NEW_TOKENS);
    const logits = scores.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    const most = Math.max(...logits);
    const mass = logits.map((z, token) => (BANNED.includes(token) ? 0 : Math.exp((z - most) / TEMPERATURE)));
    const total = mass.reduce((a, b) => a + b, 0);
    const below = mass.subarray(0, tokens[i]).reduce((a, b) => a + b, 0) / total;
    const chance = mass[tokens[i]] / total;
    const u = uniform(keys[2 * row], keys[2 * row + 1], prompts[row].length + (i % NEW_TOKENS));
    worst = Math.max(worst, below - u, u - below - chance);
    expected[i] = Math.log(chance);
  }
  return Math.max(worst, share(samplerLogProb, expected), share(logProb, scores.logProb));
}

/** The gradient, tensor by tensor; one that is almost nothing is measured against a hundredth of the largest number of all. */
function gradientShare(actual: Float32Array, expected: Float64Array): number {
  const least = 0.01 * expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return Math.max(...parameterLayout(CONFIG).map(({ offset, size }) => share(actual, expected, offset, size, least)));
}

/** The step that AdamW takes with the engine's own gradient: how far the weights moved, and the moments. */
function updateShare(theta: Float32Array, gradient: Float32Array, after: PolicyState): number {
  const zeros = () => new Float64Array(theta.length);
  const expected = { theta: Float64Array.from(theta), gradient: Float64Array.from(gradient), m: zeros(), v: zeros(), updates: 0 };
  adamW(expected, CONFIG, STEP);
  const moved = (to: ArrayLike<number>) => theta.map((x, i) => to[i] - x);
  return Math.max(share(moved(after.theta), moved(expected.theta)), share(after.m, expected.m), share(after.v, expected.v));
}

/**
 * Has an engine do a little of everything and compares. A call that fails disagrees, too.
 * @returns what disagrees most, or undefined if all is well.
 */
export async function selfTest(engine: Engine): Promise<Disagreement | { readonly failed: string } | undefined> {
  const given = givens();
  let done: Work | undefined;
  try {
    done = await work(engine, given);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { failed: error.message };
  }
  if (engine.errorCount() > 0) return { failed: engine.errorMessages()[0] };
  if (!done) return { what: "drawn tokens", share: Number.POSITIVE_INFINITY };
  // Kernels that read 16-bit weights are right if they compute right with what those say.
  const read = (theta: Float32Array) => (engine.plan.weights === "f16" ? roundedToHalf(theta) : theta);
  const batch = batchOf(given, done.generation);
  const scores = reference(CONFIG, read(given.theta), batch, 1, given.coefficients);
  const scoresAfter = reference(CONFIG, read(done.after.theta), batch, 1);
  const errors: Disagreement[] = [
    { what: "drawn tokens", share: drawing(given, done.generation, scores) },
    { what: "log-probs", share: share(done.logProb, scores.logProb) },
    { what: "entropies", share: share(done.entropy, scores.entropy) },
    { what: "gradients", share: gradientShare(done.gradient, scores.gradient!) },
    { what: "updates", share: updateShare(given.theta, done.gradient, done.after) },
    { what: "log-probs after an update", share: share(done.logProbAfter, scoresAfter.logProb) },
  ];
  const worst = errors.reduce((a, b) => (b.share > a.share ? b : a));
  return worst.share <= TOLERANCE ? undefined : worst;
}
