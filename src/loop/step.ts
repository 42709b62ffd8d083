import type { RolloutBatch } from "../algorithm/batch.ts";
import { tokenBatch } from "../policy/engine.ts";
import { EOS, encode } from "../policy/tokenizer.ts";
import { settingsOf } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import { ALTERNATIVES, collectRollouts, longestCompletion } from "./collect.ts";
import { type Cost, inSlot, keepState, randomFor, type StepContext } from "./context.ts";
import { evaluatePolicy } from "./evaluate.ts";
import { metricsOf } from "./metrics.ts";
import type { Phase, StepRecord } from "./record.ts";
import { estimateAdvantages, klOfRollouts, rewardRollouts } from "./rewards.ts";
import { rowsOf, scoreRollouts } from "./score.ts";
import { updatePolicy } from "./update.ts";

/**
 * One step of the loop. Yields the record after each phase, and after each optimizer step of the phase `update`; the same record object
 * grows. With a group filter, prompts, rollouts and verdicts come again until enough groups are kept.
 * @throws RecipeError, EngineError, or RangeError from a task whose level has no problems.
 */
export async function* runStep(context: StepContext): AsyncGenerator<StepRecord, void> {
  const cost: Cost = { tokens: 0, seconds: 0 };
  const phases = runPhases(context, cost);
  for (;;) {
    // Time in which the caller holds the generator (a person looks at a phase) does not count, nor does evaluation.
    const started = performance.now();
    const { done, value: record } = await phases.next();
    if (done) return;
    if (!context.lazy) await context.pending.settle();
    if (record.phase === "evaluation") record.metrics = metricsOf(record, { ...cost, seconds: cost.seconds + context.pending.seconds });
    else cost.seconds += (performance.now() - started) / 1000;
    yield record;
  }
}

async function* runPhases(context: StepContext, cost: Cost): AsyncGenerator<StepRecord, void> {
  const { policy, step, recipe } = context;
  const record: StepRecord = {
    step,
    phase: "prompts",
    settings: settingsOf(recipe),
    groups: [],
    rollouts: [],
    discarded: [],
    demonstrations: [],
    updates: [],
  };
  const at = (phase: Phase) => {
    record.phase = phase;
    return record;
  };

  for await (const phase of collectRollouts(context, record, cost)) yield at(phase);
  if (record.rollouts.length > 0) {
    demonstrate(context, record);
    const temperature = objectiveTemperature(context);
    const { scores, refLogProb } = await scoreRollouts(context, record, temperature);
    const batch = await rewardRollouts(context, record, scores, cost, temperature);
    yield at("rewards");

    const advantage = estimateAdvantages(context, record, batch);
    yield at("advantages");

    for await (const _ of updatePolicy(context, record, batch, advantage, refLogProb, temperature)) yield at("update");
    await moveReference(context);
    if (context.inspect) await inspectAfter(context, record);
    const settled = context.pending.settle();
    context.drawNext?.();
    await settled;
    controlKl(context, record, batch, temperature);
  } else {
    // Every group was rejected: a step without an update.
    for (const phase of ["rewards", "advantages", "update"] as const) yield at(phase);
  }

  const { every, problems } = recipe.slots.evaluation.params;
  if ((every as number) > 0 && step % (every as number) === 0) {
    const task = taskById(recipe.slots.task.plugin);
    record.evaluation = await evaluatePolicy(policy, task, recipe.slots.task.params.level as string, {
      problems: problems as number,
      samples: 1,
      ks: [1],
      temperature: 1,
      seed: context.evaluationSeed,
      maxNewTokens: longestCompletion(context),
    });
  }
  yield at("evaluation");
}

/** What logits are divided by in ratios, KL and entropy: the sampler's temperature, or 1 where that changes from token to token. */
function objectiveTemperature(context: StepContext): number {
  const { plugin, params } = inSlot(context.recipe, "sampler");
  const { temperature } = plugin.drawing(params, context.step, longestCompletion(context));
  return typeof temperature === "number" ? temperature : 1;
}

/** Solutions that the recipe shows to the policy. */
function demonstrate(context: StepContext, record: StepRecord): void {
  const { key, plugin, params } = inSlot(context.recipe, "guidance");
  const problems = record.groups.map((group) => group.problem);
  const texts = plugin.demonstrations(problems, params, context.step, randomFor(context, key));
  texts.forEach((ofProblem, group) => {
    for (const text of ofProblem) record.demonstrations.push({ group, text, tokens: Int32Array.from([...encode(text), EOS]) });
  });
}

/** Tells the KL penalty's controller how far the policy has moved from the reference. */
function controlKl(context: StepContext, record: StepRecord, batch: RolloutBatch, temperature: number): void {
  const { key, plugin, params } = inSlot(context.recipe, "kl");
  const scores = { ...batch.scores, refLogProb: record.tokens!.refLogProb! };
  const each = klOfRollouts(context, { ...batch, scores }, temperature);
  const kl = each.length > 0 ? each.reduce((a, b) => a + b, 0) / each.length : 0;
  keepState(context, key, plugin.control({ kl, rollouts: batch.rows }, params, context.states[key]));
}

/** Lets the reference follow the policy, if the recipe wants that. */
async function moveReference({ recipe, step, policy, reference }: StepContext): Promise<void> {
  const { plugin, params } = inSlot(recipe, "reference");
  const mix = plugin.mix(step, params);
  if (mix === 0) return;
  const [{ theta }, old] = await Promise.all([policy.save(), reference.save()]);
  await reference.restore({ ...old, theta: mix === 1 ? theta : old.theta.map((value, i) => mix * theta[i] + (1 - mix) * value) });
}

/** Scores the rollouts once more, to show what the update changed. */
async function inspectAfter({ policy, pending }: StepContext, record: StepRecord): Promise<void> {
  const rows = rowsOf(record);
  const batch = tokenBatch(
    rows.map((row) => row.prompt),
    rows.map((row) => row.completion),
  );
  const handle = await policy.forward(batch, { temperature: 1, entropy: true, topK: ALTERNATIVES }, { inference: true });
  pending.later(
    () => Promise.all([handle.logProb.read(), handle.entropy!.read(), handle.topKTokens!.read(), handle.topKLogProbs!.read()]),
    ([logProb, entropy, ids, logProbs]) => {
      handle.release();
      record.tokens!.after = { logProb, entropy, alternativeTokens: Int32Array.from(ids), alternativeLogProbs: logProbs };
    },
  );
}
