import type { Phase, StepRecord } from "../../loop/record.ts";
import { PLUGINS } from "../../recipes/slots.ts";

/** What each phase does, in plain words. */

const CAPTIONS: Readonly<Record<Phase, { title: string; text: string }>> = {
  prompts: {
    title: "Prompts",
    text: "The task draws questions whose answers a program can check. Nothing is answered yet.",
  },
  rollouts: {
    title: "Rollouts",
    text: "The policy answers each prompt several times, character by character, each drawn from its own probabilities. ■ is end of text.",
  },
  verdicts: {
    title: "Verdicts",
    text: "The verifier, an ordinary program, reads each answer and says whether it is right, and if not, why.",
  },
  rewards: {
    title: "Rewards",
    text: "Verdicts become numbers to learn from. A group whose answers all earn the same has no signal: there is nothing to prefer.",
  },
  advantages: {
    title: "Advantages",
    text: "Each answer is compared with its own group: above the average it shall become more probable (blue), below it less (orange).",
  },
  update: {
    title: "Update",
    text: "",
  },
  evaluation: {
    title: "Evaluation",
    text: "The step is done. Now and then the policy is tested on problems that it never trains on, to tell learning from memorising.",
  },
};

const PLAYING = {
  title: "Training",
  text: "Each step runs all seven phases, from new prompts to a changed policy. Pause, then go phase by phase to look inside.",
};

/** The caption of a phase; for `update` it depends on whether clipping can act at all. */
export function captionOf(record: StepRecord, phase: Phase, playing: boolean): { title: string; text: string } {
  if (playing) return PLAYING;
  if (phase === "advantages") return { ...CAPTIONS.advantages, ...advantageText(record) };
  if (phase !== "update") return CAPTIONS[phase];
  const { title } = CAPTIONS.update;
  if (plannedUpdates(record) === 1) {
    return {
      title,
      text: "One on-policy update a batch: the ratio is exactly 1 and nothing is ever clipped. Take more mini-batches or epochs to see clipping at work.",
    };
  }
  return {
    title,
    text: "Each mini-batch is one optimizer step. With a single on-policy update a batch the ratio would be exactly 1 and nothing ever clipped; hence several by default.",
  };
}

/** Another estimator than GRPO's speaks for itself; shapers are named. Two lines are all the room there is. */
function advantageText({ settings }: StepRecord): { text?: string } {
  const grouped = settings.advantage === "group" && settings["advantage.baseline"] === "mean";
  const shapers = String(settings.shapers ?? "")
    .split(",")
    .flatMap((id) => PLUGINS.shapers.find((plugin) => plugin.id === id)?.name ?? []);
  const estimator = PLUGINS.advantage.find((plugin) => plugin.id === settings.advantage)?.explanation.sentence;
  if (shapers.length === 0) return grouped || !estimator ? {} : { text: estimator };
  const first = grouped || !estimator ? "Each answer is compared with its own group." : estimator;
  return { text: `${first} Then comes: ${shapers.join(", ")}. Blue shall become more probable, orange less.` };
}

/** Optimizer steps of the whole phase, by the settings. */
export function plannedUpdates(record: StepRecord): number {
  return miniBatchesOf(record) * (record.settings["optimizer.epochs"] as number);
}

export function miniBatchesOf(record: StepRecord): number {
  return Math.min(record.settings["optimizer.miniBatches"] as number, record.rollouts.length);
}
