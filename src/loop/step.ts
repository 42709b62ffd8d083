import type { RolloutBatch } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import { type Engine, type Policy, tokenBatch } from "../policy/engine.ts";
import { learningRate } from "../policy/optimizer.ts";
import { randomSequence, rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS, encodePrompt } from "../policy/tokenizer.ts";
import { pluginOf, type ResolvedRecipe, settingsOf } from "../recipes/recipe.ts";
import type { Slot } from "../recipes/slots.ts";
import { taskById } from "../tasks/index.ts";
import { type Problem, sampleProblem, type Task } from "../tasks/task.ts";
import { BANNED_TOKENS, evaluatePolicy } from "./evaluate.ts";
import { metricsOf } from "./metrics.ts";
import type { Phase, StepRecord, UpdateRecord } from "./record.ts";
import { type DrawnRow, drawnRows, packTokens, selectRows } from "./tokens.ts";

/** Alternatives kept for each token. */
export const ALTERNATIVES = 5;

export interface StepContext {
  readonly engine: Engine;
  readonly policy: Policy;
  /** The policy as it was before training. */
  readonly reference: Policy;
  /** From 1. */
  readonly step: number;
  readonly seed: number;
  /** Held-out problems and draws are keyed by this, so that a turned seed leaves the yardstick alone. */
  readonly evaluationSeed: number;
  readonly recipe: ResolvedRecipe;
  /** Score the rollouts once more after the update, to show what it changed. */
  readonly inspect: boolean;
}

/**
 * One step of the loop. Yields the record after each phase, and after each optimizer step of the phase `update`; the same record object
 * grows. With a group filter, prompts, rollouts and verdicts come again until enough groups are kept.
 * @throws RecipeError, EngineError, or RangeError from a task whose level has no problems.
 */
export async function* runStep(context: StepContext): AsyncGenerator<StepRecord, void> {
  const cost = { tokens: 0, seconds: 0 };
  const phases = runPhases(context, cost);
  for (;;) {
    // Time in which the caller holds the generator (a person looks at a phase) does not count, nor does evaluation.
    const started = performance.now();
    const { done, value: record } = await phases.next();
    if (done) return;
    if (record.phase === "evaluation") record.metrics = metricsOf(record, cost);
    else cost.seconds += (performance.now() - started) / 1000;
    yield record;
  }
}

