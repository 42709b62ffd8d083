import { type Condition, LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { SIZES } from "./sizes.ts";

const LEARNS = (run: string): Condition => ({ value: `${run}: score over last 5 minus ${run}: score over first 5`, above: 0.05 });

export const rewardHacking: Lesson = {
  format: LESSON_FORMAT,
  id: "reward-hacking",
  title: "Reward hacking and noisy verifiers",
  learn: "What happens when the reward is not what you meant: by accident, and by design.",
  audience: "Everybody who has seen a few updates.",
  minutes: 10,
  trainingSeconds: 180,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "2",
    seed: 6,
    settings: { "optimizer.learningRate": 3e-4, "evaluation.every": 0 },
    sizes: SIZES,
  },
  steps: [
    {
      title: "Truth and reward",
      say: "This page keeps two numbers apart. The *truth*: is the answer right? The *reward*: what the policy is trained on. So far they were the same.\n\nFirst a run as a yardstick, with an honest [[verifier]].",
      highlight: "charts",
      ask: {
        question: "With an honest verifier, after 25 steps the share of right answers has risen by more than 5 points?",
        options: [
          { label: "Yes", holds: LEARNS("honest") },
          { label: "No", holds: { not: LEARNS("honest") } },
        ],
      },
      do: { label: "Train 25 steps", actions: [{ train: 25 }, { keep: "honest" }] },
      reveal: [{ say: "From {honest: score over first 5} to {honest: score over last 5}. This is our yardstick." }],
    },
    {
      title: "A verifier that errs",
      say: "Now three verdicts in ten are turned round by chance, in both directions: [[verdictNoise|verdict noise]]. Same weights, same seed.",
      knob: "rewardChannel.falsePositives",
      ask: {
        question: "With 30% wrong verdicts, the policy…",
        options: [
          { label: "still learns (more than 5 points)", holds: LEARNS("noisy") },
          {
            label: "learns nothing, or next to it",
            holds: { not: { any: [LEARNS("noisy"), { value: "noisy: score over last 5 minus noisy: score over first 5", below: -0.05 }] } },
          },
          { label: "gets worse", holds: { value: "noisy: score over last 5 minus noisy: score over first 5", below: -0.05 } },
        ],
      },
      do: {
        label: "Train 25 steps with noise",
        actions: [
          { restart: { settings: { rewardChannel: "flipped", "rewardChannel.falseNegatives": 0.3, "rewardChannel.falsePositives": 0.3 } } },
          { train: 25 },
          { keep: "noisy" },
        ],
      },
      reveal: [
        {
          if: LEARNS("noisy"),
          say: "Right answers went from {noisy: score over first 5} to {noisy: score over last 5}; with the honest verifier to {honest: score over last 5}. Errors that strike by chance cancel out over many answers. They slow learning, they do not turn it round.",
        },
        {
          say: "Right answers went from {noisy: score over first 5} to {noisy: score over last 5}; with the honest verifier to {honest: score over last 5}. By chance alone errors cancel out over many answers, so noise mostly slows learning. On a small batch, slow may look like nothing.",
        },
      ],
    },
    {
      title: "What the chart would have told you",
      say: "In practice you see only the reward, not the truth.",
      highlight: "charts",
      ask: {
        question: "At the end of the noisy run the mean reward was…",
        options: [
          { label: "higher than the truth", holds: { value: "noisy: reward over last 5 minus noisy: score over last 5", above: 0.02 } },
          { label: "lower than the truth", holds: { value: "noisy: score over last 5 minus noisy: reward over last 5", above: 0.02 } },
          { label: "about equal to it" },
        ],
      },
      reveal: [
        {
          say: "Reward {noisy: reward over last 5}, truth {noisy: score over last 5}. With 30% flips the reward is always drawn towards one half, whatever the policy does. A reward curve alone does not show how good the policy is.",
        },
      ],
    },
    {
      title: "A reward with a hole",
      say: "Now no noise. But somebody wants *short* answers, and pays well for brevity: in each group long answers lose up to two points, and short right ones gain as many. Being right is still worth one.\n\nNobody means harm. It just pays for something else.",
      knob: "rewards.kimi-length.weight",
      ask: {
        question: "After 25 steps, compared with the honest run, right answers are…",
        options: [
          { label: "fewer", holds: { value: "honest: score over last 5 minus hole: score over last 5", above: 0.03 } },
          {
            label: "about as many",
            holds: {
              not: {
                any: [
                  { value: "honest: score over last 5 minus hole: score over last 5", above: 0.03 },
                  { value: "hole: score over last 5 minus honest: score over last 5", above: 0.03 },
                ],
              },
            },
          },
          { label: "more", holds: { value: "hole: score over last 5 minus honest: score over last 5", above: 0.03 } },
        ],
      },
      do: {
        label: "Train 25 steps with the hole",
        actions: [
          {
            restart: { settings: { rewards: "kimi-length", "rewards.kimi-length.weight": 4 } },
          },
          { train: 25 },
          { keep: "hole" },
        ],
      },
      reveal: [
        {
          if: {
            all: [
              { value: "honest: score over last 5 minus hole: score over last 5", above: 0.03 },
              { value: "hole: reward over last 5 minus hole: reward over first 5", above: 0.02 },
            ],
          },
          say: "The reward rose from {hole: reward over first 5} to {hole: reward over last 5}: a fine curve. But right answers are at {hole: score over last 5}, against {honest: score over last 5} in the honest run. Answers shrank from {hole: completions/mean_length over first 5} to {hole: completions/mean_length over last 5} characters, the end included: at 1 nothing is written at all. The policy learned what was paid.",
        },
        {
          if: { value: "honest: score over last 5 minus hole: score over last 5", above: 0.03 },
          say: "Right answers are at {hole: score over last 5}, against {honest: score over last 5} in the honest run. The reward went from {hole: reward over first 5} to {hole: reward over last 5}, the length from {hole: completions/mean_length over first 5} to {hole: completions/mean_length over last 5} characters. Brevity cost right answers, even if the reward curve does not look like a success.",
        },
        {
          say: "Right answers are at {hole: score over last 5}, against {honest: score over last 5} in the honest run; the length went from {hole: completions/mean_length over first 5} to {hole: completions/mean_length over last 5} characters. The hole cost little here: being right and being short went together, or there were too few steps. A hole is dangerous when passing through it is *easier* than being right.",
        },
      ],
    },
    {
      title: "Accident and design",
      say: "- Noise that strikes all answers alike slows learning.\n- A hole that strikes *some* answers, those that the policy can learn to produce, steers learning. This is [[rewardHacking|reward hacking]].\n\nTraining is a search for whatever the reward pays. So look at the answers, not at the curve alone: on this page you can read every one.",
      highlight: "rows",
      enter: [{ view: "rewards" }],
    },
  ],
  notes:
    "**The point.** The reward is a proxy. Random errors dilute it, systematic ones redirect it.\n\n**A sum for the board.** With flips of rate q in both directions the expected reward is q + (1 − 2q)·truth. At q = 0.3 that is 0.3 + 0.4·truth: the slope is down to 0.4, the sign is the same. At q = 0.5 nothing is left.\n\n**Ask the room** how an answer could pass a check of their own without being good: unit tests that are special-cased, a judge that likes long answers.\n\n**What may come out differently.** The hole may cost little in 25 steps. Let people run it longer, or raise the weight of the length reward.",
  worksheet: [
    "With 30% flips in both directions, what mean reward does a policy get whose answers are all right? All wrong?",
    "At which rate of flips can nothing be learned any more?",
    "Describe a hole in a check that you know from your own work. Is it easier to pass through it than to do the job?",
    "Fill in, last five steps: honest: right ____; noise: right ____, reward ____; hole: right ____, reward ____.",
  ],
};
