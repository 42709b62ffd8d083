import type { Scores } from "../algorithm/batch.ts";
import { type EngineBuffer, type Needs, type Policy, tokenBatch } from "../policy/engine.ts";
import { EOS, VERDICT } from "../policy/tokenizer.ts";
import { needsOf } from "../recipes/recipe.ts";
import { inSlot, type StepContext } from "./context.ts";
import type { StepRecord } from "./record.ts";

/** One row to be scored: its prompt and its completion. */
export interface ScoredRow {
  readonly prompt: Int32Array;
  readonly completion: Int32Array;
}

/** What a forward pass says about rows, the reserved token's log-prob split off. */
export interface RowScores {
  /** `[N]`. */
  readonly logProb: Float32Array;
  readonly sumSquares?: Float32Array;
  readonly logits?: Float32Array;
  readonly hidden?: Float32Array;
  /** `[rows]`; NaN for rows that did not end. */
  readonly verdictLogProb?: Float32Array;
}

/** Where each row's own tokens stand in a batch that holds the reserved token after some of them. */
export interface VerdictLayout {
  readonly completions: Int32Array[];
  /** `[rows]`: the packed position of the reserved token, −1 for rows without one. */
  readonly verdictAt: Int32Array;
  /** `[N]`: the packed position of each of the rows' own tokens. */
  readonly own: Int32Array;
}

/** Puts the reserved token after each completion that ended by itself. */
export function withVerdictToken(completions: readonly Int32Array[]): VerdictLayout {
  const verdictAt = new Int32Array(completions.length).fill(-1);
  const own: number[] = [];
  let at = 0;
  const extended = completions.map((completion, r) => {
    for (let i = 0; i < completion.length; i++) own.push(at++);
    if (completion.at(-1) !== EOS) return completion;
    verdictAt[r] = at++;
    return Int32Array.from([...completion, VERDICT]);
  });
  return { completions: extended, verdictAt, own: Int32Array.from(own) };
}

/** `width` numbers a position, of the positions named. */
export function pick(values: Float32Array, positions: Int32Array, width = 1): Float32Array {
  const picked = new Float32Array(positions.length * width);
  positions.forEach((from, to) => {
    picked.set(values.subarray(from * width, (from + 1) * width), to * width);
  });
  return picked;
}

/** Scores that were asked for, and may still be with the engine. */
export interface AskedScores {
  /** As the engine has them: `[N]` if no reserved token was asked for. */
  readonly logProb: EngineBuffer;
  read(): Promise<RowScores>;
}

/**
 * Scores rows under a policy without keeping activations.
 * @param verdict Ask for the reserved token after each row, too.
 */
export async function askScores(policy: Policy, rows: readonly ScoredRow[], needs: Needs, verdict: boolean): Promise<AskedScores> {
  const layout = verdict ? withVerdictToken(rows.map((row) => row.completion)) : undefined;
  const batch = tokenBatch(
    rows.map((row) => row.prompt),
    layout?.completions ?? rows.map((row) => row.completion),
  );
  const handle = await policy.forward(batch, needs, { inference: true });
  const read = async () => {
    const [logProb, sumSquares, logits, hidden] = await Promise.all([
      handle.logProb.read(),
      handle.sumSquares?.read(),
      handle.logits?.read(),
      handle.hidden?.read(),
    ]);
    handle.release();
    const own = (values: Float32Array, width = 1) => (layout ? pick(values, layout.own, width) : values);
    return {
      logProb: own(logProb),
      ...(sumSquares ? { sumSquares: own(sumSquares) } : {}),
      ...(logits ? { logits: own(logits, policy.config.vocabSize) } : {}),
      ...(hidden ? { hidden: own(hidden, policy.config.hiddenSize) } : {}),
      ...(layout ? { verdictLogProb: Float32Array.from(layout.verdictAt, (at) => (at < 0 ? Number.NaN : logProb[at])) } : {}),
    };
  };
  return { logProb: handle.logProb, read };
}

/** The prompt and completion of every rollout of the record. */
export function rowsOf(record: StepRecord): ScoredRow[] {
  const { tokens, offsets } = record.tokens!;
  return record.rollouts.map((rollout, r) => ({
    prompt: record.groups[rollout.group].promptTokens,
    completion: tokens.subarray(offsets[r], offsets[r + 1]),
  }));
}