async function* runPhases(context: StepContext, cost: { tokens: number }): AsyncGenerator<StepRecord, void> {
  const { engine, policy, step, seed, recipe } = context;
  const params = (slot: Slot): Parameters => recipe.slots[slot].params;
  const task = taskById(recipe.slots.task.plugin);
  const sampler = params("sampler");
  const temperature = sampler.temperature as number;
  const maxNewTokens = (sampler.maxNewTokens as number) || task.maxNewTokens;
  const groupSize = sampler.groupSize as number;
  const wanted = sampler.promptsPerStep as number;
  const filter = pluginOf("groupFilter", recipe.slots.groupFilter.plugin);

  const record: StepRecord = { step, phase: "prompts", settings: settingsOf(recipe), groups: [], rollouts: [], discarded: [], updates: [] };
  const at = (phase: Phase) => {
    record.phase = phase;
    return record;
  };

  // Prompts, rollouts, verdicts: one round, or several where a filter replaces groups without signal.
  let drawn: DrawnRow[] = [];
  let prompted = 0;
  const rounds = filter.rounds(params("groupFilter"));
  for (let round = 0; round < rounds && record.groups.length < wanted; round++) {
    const first = record.groups.length;
    for (let i = first; i < wanted; i++) {
      const problem = promptOf(task, params("task"), seed, step, prompted, wanted);
      const members = Array.from({ length: groupSize }, (_, g) => i * groupSize + g);
      record.groups.push({ problem, promptTokens: encodePrompt(problem.prompt), members });
      prompted++;
    }
    yield at("prompts");

    const fresh = record.groups.slice(first);
    const rows = fresh.length * groupSize;
    const firstRow = (prompted - fresh.length) * groupSize;
    const generation = await policy.generate({
      prompts: fresh.flatMap((group) => group.members.map(() => group.promptTokens)),
      maxNewTokens,
      temperature,
      topK: sampler.topK as number,
      topP: sampler.topP as number,
      minP: sampler.minP as number,
      stopTokens: [EOS],
      banned: BANNED_TOKENS,
      keys: rowKeys(
        { seed, stream: STREAM.rollouts, step },
        Array.from({ length: rows }, (_, r) => firstRow + r),
      ),
      alternatives: ALTERNATIVES,
    });
    cost.tokens += generation.tokens.length;
    const freshRows = drawnRows(generation, ALTERNATIVES);
    drawn = [...drawn, ...freshRows];
    freshRows.forEach((row, r) => {
      const group = first + Math.floor(r / groupSize);
      record.rollouts.push({ group, round, text: decode(row.tokens), finished: row.finished });
    });
    record.tokens = packTokens(drawn, ALTERNATIVES);
    yield at("rollouts");

    for (const rollout of record.rollouts) rollout.verdict ??= task.verify(record.groups[rollout.group].problem, rollout.text);
    yield at("verdicts");

    const rejected = record.groups.map((group, g) => {
      if (g < first) return null;
      return filter.reject(
        group.members.map((row) => record.rollouts[row].verdict!.score),
        params("groupFilter"),
      );
    });
    if (rejected.some((reason) => reason !== null)) {
      drawn = dropGroups(record, drawn, rejected, round);
      record.tokens = packTokens(drawn, ALTERNATIVES);
    }
  }

  // Rewards.
  const reward = pluginOf("reward", recipe.slots.reward.plugin);
  const { parts } = reward.parts(
    rolloutBatch(record, maxNewTokens),
    params("reward"),
    undefined,
    randomSequence({ seed, stream: STREAM.reward, step }),
  );
  record.rollouts.forEach((rollout, r) => {
    rollout.rewardParts = Object.fromEntries(Object.entries(parts).map(([name, values]) => [name, values[r]]));
    rollout.reward = Object.values(rollout.rewardParts).reduce((a, b) => a + b, 0);
  });
  for (const group of record.groups) group.statistics = statistics(group.members.map((row) => record.rollouts[row].reward!));
  yield at("rewards");

  // Advantages.
  if (record.rollouts.length > 0) {
    const estimator = pluginOf("advantage", recipe.slots.advantage.plugin);
    const result = await engine.runKernel(
      estimator.device!.kernel,
      {
        rewards: Float32Array.from(record.rollouts, (r) => r.reward!),
        groups: Uint32Array.from(record.rollouts, (r) => r.group),
      },
      estimator.device!.uniforms(params("advantage"), record.rollouts.length)!,
    );
    const [advantages, baselines, scales] = await Promise.all([result.advantages.read(), result.baselines.read(), result.scales.read()]);
    record.rollouts.forEach((rollout, r) => {
      rollout.advantage = advantages[r];
      rollout.baseline = baselines[r];
      rollout.scale = scales[r];
    });
  }
  yield at("advantages");

  // Updates.
  if (record.rollouts.length > 0) yield* update(context, record, maxNewTokens);
  else yield at("update");

  const evaluation = params("evaluation");
  const every = evaluation.every as number;
  if (every > 0 && step % every === 0) {
    record.evaluation = await evaluatePolicy(policy, task, params("task").level as string, {
      problems: evaluation.problems as number,
      samples: 1,
      ks: [1],
      temperature: 1,
      seed: context.evaluationSeed,
      maxNewTokens,
    });
  }
  yield at("evaluation");
}

/** The problem of a step's prompt `index` (discarded ones count): a fresh one, or the next of a fixed set in an order shuffled each time round. */
function promptOf(task: Task, params: Parameters, seed: number, step: number, index: number, perStep: number): Problem {
  const level = params.level as string;
  const size = params.problems as number;
  if (size === 0) return sampleProblem(task, level, "train", randomSequence({ seed, stream: STREAM.prompts, step }, index));
  const visit = (step - 1) * perStep + index;
  const order = randomSequence({ seed, stream: STREAM.prompts, step: 0 }, Math.floor(visit / size) + 1).shuffle(
    Array.from({ length: size }, (_, i) => i),
  );
  // Step 0 belongs to no step of the loop, so its rows are free for the fixed set; 2³¹ keeps them apart from the orders.
  return sampleProblem(task, level, "train", randomSequence({ seed, stream: STREAM.prompts, step: 0 }, 2 ** 31 + order[visit % size]));
}

