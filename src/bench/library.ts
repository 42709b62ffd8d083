import type { PolicyConfig } from "../policy/config.ts";
import type { Contender, Draw } from "./contender.ts";
import { type AdamSettings, type GrpoStep, judge } from "./grpo.ts";
import { ADAM, cutFlat, inputsAndTargets, NEW_TOKENS, type Workload } from "./workload.ts";

/** Rows that are all equally long. */
export interface RowShape {
  readonly config: PolicyConfig;
  readonly rows: number;
  readonly promptLength: number;
}

/**
 * What is made small, of the log-probs of the completions' tokens, `[rows, NEW_TOKENS]`, and columns of that shape:
 *   weighted: −Σ w·log π, columns [w];
 *   clipped: Σ w·max(−ρ·A, −clip(ρ, 1 − low, 1 + high)·A) with ρ = exp(log π − old), columns [old, A, w].
 */
export type Objective = { readonly kind: "weighted" } | { readonly kind: "clipped"; readonly low: number; readonly high: number };

/** Tensors of the rows that are trained on: `inputs` [rows, promptLength + NEW_TOKENS − 1], the others [rows, NEW_TOKENS]. */
export interface TrainingRows<T> {
  readonly inputs: T;
  readonly targets: T;
  readonly columns: readonly T[];
}

/** Tensors of weights, moments and the number of updates made. */
export interface LearnerState<T> {
  readonly theta: readonly T[];
  readonly m: readonly T[];
  readonly v: readonly T[];
  readonly updates: number;
}

/** Makes updates in whatever way is best for its library. */
export interface Learner<T> {
  /** Goes on from there; the tensors are its own from then on. */
  load(state: LearnerState<T>): Promise<void>;
  /** The gradient of the objective, perhaps cut to a length, and a step of Adam. Returns the loss, on the device. */
  step(rows: TrainingRows<T>): T;
  theta(): readonly T[];
  moments(): Promise<readonly T[]>;
  dispose(): void;
}

/** The last token of each row, its log-prob, `[rows]` each, and the cache after it. */
export interface Drawn<T> {
  readonly token: T;
  readonly logProb: T;
  readonly cache: readonly T[];
}

/** Draws tokens one by one; nothing is read. Uniforms are `[rows]`. */
export interface Decoder<T> {
  /** The first token after prompts [rows, promptLength]. */
  first(theta: readonly T[], prompts: T, uniforms: T): Drawn<T>;
  /** Token number `t` ≥ 1, from the one before, whose cache it may use up. */
  next(theta: readonly T[], t: number, before: Drawn<T>, uniforms: T): Drawn<T>;
  dispose(): void;
}

/** A library for tensors on a GPU: what only it can say. Tensors are kept by what they are given to unless it says otherwise. */
export interface Library<T> {
  readonly name: string;
  readonly how: string;
  put(values: Float32Array | Int32Array, shape: readonly number[]): T;
  read(tensor: T): Promise<ArrayLike<number>>;
  free(tensors: readonly T[]): void;
  /** Until the device has done all it was asked for. */
  finished(): Promise<void>;
  /** `[rows]` each, side by side: `[rows, columns]`. The columns are used up. */
  stack(columns: readonly T[]): T;
  /** Does something, and frees what it leaves behind but for its results. */
  within(work: () => [T, T]): [T, T];
  decoder(shape: RowShape, banned: readonly number[]): Decoder<T>;
  learner(shape: RowShape, objective: Objective, adam: AdamSettings): Learner<T>;
}

