import { type Condition, LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { HARD_SIZES } from "./sizes.ts";

const HIGHER = (cure: string): Condition => ({ value: `${cure}: entropy over last 5 minus plain: entropy over last 5`, above: 0.02 });

const cure = (name: string) => ({
  reveal: [
    {
      if: HIGHER(name),
      say: `Entropy ends at {${name}: entropy over last 5}, against {plain: entropy over last 5} without. Right answers: {${name}: score over last 5}, against {plain: score over last 5}.`,
    },
    {
      say: `Entropy ends at {${name}: entropy over last 5}, against {plain: entropy over last 5} without: here it did not help, or not enough to see. Right answers: {${name}: score over last 5}, against {plain: score over last 5}. A stronger dose or more steps may tell.`,
    },
  ],
});

const helps = (name: string, question: string) => ({
  question,
  options: [
    { label: "clearly higher than without", holds: HIGHER(name) },
    { label: "about the same, or lower", holds: { not: HIGHER(name) } },
  ],
});

export const entropy: Lesson = {
  format: LESSON_FORMAT,
  id: "entropy",
  title: "Entropy collapse and three cures",
  learn: "Why training makes answers alike, what is lost then, and three ways against it.",
  audience: "People who know advantage and update.",
  minutes: 12,
  trainingSeconds: 240,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "3",
    seed: 2,
    settings: { "optimizer.learningRate": 3e-4, "evaluation.every": 0 },
    sizes: [{ policy: "nano", prompts: 8, group: 8 }, ...HARD_SIZES],
  },
  steps: [
    {
      title: "How undecided is it?",
      say: "Before each character the [[policy]] spreads its probability over many. [[entropy|Entropy]] says how evenly: 0 if one has it all, more if many share it.\n\nThe policy answers each prompt {first.size} times. Look how different the answers are.",
      highlight: "rows",
      enter: [{ view: "rollouts" }],
    },
    {
      title: "Train hard",
      say: "We take a high learning rate, so that we need not wait long.",
      highlight: "charts",
      ask: {
        question: "After 20 steps, entropy…",
        options: [
          {
            label: "has fallen a lot (by more than 0.2)",
            holds: { value: "plain: entropy over first 3 minus plain: entropy over last 3", above: 0.2 },
          },
          {
            label: "has fallen a little",
            holds: {
              all: [
                { value: "plain: entropy over first 3 minus plain: entropy over last 3", above: 0.02 },
                { value: "plain: entropy over first 3 minus plain: entropy over last 3", below: 0.2 },
              ],
            },
          },
          {
            label: "is as before, or higher",
            holds: { value: "plain: entropy over first 3 minus plain: entropy over last 3", below: 0.02 },
          },
        ],
      },
      do: { label: "Train 20 steps", actions: [{ train: 20 }, { keep: "plain" }] },
      reveal: [
        {
          if: { value: "plain: entropy over first 3 minus plain: entropy over last 3", above: 0.02 },
          say: "From {plain: entropy over first 3} to {plain: entropy over last 3}. Right answers went from {plain: score over first 3} to {plain: score over last 3}. The policy commits itself, whether or not it has found the best way.",
        },
        {
          say: "From {plain: entropy over first 3} to {plain: entropy over last 3}: it did not fall here. Mostly it does, as the policy commits itself to what worked. Keep this run in mind as it is; the comparisons below are against it.",
        },
      ],
    },
    {
      title: "What is lost",
      say: "If all answers of a group are alike, they are all right or all wrong. Then the group has no [[signal]].",
      highlight: "charts",
      ask: {
        question: "From the first steps to the last, the number of different answers in a group…",
        options: [
          {
            label: "fell",
            holds: { value: "plain: groups/distinct_texts over first 3 minus plain: groups/distinct_texts over last 3", above: 0.2 },
          },
          {
            label: "rose",
            holds: { value: "plain: groups/distinct_texts over last 3 minus plain: groups/distinct_texts over first 3", above: 0.2 },
          },
          { label: "stayed" },
        ],
      },
      reveal: [
        {
          say: "It went from {plain: groups/distinct_texts over first 3|number} to {plain: groups/distinct_texts over last 3|number} different answers out of eight. Groups without signal: {plain: frac_reward_zero_std over first 3} then, {plain: frac_reward_zero_std over last 3} now.\n\nWhat is no longer tried can no longer be found. When this goes all the way, one speaks of [[entropyCollapse|entropy collapse]].",
        },
      ],
    },
    {
      title: "Cure 1: clip higher",
      say: "A rare character that turned out well may rise only until the upper [[clip]] bound in one step. A bound of 0.2 holds a character of 1% at 1.2%. [[clipHigher|Clip-higher]] lifts that bound.\n\nSame weights, same seed; the upper bound is now 0.5.",
      knob: "objective.clipHigh",
      ask: helps("clip", "With the higher bound, entropy at the end is…"),
      do: {
        label: "Train 20 steps with clip-higher",
        actions: [{ restart: { settings: { "objective.clipHigh": 0.5 } } }, { train: 20 }, { keep: "clip" }],
      },
      ...cure("clip"),
    },
    {
      title: "Cure 2: pay for variety",
      say: "An entropy bonus adds to the objective: the policy is rewarded for staying undecided. The coefficient says how much.",
      knob: "losses.entropy.coefficient",
      ask: helps("bonus", "With a bonus of 0.005, entropy at the end is…"),
      do: {
        label: "Train 20 steps with the bonus",
        actions: [{ restart: { settings: { losses: "entropy", "losses.entropy.coefficient": 0.005 } } }, { train: 20 }, { keep: "bonus" }],
      },
      ...cure("bonus"),
    },
    {
      title: "Cure 3: hold it near the base",
      say: "A [[kl|KL]] penalty holds the policy near the [[base|base policy]], whose answers are varied.",
      knob: "kl.coefficient",
      ask: helps("kl", "With a KL coefficient of 0.1, entropy at the end is…"),
      do: {
        label: "Train 20 steps with the penalty",
        actions: [{ restart: { settings: { "kl.coefficient": 0.1 } } }, { train: 20 }, { keep: "kl" }],
      },
      ...cure("kl"),
    },
    {
      title: "Side by side",
      say: "The last five steps on your machine:\n\n- No cure: entropy {plain: entropy over last 5}, right {plain: score over last 5}\n- Clip-higher: entropy {clip: entropy over last 5}, right {clip: score over last 5}\n- Bonus: entropy {bonus: entropy over last 5}, right {bonus: score over last 5}\n- KL penalty: entropy {kl: entropy over last 5}, right {kl: score over last 5}\n\nEntropy is not the goal. A policy that only guesses has plenty. It is the fuel: the question is what each cure cost in right answers, and what it would save later.",
      ask: {
        question: "Which would you take for a run ten times as long?",
        options: [{ label: "No cure" }, { label: "Clip-higher" }, { label: "The bonus" }, { label: "The KL penalty" }],
      },
      reveal: [
        {
          say: "“{answer}”: try it. Turn the knobs as you like, press Play, and watch entropy and reward together. One seed is one story; the seed sweep tells more.",
        },
      ],
    },
  ],
  notes:
    "**Timing.** Four short runs. Use the waiting time for the prediction of the next cure.\n\n**Why entropy falls.** What was drawn and paid off becomes more probable; what was not drawn cannot be paid. The likely gets likelier.\n\n**What people get wrong.** They take high entropy for good. Ask what the entropy of a coin-tossing policy is.\n\n**What may come out differently.** Clip-higher only acts on tokens that reach the bound; in short runs that may be few. The bonus depends on its coefficient: 0.03 in place of 0.005 drowns the reward. A KL penalty also slows learning. If a cure did nothing here, say so and look at the clip chart for the reason.",
  worksheet: [
    "Why can a group of identical answers teach nothing?",
    "Fill in from your machine: entropy and share of right answers without a cure, and with each of the three.",
    "Which cure acts on rare tokens only, which on all tokens?",
    "What would happen with a very large entropy bonus?",
  ],
};