/** Takes rejected groups out of the record, with their rollouts, and numbers the rest anew. Returns the rows that stay. */
function dropGroups(record: StepRecord, drawn: readonly DrawnRow[], rejected: readonly (string | null)[], round: number): DrawnRow[] {
  const rows: DrawnRow[] = [];
  const groups: StepRecord["groups"] = [];
  const rollouts: StepRecord["rollouts"] = [];
  record.groups.forEach((group, g) => {
    const reason = rejected[g];
    if (reason !== null) {
      const members = group.members.map((row) => record.rollouts[row]);
      record.discarded.push({
        round,
        problem: group.problem,
        texts: members.map((m) => m.text),
        scores: members.map((m) => m.verdict!.score),
        reason,
      });
      return;
    }
    const members = group.members.map((row) => {
      rows.push(drawn[row]);
      rollouts.push({ ...record.rollouts[row], group: groups.length });
      return rollouts.length - 1;
    });
    groups.push({ ...group, members });
  });
  record.groups.splice(0, record.groups.length, ...groups);
  record.rollouts.splice(0, record.rollouts.length, ...rollouts);
  return rows;
}

function statistics(rewards: readonly number[]): { mean: number; std: number; signal: boolean } {
  const n = rewards.length;
  const mean = rewards.reduce((a, b) => a + b, 0) / n;
  const std = n > 1 ? Math.sqrt(rewards.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (n - 1)) : 0;
  return { mean, std, signal: rewards.some((r) => r !== rewards[0]) };
}

