import { lengthsOf, type Numbers, type RolloutBatch, type Scores, spreadRows, tokenRewards } from "../algorithm/batch.ts";
import type { PolicyConfig } from "../policy/config.ts";
import { rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS } from "../policy/tokenizer.ts";
import { needsOf } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import { longestCompletion } from "./collect.ts";
import { type Cost, inList, inSlot, keepState, randomFor, type StepContext } from "./context.ts";
import { BANNED_TOKENS } from "./evaluate.ts";
import type { StepRecord } from "./record.ts";

/** What plug-ins see of the record before the rewards: `reward` holds the verdicts' scores. */
export function batchOf(record: StepRecord, scores: Scores, maxLength: number, { vocabSize, hiddenSize }: PolicyConfig): RolloutBatch {
  const { rollouts, groups, tokens, twins, paths } = record;
  return {
    rows: rollouts.length,
    offsets: tokens!.offsets,
    group: rollouts.map((r) => r.group),
    groups: groups.map((g) => g.members),
    reward: rollouts.map((r) => r.verdict!.score),
    parts: {},
    finished: rollouts.map((r) => r.finished),
    maxLength,
    scores,
    tokens: tokens!.tokens,
    vocabSize,
    hiddenSize,
    problems: groups.map((g) => g.problem),
    verdicts: rollouts.map((r) => r.verdict!),
    texts: rollouts.map((r) => r.text),
    step: record.step,
    ...(twins ? { twins } : {}),
    ...(paths ? { paths } : {}),
  };
}

/**
 * The phase `rewards`: from verdicts, perhaps through noise, to named parts and their sum; a KL penalty that the recipe places in the reward;
 * and what a greedy rollout would have earned, where the recipe compares with it. Returns the batch as advantage estimators see it.
 */
export async function rewardRollouts(
  context: StepContext,
  record: StepRecord,
  scores: Scores,
  cost: Cost,
  temperature: number,
): Promise<RolloutBatch> {
  const { policy, recipe } = context;
  const before = batchOf(record, scores, longestCompletion(context), policy.config);
  const channel = inSlot(recipe, "rewardChannel");
  const seen = channel.plugin.transmit(before.reward, channel.params, randomFor(context, channel.key, 0, STREAM.reward));
  const noisy = seen !== before.reward;
  const parts = rewardParts(context, { ...before, reward: seen }, true);

  let tokenReward: Float64Array | undefined;
  const kl = inSlot(recipe, "kl");
  const beta = kl.plugin.coefficient(kl.params, context.states[kl.key]);
  if (kl.params.place === "reward" && beta !== 0) {
    const { offsets, rows } = before;
    const each = klOfRollouts(context, before, temperature);
    tokenReward = tokenRewards({ ...before, reward: totals(parts, rows) }).map((r, t) => r - beta * each[t]);
    parts.kl = Array.from({ length: rows }, (_, r) => -beta * each.subarray(offsets[r], offsets[r + 1]).reduce((a, b) => a + b, 0));
  }
  const reward = totals(parts, before.rows);
  record.rollouts.forEach((rollout, r) => {
    if (noisy) rollout.seenScore = seen[r];
    rollout.rewardParts = Object.fromEntries(Object.entries(parts).map(([name, values]) => [name, values[r]]));
    rollout.reward = reward[r];
  });
  for (const group of record.groups) group.statistics = statistics(group.members.map((row) => reward[row]));

  let greedyReward: number[] | undefined;
  if (needsOf(recipe).has("greedyRollout")) {
    record.greedy = await greedyRollouts(context, record, cost);
    greedyReward = record.greedy.map((g) => g.reward);
  }
  return { ...before, reward, parts, ...(tokenReward ? { tokenReward } : {}), ...(greedyReward ? { greedyReward } : {}) };
}

/** The recipe's divergence of the policy from the reference at each token of the rollouts, before the update, `[N]`. */
export function klOfRollouts({ recipe }: StepContext, batch: RolloutBatch, temperature: number): Float64Array {
  const { plugin, params } = inSlot(recipe, "kl");
  const { rows, offsets, vocabSize, scores } = batch;
  const { logits, refLogits } = scores;
  return plugin.estimate(
    {
      rows,
      offsets,
      logProb: scores.oldLogProb!,
      temperature,
      ...(vocabSize ? { vocabSize } : {}),
      ...(logits ? { logits } : {}),
      ...(refLogits ? { refLogits } : {}),
    },
    scores.refLogProb!,
    params,
  );
}

const totals = (parts: Readonly<Record<string, Numbers>>, rows: number): Float64Array =>
  Float64Array.from({ length: rows }, (_, r) => Object.values(parts).reduce((sum, values) => sum + values[r], 0));

