import { checkBatch } from "../checks.ts";
import type { PolicyConfig } from "../config.ts";
import {
  type Coefficients,
  completionOffsets,
  type EngineBuffer,
  type ForwardHandle,
  type GenerateRequest,
  type Generation,
  type Needs,
  type OptimizerStep,
  type Policy,
  type PolicyState,
  type TokenBatch,
  type UpdateReport,
} from "../engine.ts";
import { adamW, type OptimizerState, type Reals } from "../optimizer.ts";
import { microBatches, networkFeeds, reals } from "./batching.ts";
import { PortableBuffer } from "./buffer.ts";
import { generate } from "./generate.ts";
import type { Precision } from "./network.ts";
import { feed, type HostArray, type Sessions } from "./runtime.ts";
import { gradientModel, scoringModel } from "./training.ts";

/** What the graphs of one shape and precision are called among the sessions. */
const sessionKey = (graph: string, config: PolicyConfig, precision: Precision, variant: unknown): string =>
  `${graph} ${precision} ${JSON.stringify([config.vocabSize, config.hiddenSize, config.layers, config.heads, config.headDim, config.intermediateSize, config.contextLength, config.rmsNormEps, config.ropeTheta, variant])}`;

/** What a handle stands for: the weights at the time of `forward`, and its results once something has computed them. */
interface Pass {
  readonly theta: Reals;
  results?: Promise<Record<string, Reals>>;
}

/**
 * Weights and optimizer state in host memory; every computation is a run of a graph. Scores are computed when they are first read, with the
 * weights of the time of `forward` (updates never write into an array that a handle may hold); `backward` computes the forward pass anew,
 * so a caller that reads log-probs and entropies only afterwards gets them for nothing.
 */
export class PortablePolicy implements Policy {
  readonly config: PolicyConfig;
  readonly precision: Precision;
  /** Weights, gradient and moments in the engine's own precision. */
  readonly state: OptimizerState;
  private readonly sessions: Sessions;
  private readonly passes = new WeakMap<ForwardHandle, Pass>();

  private constructor(sessions: Sessions, config: PolicyConfig, precision: Precision, state: OptimizerState) {
    this.sessions = sessions;
    this.config = config;
    this.precision = precision;
    this.state = state;
  }

  static create(sessions: Sessions, config: PolicyConfig, precision: Precision, theta: Reals): PortablePolicy {
    const copy = reals(precision, theta.length);
    copy.set(theta);
    const zeros = () => reals(precision, theta.length);
    return new PortablePolicy(sessions, config, precision, { theta: copy, gradient: zeros(), m: zeros(), v: zeros(), updates: 0 });
  }

  private run(graph: string, variant: unknown, model: () => Uint8Array, feeds: Parameters<Sessions["run"]>[2], outputs: readonly string[]) {
    return this.sessions.run(sessionKey(graph, this.config, this.precision, variant), model, feeds, outputs);
  }

  async forward(batch: TokenBatch, needs: Needs): Promise<ForwardHandle> {
    const { config, precision } = this;
    checkBatch(config, batch);
    const temperature = needs.temperature ?? 1;
    if (!(temperature > 0)) throw new RangeError(`temperature must be positive, got ${temperature}`);
    const topK = needs.topK ?? 0;
    if (!Number.isInteger(topK) || topK < 0 || topK > config.vocabSize)
      throw new RangeError(`topK must be an integer from 0 to ${config.vocabSize}, got ${topK}`);
    /** Outputs asked for, and their values a token. */
    const widths: Record<string, number> = { logProb: 1 };
    if (needs.entropy) widths.entropy = 1;
    if (needs.sumSquares) widths.sumSquares = 1;
    if (needs.logits) widths.logits = config.vocabSize;
    if (needs.hidden) widths.hidden = config.hiddenSize;
    if (topK > 0) widths.topKTokens = widths.topKLogProbs = topK;
    const count = completionOffsets(batch).at(-1)!;
    const pass: Pass = { theta: this.state.theta };
    const score = async () => {
      const values = Object.fromEntries(Object.entries(widths).map(([name, width]) => [name, reals(precision, count * width)]));
      for (const run of microBatches(batch)) {
        const feeds = networkFeeds(precision, pass.theta, run, temperature);
        const results = await this.run("scoring", topK, () => scoringModel(config, precision, topK), feeds, Object.keys(widths));
        for (const [name, width] of Object.entries(widths)) unpack(values[name], results[name], run.places, width);
      }
      return values;
    };
    const result = (name: string) => new PortableBuffer(count * widths[name], async () => (await (pass.results ??= score()))[name]);
    const buffers: Record<string, PortableBuffer> = Object.fromEntries(Object.keys(widths).map((name) => [name, result(name)]));
    const handle: ForwardHandle = { ...buffers, logProb: buffers.logProb, batch, needs, release() {} };
    this.passes.set(handle, pass);
    return handle;
  }