/**
 * Measures what the recipe's plug-ins need before the update: the policy's log-probs at the objective's temperature, the reference's, and
 * more where asked for. The reference's log-probs are absent, and pending, if nothing on the host wants them before the step ends.
 */
export async function scoreRollouts(
  context: StepContext,
  record: StepRecord,
  temperature: number,
): Promise<{ readonly scores: Scores; readonly refLogProb: EngineBuffer }> {
  const { engine, policy, reference, recipe, pending } = context;
  const needs = needsOf(recipe);
  const rows = rowsOf(record);
  const verdict = needs.has("verdictToken");
  const extra: Needs = {
    temperature,
    ...(needs.has("sumSquares") ? { sumSquares: true } : {}),
    ...(needs.has("logits") || needs.has("refLogits") ? { logits: true } : {}),
    ...(needs.has("hidden") ? { hidden: true } : {}),
  };
  const again = temperature !== 1 || verdict || Object.keys(extra).length > 1;
  const askedRef = await askScores(reference, rows, { temperature, ...(needs.has("refLogits") ? { logits: true } : {}) }, verdict);
  const keepRef = (ref: RowScores) => {
    record.tokens = { ...record.tokens!, refLogProb: ref.logProb };
  };
  if (!again && !wantsReference(context, record)) {
    pending.later(askedRef.read, keepRef);
    // The engine works while the host judges the rollouts.
    await engine.start();
    const { samplerLogProb, oldLogProb, entropy } = record.tokens!;
    return { scores: { samplerLogProb, oldLogProb, entropy }, refLogProb: askedRef.logProb };
  }
  const askedOwn = again ? await askScores(policy, rows, extra, verdict) : undefined;
  const [ref, own = {} as Partial<RowScores>] = await Promise.all([askedRef.read(), askedOwn?.read()]);
  keepRef(ref);
  if (temperature !== 1) record.tokens = { ...record.tokens!, oldLogProb: own.logProb! };
  const { samplerLogProb, oldLogProb, entropy } = record.tokens!;
  const scores = {
    samplerLogProb,
    oldLogProb,
    refLogProb: ref.logProb,
    entropy,
    ...(own.sumSquares ? { sumSquares: own.sumSquares } : {}),
    ...(own.logits ? { logits: own.logits } : {}),
    ...(ref.logits ? { refLogits: ref.logits } : {}),
    ...(own.hidden ? { hidden: own.hidden } : {}),
    ...(own.verdictLogProb ? { verdictLogProb: own.verdictLogProb } : {}),
    ...(ref.verdictLogProb ? { refVerdictLogProb: ref.verdictLogProb } : {}),
  };
  return { scores, refLogProb: askedRef.logProb };
}

/** Whether something on the host wants the reference's log-probs before the updates are over. The KL penalty does if it counts, but in a kernel. */
function wantsReference(context: StepContext, { demonstrations }: StepRecord): boolean {
  const { recipe, states } = context;
  if (needsOf(recipe, "kl").has("reference")) return true;
  const { plugin, params, key } = inSlot(recipe, "kl");
  if (plugin.coefficient(params, states[key]) === 0) return false;
  return params.place === "reward" || demonstrations.length > 0 || !lossKernel(context);
}

/**
 * The objective's own kernel, if engine and recipe let it compute the whole loss: not where a parameter is beyond it, nor with further losses,
 * token weights, or another KL penalty than k3 in the loss.
 */
export function lossKernel({
  engine,
  recipe,
  states,
}: StepContext): { uniforms(count: number): Record<string, number>; beta: number } | undefined {
  const { plugin, params } = inSlot(recipe, "objective");
  const kl = inSlot(recipe, "kl");
  const { device } = plugin;
  if (engine.kind !== "webgpu" || !device) return undefined;
  const beta = kl.params.place === "reward" ? 0 : kl.plugin.coefficient(kl.params, states[kl.key]);
  if (beta !== 0 && (kl.plugin.id !== "k3" || kl.params.gradient !== "own" || kl.params.biasCorrection)) return undefined;
  if (recipe.lists.losses.length > 0 || recipe.lists.tokenWeights.length > 0 || needsOf(recipe).has("verdictToken")) return undefined;
  if (!device.uniforms(params, beta, 0)) return undefined;
  return { uniforms: (count) => device.uniforms(params, beta, count)!, beta };
}
