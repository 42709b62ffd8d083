import type { EvaluationRecord, Metrics, Phase, StepRecord } from "../../loop/record.ts";
import { PLUGINS } from "../../recipes/slots.ts";
import { count, fixed, percent, short, signed } from "../format.ts";
import { miniBatchesOf, plannedUpdates } from "./captions.ts";

/** The numbers of a phase, a line of them. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

const fact = (label: string, value: string): Fact => ({ label, value });
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / Math.max(1, values.length);
const share = (values: ArrayLike<number>, is: (value: number) => boolean) => mean(Array.from(values, (v) => (is(v) ? 1 : 0)));

/** @param lastPass The newest pass@1 measured by this step, for steps that measure none. */
export function factsOf(record: StepRecord, phase: Phase, lastPass?: { readonly step: number; readonly value: number }): Fact[] {
  const { rollouts, groups, tokens, discarded, updates, evaluation, settings } = record;
  const replaced = discarded.length > 0 ? [fact("groups replaced", String(discarded.length))] : [];
  switch (phase) {
    case "prompts": {
      const task = PLUGINS.task.find((plugin) => plugin.id === settings.task);
      return [
        fact("task", task?.name ?? String(settings.task)),
        fact("prompts", String(groups.length)),
        fact("answers each", String(settings["sampler.groupSize"])),
      ];
    }
    case "rollouts":
      return [
        fact("answers", String(rollouts.length)),
        ...(tokens
          ? [
              fact("mean length", `${fixed(tokens.tokens.length / Math.max(1, rollouts.length), 1)} tokens`),
              fact("entropy", fixed(mean(tokens.entropy))),
            ]
          : []),
        fact("temperature", short(settings["sampler.temperature"] as number)),
        ...replaced,
      ];
    case "verdicts": {
      const judged = rollouts.filter((r) => r.verdict);
      return [
        fact("right", `${judged.filter((r) => r.verdict!.score === 1).length} of ${judged.length}`),
        fact("readable", `${judged.filter((r) => r.verdict!.parts.wellFormed === 1).length} of ${judged.length}`),
        ...replaced,
      ];
    }
    case "rewards":
      return [
        fact("mean reward", fixed(mean(rollouts.map((r) => r.reward ?? 0)))),
        fact("groups without signal", `${groups.filter((g) => g.statistics && !g.statistics.signal).length} of ${groups.length}`),
        ...replaced,
      ];
    case "advantages": {
      const values = rollouts.map((r) => r.advantage ?? 0);
      return [
        fact("from", signed(Math.min(0, ...values))),
        fact("to", signed(Math.max(0, ...values))),
        fact("pushed up", String(values.filter((v) => v > 0).length)),
        fact("pushed down", String(values.filter((v) => v < 0).length)),
        fact("idle", String(values.filter((v) => v === 0).length)),
      ];
    }
    case "update": {
      const last = updates.at(-1);
      if (!last) return [fact("updates", "none: no group was left to train on")];
      return [
        fact("update", `${updates.length} of ${plannedUpdates(record)}`),
        fact("epoch", `${last.epoch + 1} of ${settings["optimizer.epochs"]}`),
        fact("mini-batch", `${last.miniBatch + 1} of ${miniBatchesOf(record)}`),
        fact("answers", String(last.rows.length)),
        fact("loss", short(last.loss)),
        fact("clipped low", percent(share(last.clipped, (c) => c < 0))),
        fact("high", percent(share(last.clipped, (c) => c > 0))),
        ...(last.applied ? [] : [fact("skipped", "the gradient was not finite")]),
      ];
    }
    case "evaluation":
      return evaluation
        ? [
            fact("pass@1", percent(evaluation.passAtK[1])),
            fact("held-out problems", String(evaluation.problems)),
            fact("readable", percent(evaluation.wellFormed)),
            fact("right when readable", percent(evaluation.accuracyWhenWellFormed)),
          ]
        : [
            ...(lastPass ? [fact(`pass@1 after step ${lastPass.step}`, percent(lastPass.value))] : []),
            fact(
              "measured",
              settings["evaluation.every"] === 0 ? "never" : `every ${count(settings["evaluation.every"] as number, "step")}`,
            ),
          ];
  }
}

/** While playing: how the step went, in numbers that all steps have. */
export function stepFacts(metrics: Metrics | undefined): Fact[] {
  if (!metrics) return [];
  const entries: [string, string, (value: number) => string][] = [
    ["right", "score", percent],
    ["readable", "well_formed", percent],
    ["groups without signal", "frac_reward_zero_std", percent],
    ["loss", "loss", (v) => short(v)],
    ["gradient norm", "grad_norm", (v) => short(v)],
  ];
  return entries.flatMap(([label, name, show]) => (name in metrics ? [fact(label, show(metrics[name]))] : []));
}

/** pass@k as pairs, by k. */
export function passAtK(evaluation: EvaluationRecord): { k: number; value: number }[] {
  return Object.entries(evaluation.passAtK)
    .map(([k, value]) => ({ k: Number(k), value }))
    .sort((a, b) => a.k - b.k);
}
