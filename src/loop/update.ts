import type { RolloutBatch } from "../algorithm/batch.ts";
import { type EngineBuffer, tokenBatch, type UpdateReport } from "../policy/engine.ts";
import { learningRate } from "../policy/optimizer.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { needsOf } from "../recipes/recipe.ts";
import { inList, inSlot, type StepContext } from "./context.ts";
import { advantagesOnDevice } from "./device-advantages.ts";
import { lossesOnDevice, lossesOnHost, type Plan } from "./losses.ts";
import type { Material } from "./mini-batch.ts";
import type { StepRecord, UpdateRecord } from "./record.ts";
import { askScores, type RowScores, rowsOf, type ScoredRow, withVerdictToken } from "./score.ts";
import { concatenate } from "./tokens.ts";

/**
 * The phase `update`: epochs × mini-batches, each a forward pass, the losses, a backward pass and an optimizer step. Yields after each, whose
 * record is then pending.
 */
export async function* updatePolicy(
  context: StepContext,
  record: StepRecord,
  batch: RolloutBatch,
  advantage: Float64Array,
  refLogProb: EngineBuffer,
  temperature: number,
): AsyncGenerator<void, void> {
  const { step, seed, recipe } = context;
  const optimizer = recipe.slots.optimizer.params;
  const material = await prepare(context, record, batch, advantage, refLogProb, temperature);
  const whole = inSlot(recipe, "objective").plugin.scope === "group" || inList(recipe, "losses").some((l) => l.plugin.scope === "group");
  // What is divided among mini-batches: rollouts, or groups for losses that compare within a group.
  const units = whole ? batch.groups.filter((members) => members.length > 0) : Array.from({ length: batch.rows }, (_, r) => [r]);
  const experts = Array.from({ length: material.rows.length - batch.rows }, (_, i) => batch.rows + i);
  const miniBatches = Math.min(optimizer.miniBatches as number, units.length);
  const epochs = optimizer.epochs as number;
  const onPolicy = miniBatches === 1 && epochs === 1;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const random = randomSequence({ seed, stream: STREAM.shuffle, step }, epoch);
    const order = random.shuffle(units.map((_, u) => u));
    const shown = random.shuffle(experts);
    for (let miniBatch = 0; miniBatch < miniBatches; miniBatch++) {
      const share = <T>(all: readonly T[]) =>
        all.slice(Math.floor((miniBatch * all.length) / miniBatches), Math.floor(((miniBatch + 1) * all.length) / miniBatches));
      const rollouts = share(order)
        .flatMap((u) => units[u])
        .sort((a, b) => a - b);
      const rows = [...rollouts, ...share(shown).sort((a, b) => a - b)];
      const bring = await updateOnce(context, material, { epoch, miniBatch, rows, miniBatches, onPolicy, temperature });
      context.pending.later(bring, (update) => {
        record.updates.push(update);
      });
      // The engine works on the first update while the host asks for the others.
      if (context.lazy && epoch === 0 && miniBatch === 0) await context.engine.start();
      yield;
    }
  }
  material.advantageOnDevice?.release();
}

async function prepare(
  context: StepContext,
  record: StepRecord,
  batch: RolloutBatch,
  advantage: Float64Array,
  refLogProb: EngineBuffer,
  temperature: number,
): Promise<Material> {
  const { policy, reference } = context;
  const tokens = record.tokens!;
  const shown = record.demonstrations.map(({ group, tokens: completion }) => ({
    prompt: record.groups[group].promptTokens,
    completion,
  }));
  const rows = [...rowsOf(record), ...shown];
  const score = async (scored: typeof policy) => (shown.length > 0 ? askScores(scored, shown, { temperature }, false) : undefined);
  // In the batch, not in the record: there it may be for show alone.
  const hostRef = batch.scores.refLogProb && tokens.refLogProb;
  const asked = [await score(policy), hostRef && (await score(reference))];
  const [own, ref] = await Promise.all(asked.map((scores) => scores?.read()));
  const withShown = (values: Float32Array, scores: RowScores | undefined) => (scores ? concatenate([values, scores.logProb]) : values);
  const offsets = offsetsOf(rows);
  return {
    batch,
    advantage,
    advantageOnDevice: await advantagesOnDevice(context, batch),
    rows,
    group: [...record.rollouts.map((r) => r.group), ...record.demonstrations.map((d) => d.group)],
    oldLogProb: withShown(tokens.oldLogProb, own),
    refLogProb: hostRef ? withShown(hostRef, ref) : refLogProb,
    offsets,
  };
}

/** `[rows + 1]`: where each row's completion begins when all are packed. */
function offsetsOf(rows: readonly ScoredRow[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, r) => {
    offsets[r + 1] = offsets[r] + row.completion.length;
  });
  return offsets;
}

/** Asks the engine for one update; what it returns brings its record. */
async function updateOnce(context: StepContext, material: Material, plan: Plan): Promise<() => Promise<UpdateRecord>> {
  const { policy, step, recipe } = context;
  const optimizer = recipe.slots.optimizer.params;
  const needs = needsOf(recipe);
  const rows = plan.rows.map((r) => material.rows[r]);
  const layout = needs.has("verdictToken") ? withVerdictToken(rows.map((row) => row.completion)) : undefined;
  const tokens = tokenBatch(
    rows.map((row) => row.prompt),
    layout?.completions ?? rows.map((row) => row.completion),
  );
  const handle = await policy.forward(tokens, {
    temperature: plan.temperature,
    ...(needs.has("currentEntropy") ? { entropy: true } : {}),
    ...(needs.has("currentLogits") ? { logits: true } : {}),
  });
  const losses = await lossesOnDevice(context, material, plan, handle).then(
    (done) => done ?? lossesOnHost(context, material, plan, handle, layout),
  );
  const rate = learningRate(
    {
      kind: optimizer.schedule as "constant" | "cosine",
      peak: optimizer.learningRate as number,
      warmup: optimizer.warmup as number,
      total: optimizer.scheduleSteps as number,
    },
    step - 1,
  );
  let report: UpdateReport | undefined;
  if (losses.finite) {
    await policy.backward(handle, losses.coefficients);
    report = await policy.apply({
      learningRate: rate,
      beta1: optimizer.beta1 as number,
      beta2: optimizer.beta2 as number,
      eps: 1e-8,
      weightDecay: optimizer.weightDecay as number,
      maxGradNorm: optimizer.maxGradNorm as number,
    });
  } else handle.release();
  const offsets = offsetsOf(rows);
  const { batch } = material;
  return async () => {
    const [losing, applied] = await Promise.all([losses.record(), report?.read()]);
    return {
      epoch: plan.epoch,
      miniBatch: plan.miniBatch,
      rows: Int32Array.from(plan.rows.filter((r) => r < batch.rows)),
      demonstrations: Int32Array.from(
        plan.rows.filter((r) => r >= batch.rows),
        (r) => r - batch.rows,
      ),
      offsets,
      ...losing,
      learningRate: rate,
      ...(applied ?? { gradNorm: Number.NaN, tensorGradNorms: new Float32Array(0), applied: false }),
    };
  };
}