/** The phase `update`: epochs × mini-batches, each a forward pass, the objective's kernel, a backward pass and an optimizer step. */
async function* update(context: StepContext, record: StepRecord, maxNewTokens: number): AsyncGenerator<StepRecord, void> {
  const { engine, policy, reference, step, seed, recipe } = context;
  const tokens = record.tokens!;
  const temperature = recipe.slots.sampler.params.temperature as number;
  const objective = pluginOf("objective", recipe.slots.objective.plugin);
  const aggregation = pluginOf("aggregation", recipe.slots.aggregation.plugin);
  const aggregationParams = recipe.slots.aggregation.params;
  const optimizer = recipe.slots.optimizer.params;
  const rowCount = record.rollouts.length;
  const allRows = Array.from({ length: rowCount }, (_, r) => r);
  const completions = allRows.map((r) => tokens.tokens.subarray(tokens.offsets[r], tokens.offsets[r + 1]));
  const batchOf = (rows: readonly number[]) =>
    tokenBatch(
      rows.map((r) => record.groups[record.rollouts[r].group].promptTokens),
      rows.map((r) => completions[r]),
    );
  const whole = batchOf(allRows);
  const score = async (scored: Policy) => {
    const handle = await scored.forward(whole, { temperature }, { inference: true });
    const values = await handle.logProb.read();
    handle.release();
    return values;
  };

  tokens.refLogProb = await score(reference);
  if (temperature !== 1) record.tokens = { ...tokens, oldLogProb: await score(policy) };
  const { oldLogProb, refLogProb } = record.tokens!;

  const miniBatches = Math.min(optimizer.miniBatches as number, rowCount);
  const epochs = optimizer.epochs as number;
  const onPolicy = miniBatches === 1 && epochs === 1;
  const rate = learningRate(
    {
      kind: optimizer.schedule as "constant" | "cosine",
      peak: optimizer.learningRate as number,
      warmup: optimizer.warmup as number,
      total: optimizer.scheduleSteps as number,
    },
    step - 1,
  );
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = randomSequence({ seed, stream: STREAM.shuffle, step }, epoch).shuffle(allRows);
    for (let miniBatch = 0; miniBatch < miniBatches; miniBatch++) {
      const from = Math.floor((miniBatch * rowCount) / miniBatches);
      const rows = order.slice(from, Math.floor(((miniBatch + 1) * rowCount) / miniBatches)).sort((a, b) => a - b);
      const lengths = rows.map((r) => completions[r].length);
      const kept = rows.map((r) => record.rollouts[r].finished || !aggregationParams.maskTruncated);
      const weights = aggregation.weights({ lengths, kept, maxLength: maxNewTokens }, aggregationParams);
      const weight = spread(weights, lengths);
      const advantage = spread(
        rows.map((r) => record.rollouts[r].advantage!),
        lengths,
      );

      const handle = await policy.forward(batchOf(rows), { temperature });
      const uniforms = objective.device!.uniforms(
        recipe.slots.objective.params,
        recipe.slots.kl.params.coefficient as number,
        weight.length,
      )!;
      const inputs = objective.device!.inputs({
        logProb: handle.logProb,
        // A single update on a fresh batch is on-policy by definition: the ratio is exactly 1, whichever pass computed the log-probs.
        oldLogProb: onPolicy ? handle.logProb : selectRows(oldLogProb, tokens.offsets, rows),
        advantage,
        weight,
        reference: selectRows(refLogProb!, tokens.offsets, rows),
      });
      const result = await engine.runKernel(objective.device!.kernel, inputs, uniforms);
      const scores = handle.logProb;
      await policy.backward(handle, { logProb: result.coefficient });
      const applied = await policy.apply({
        learningRate: rate,
        beta1: optimizer.beta1 as number,
        beta2: optimizer.beta2 as number,
        eps: 1e-8,
        weightDecay: optimizer.weightDecay as number,
        maxGradNorm: optimizer.maxGradNorm as number,
      });
      const [logProb, coefficient, terms] = await Promise.all([scores.read(), result.coefficient.read(), result.terms.read()]);
      const n = weight.length;
      const tokenLoss = terms.subarray(0, n);
      const offsets = new Int32Array(rows.length + 1);
      lengths.forEach((length, r) => {
        offsets[r + 1] = offsets[r] + length;
      });
      const entry: UpdateRecord = {
        epoch,
        miniBatch,
        rows: Int32Array.from(rows),
        offsets,
        logProb,
        ratio: terms.slice(n, 2 * n),
        clipped: terms.slice(2 * n, 3 * n),
        weight,
        coefficient,
        tokenLoss: tokenLoss.slice(),
        loss: tokenLoss.reduce((a, b) => a + b, 0),
        learningRate: rate,
        ...applied,
      };
      record.updates.push(entry);
      record.phase = "update";
      yield record;
    }
  }
  if (context.inspect) await inspectAfter();

  async function inspectAfter() {
    const handle = await policy.forward(whole, { temperature: 1, entropy: true, topK: ALTERNATIVES }, { inference: true });
    const [logProb, entropy, ids, logProbs] = await Promise.all([
      handle.logProb.read(),
      handle.entropy!.read(),
      handle.topKTokens!.read(),
      handle.topKLogProbs!.read(),
    ]);
    handle.release();
    record.tokens!.after = { logProb, entropy, alternativeTokens: Int32Array.from(ids), alternativeLogProbs: logProbs };
  }
}

/** What plug-ins see of the record, before the rewards: `reward` holds the verdicts' scores. */
function rolloutBatch(record: StepRecord, maxLength: number): RolloutBatch {
  const { rollouts, groups, tokens } = record;
  return {
    rows: rollouts.length,
    offsets: tokens!.offsets,
    group: rollouts.map((r) => r.group),
    groups: groups.map((g) => g.members),
    reward: rollouts.map((r) => r.reward ?? r.verdict!.score),
    parts: {},
    finished: rollouts.map((r) => r.finished),
    maxLength,
    scores: { samplerLogProb: tokens!.samplerLogProb, oldLogProb: tokens!.oldLogProb, entropy: tokens!.entropy },
    tokens: tokens!.tokens,
    problems: groups.map((g) => g.problem),
    verdicts: rollouts.map((r) => r.verdict!),
    texts: rollouts.map((r) => r.text),
    step: record.step,
  };
}

/** One value per rollout, repeated for each of its tokens. */
function spread(values: readonly number[], lengths: readonly number[]): Float32Array {
  const packed = new Float32Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  values.forEach((value, r) => {
    packed.fill(value, at, at + lengths[r]);
    at += lengths[r];
  });
  return packed;
}