/** The named parts of all reward plug-ins. A part's name that is taken already gets the plug-in's id before it. */
function rewardParts(context: StepContext, batch: RolloutBatch, keep: boolean): Record<string, Numbers> {
  const all: Record<string, Numbers> = {};
  for (const { key, plugin, params } of [inSlot(context.recipe, "reward"), ...inList(context.recipe, "rewards")]) {
    const { parts, state } = plugin.parts(batch, params, context.states[key], randomFor(context, key, 0, STREAM.reward));
    if (keep) keepState(context, key, state);
    for (const [name, values] of Object.entries(parts)) all[name in all ? `${plugin.id} ${name}` : name] = values;
  }
  return all;
}

/** One greedy rollout a group, judged and rewarded like the others; its tokens are a cost. */
async function greedyRollouts(context: StepContext, record: StepRecord, cost: Cost): Promise<NonNullable<StepRecord["greedy"]>> {
  const { policy, recipe, seed, step } = context;
  const task = taskById(recipe.slots.task.plugin);
  const maxLength = longestCompletion(context);
  const generation = await policy.generate({
    prompts: record.groups.map((group) => group.promptTokens),
    maxNewTokens: maxLength,
    temperature: 1,
    greedy: true,
    stopTokens: [EOS],
    banned: BANNED_TOKENS,
    keys: rowKeys(
      { seed, stream: STREAM.rollouts, step },
      record.groups.map((_, g) => g),
    ),
  });
  cost.tokens += generation.tokens.length;
  const { offsets, tokens } = generation;
  const rows = record.groups.length;
  const texts = record.groups.map((_, g) => decode(tokens.subarray(offsets[g], offsets[g + 1])));
  const verdicts = record.groups.map((group, g) => task.verify(group.problem, texts[g]));
  const parts = rewardParts(
    context,
    {
      rows,
      offsets,
      group: verdicts.map((_, g) => g),
      groups: verdicts.map((_, g) => [g]),
      reward: verdicts.map((v) => v.score),
      parts: {},
      finished: Array.from(generation.finished, (f) => f === 1),
      maxLength,
      scores: { samplerLogProb: generation.samplerLogProb, oldLogProb: generation.logProb, entropy: generation.entropy },
      tokens,
      problems: record.groups.map((g) => g.problem),
      verdicts,
      texts,
      step,
    },
    false,
  );
  const reward = totals(parts, rows);
  return texts.map((text, g) => ({ text, score: verdicts[g].score, reward: reward[g] }));
}

/** Mean and sample standard deviation over the scorable rewards, and whether they differ at all. */
function statistics(rewards: readonly number[]): { mean: number; std: number; signal: boolean } {
  const known = rewards.filter((r) => !Number.isNaN(r));
  const n = known.length;
  const mean = n > 0 ? known.reduce((a, b) => a + b, 0) / n : 0;
  const std = n > 1 ? Math.sqrt(known.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (n - 1)) : 0;
  return { mean, std, signal: known.some((r) => r !== known[0]) };
}

/** The phase `advantages`: the estimator, then the shapers in the recipe's order. Returns each token's advantage, `[N]`. */
export function estimateAdvantages(context: StepContext, record: StepRecord, batch: RolloutBatch): Float64Array {
  const { recipe } = context;
  const { key, plugin, params } = inSlot(recipe, "advantage");
  const { rows, offsets } = batch;
  const terms: Record<string, Float32Array> = {};
  const keepTerms = (owner: string, named: Readonly<Record<string, Numbers>>) => {
    for (const [name, values] of Object.entries(named)) terms[`${owner}.${name}`] = Float32Array.from(values);
  };
  const result = plugin.estimate(batch, params, context.states[key], randomFor(context, key));
  keepState(context, key, result.state);
  let advantage = result.level === "rollout" ? spreadRows(result.advantage, batch) : result.advantage;
  if (result.level === "rollout") {
    record.rollouts.forEach((rollout, r) => {
      rollout.advantage = result.advantage[r];
    });
  }
  const rolloutTerms = result.terms;
  keepTerms(key, rolloutTerms);
  const shapers = inList(recipe, "shapers");
  if (shapers.length > 0) keepTerms(key, { advantage });
  for (const shaper of shapers) {
    const shaped = shaper.plugin.shape(batch, advantage, shaper.params, context.states[shaper.key], randomFor(context, shaper.key));
    keepState(context, shaper.key, shaped.state);
    keepTerms(shaper.key, { ...shaped.terms, advantage: shaped.advantage });
    advantage = shaped.advantage;
  }
  const lengths = lengthsOf(batch);
  const perToken = shapers.length > 0;
  record.rollouts.forEach((rollout, r) => {
    if (rollout.advantage === undefined || (perToken && lengths[r] > 0)) {
      rollout.advantage = advantage.subarray(offsets[r], offsets[r + 1]).reduce((a, b) => a + b, 0) / Math.max(1, lengths[r]);
    }
    const { baselines, scales } = rolloutTerms;
    if (baselines?.length === rows) rollout.baseline = baselines[r];
    if (scales?.length === rows) rollout.scale = scales[r];
  });
  record.tokens = { ...record.tokens!, advantage: Float32Array.from(advantage), advantageTerms: terms };
  return advantage;
}