/** A library as a contender: one step of training, a batch of rollouts, and whole iterations, the same for every library. */
export function contender<T>(library: Library<T>): Contender {
  const { name, how } = library;
  const cut = (config: PolicyConfig, flat: Float32Array) => cutFlat(config, flat).map(({ values, shape }) => library.put(values, shape));
  const flat = async (tensors: readonly T[]) => {
    const parts = await Promise.all(tensors.map(library.read));
    const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };
  const state = (
    config: PolicyConfig,
    { theta, m, v, updates }: Record<"theta" | "m" | "v", Float32Array> & { readonly updates: number },
  ) => ({
    theta: cut(config, theta),
    m: cut(config, m),
    v: cut(config, v),
    updates,
  });
  const trainingRows = ({ promptLength }: RowShape, tokens: Int32Array, columns: readonly Float32Array[]): TrainingRows<T> => {
    const rows = tokens.length / (promptLength + NEW_TOKENS);
    const { inputs, targets } = inputsAndTargets(tokens, promptLength);
    return {
      inputs: library.put(inputs, [rows, promptLength + NEW_TOKENS - 1]),
      targets: library.put(targets, [rows, NEW_TOKENS]),
      columns: columns.map((column) => library.put(column, [rows, NEW_TOKENS])),
    };
  };
  const freeRows = ({ inputs, targets, columns }: TrainingRows<T>) => library.free([inputs, targets, ...columns]);

  /** Draws a batch; tokens and log-probs are the first thing that is read. */
  const draw = async (decoder: Decoder<T>, theta: readonly T[], prompts: T, uniforms: Float32Array): Promise<Draw> => {
    const rows = uniforms.length / NEW_TOKENS;
    const u = Array.from({ length: NEW_TOKENS }, (_, t) => library.put(uniforms.slice(t * rows, (t + 1) * rows), [rows]));
    const [tokens, logProbs] = library.within(() => {
      let drawn = decoder.first(theta, prompts, u[0]);
      const all = [drawn];
      for (let t = 1; t < NEW_TOKENS; t++) {
        drawn = decoder.next(theta, t, drawn, u[t]);
        all.push(drawn);
      }
      library.free(drawn.cache);
      return [library.stack(all.map(({ token }) => token)), library.stack(all.map(({ logProb }) => logProb))];
    });
    const values = await Promise.all([library.read(tokens), library.read(logProbs)]);
    library.free([tokens, logProbs, ...u]);
    return { tokens: Int32Array.from(values[0]), logProbs: Float32Array.from(values[1]) };
  };

  return {
    name,
    how,
    async train(work) {
      const { config, theta, tokens, weights } = work;
      const learner = library.learner(work, { kind: "weighted" }, ADAM);
      const zero = new Float32Array(theta.length);
      await learner.load(state(config, { theta, m: zero, v: zero, updates: 0 }));
      const rows = trainingRows(work, tokens, [weights]);
      return {
        async step() {
          const loss = learner.step(rows);
          const [value] = Array.from(await library.read(loss));
          library.free([loss]);
          await library.finished();
          return value;
        },
        state: async () => ({ theta: await flat(learner.theta()), m: await flat(await learner.moments()) }),
        dispose() {
          learner.dispose();
          freeRows(rows);
        },
      };
    },

    async sample({ config, theta, rows, promptLength, prompts, banned, uniforms }: Workload) {
      const decoder = library.decoder({ config, rows, promptLength }, banned);
      const weights = cut(config, theta);
      const given = library.put(prompts, [rows, promptLength]);
      return {
        draw: (step) => draw(decoder, weights, given, uniforms(step)),
        dispose() {
          decoder.dispose();
          library.free([...weights, given]);
        },
      };
    },

    async iterate({ config, rows, promptLength, banned }: Workload, step: GrpoStep) {
      const decoder = library.decoder({ config, rows, promptLength }, banned);
      // The rows of an update: all updates have as many.
      const shape = { config, rows: step.miniBatches[0].length, promptLength };
      if (step.miniBatches.some(({ length }) => length !== shape.rows)) throw new Error("mini-batches of different sizes");
      const learner = library.learner(shape, { kind: "clipped", ...step.clip }, step.adam);
      return {
        async prepare() {
          await learner.load(state(config, step.start.state));
          await library.finished();
        },
        async once() {
          const prompts = library.put(step.prompts, [rows, promptLength]);
          const { updates, ...outcome } = judge(step, await draw(decoder, learner.theta(), prompts, step.uniforms));
          library.free([prompts]);
          const losses = updates.map(({ tokens, oldLogProb, advantage, weight }) => {
            const given = trainingRows(shape, tokens, [oldLogProb, advantage, weight]);
            const loss = learner.step(given);
            freeRows(given);
            return loss;
          });
          const values = await Promise.all(losses.map(library.read));
          library.free(losses);
          await library.finished();
          return { ...outcome, losses: values.map((value) => value[0]) };
        },
        theta: () => flat(learner.theta()),
        dispose() {
          decoder.dispose();
          learner.dispose();
        },
      };
    },
  };
}