  async backward(handle: ForwardHandle, coefficients: Coefficients): Promise<void> {
    const pass = this.passes.get(handle);
    if (!pass) throw new RangeError("a forward handle is used for at most one backward pass, of the policy that made it");
    const { config, precision } = this;
    const { batch, needs } = handle;
    const count = handle.logProb.length;
    const logProb = await hostValues(coefficients.logProb, count, "log-prob");
    const entropy = await hostValues(coefficients.entropy, count, "entropy");
    const logits = await hostValues(coefficients.logits, count * config.vocabSize, "logit");
    this.passes.delete(handle);
    const scores: Record<string, Reals> = { logProb: reals(precision, count), entropy: reals(precision, count) };
    for (const run of microBatches(batch)) {
      const n = run.places.length;
      const feeds = networkFeeds(precision, pass.theta, run, needs.temperature ?? 1);
      feeds.logProbCoefficient = feed(precision, pack(reals(precision, n), logProb, run.places, 1), [n, 1]);
      feeds.entropyCoefficient = feed(precision, pack(reals(precision, n), entropy, run.places, 1), [n, 1]);
      if (logits) {
        const dense = pack(reals(precision, n * config.vocabSize), logits, run.places, config.vocabSize);
        feeds.logitCoefficient = feed(precision, dense, [n, config.vocabSize]);
      }
      const dense = logits !== undefined;
      const names = ["gradient", ...Object.keys(scores)];
      const results = await this.run("gradient", dense, () => gradientModel(config, precision, dense), feeds, names);
      for (const name of Object.keys(scores)) unpack(scores[name], results[name], run.places, 1);
      const sum = this.state.gradient;
      const part = results.gradient as Reals;
      for (let i = 0; i < sum.length; i++) sum[i] += part[i];
    }
    const onlyScores = !(needs.sumSquares || needs.logits || needs.hidden || needs.topK);
    if (onlyScores) pass.results ??= Promise.resolve(scores);
  }

  generate(request: GenerateRequest): Promise<Generation> {
    const { config, precision } = this;
    return generate(request, config, precision, this.state.theta, (variant, model, feeds, outputs) =>
      this.run("decoding", variant, model, feeds, outputs),
    );
  }

  async gradients(): Promise<Float32Array> {
    return Float32Array.from(this.state.gradient);
  }

  async apply(step: OptimizerStep): Promise<UpdateReport> {
    this.state.theta = this.state.theta.slice();
    const result = adamW(this.state, this.config, step);
    return { read: async () => result };
  }

  async save(): Promise<PolicyState> {
    const { theta, m, v, updates } = this.state;
    return { theta: Float32Array.from(theta), m: Float32Array.from(m), v: Float32Array.from(v), updates };
  }

  async restore(state: PolicyState): Promise<void> {
    for (const key of ["theta", "m", "v"] as const) {
      if (state[key].length !== this.state[key].length) {
        throw new RangeError(`this policy has ${this.state[key].length} parameters, the snapshot's ${key} has ${state[key].length}`);
      }
    }
    this.state.theta = this.state.theta.slice();
    for (const key of ["theta", "m", "v"] as const) this.state[key].set(state[key]);
    this.state.updates = state.updates;
    this.state.gradient.fill(0);
  }

  async clone(): Promise<Policy> {
    const { theta, m, v, updates } = this.state;
    const gradient = reals(this.precision, theta.length);
    return new PortablePolicy(this.sessions, this.config, this.precision, {
      theta: theta.slice(),
      gradient,
      m: m.slice(),
      v: v.slice(),
      updates,
    });
  }

  /** Nothing to give back: sessions belong to the engine, arrays to the garbage collector. */
  dispose(): void {}
}

/** Hands a run's values, `width` a token, to their places in the packed output. */
function unpack(into: Reals, from: HostArray, places: Int32Array, width: number): void {
  for (let i = 0; i < places.length; i++) {
    for (let j = 0; j < width; j++) into[places[i] * width + j] = Number(from[i * width + j]);
  }
}

function pack(into: Reals, from: Reals | undefined, places: Int32Array, width: number): Reals {
  if (!from) return into;
  for (let i = 0; i < places.length; i++) {
    for (let j = 0; j < width; j++) into[i * width + j] = from[places[i] * width + j];
  }
  return into;
}

async function hostValues(data: Float32Array | EngineBuffer | undefined, length: number, name: string): Promise<Reals | undefined> {
  if (!data) return undefined;
  const values = ArrayBuffer.isView(data) ? data : data instanceof PortableBuffer ? await data.reals() : await data.read();
  if (values.length !== length) throw new RangeError(`this batch needs ${length} ${name} coefficients, got ${values.length}`);
  return values;
}
