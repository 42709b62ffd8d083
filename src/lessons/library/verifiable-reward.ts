import { LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { HARD_SIZES } from "./sizes.ts";

export const verifiableReward: Lesson = {
  format: LESSON_FORMAT,
  id: "verifiable-reward",
  title: "What a verifiable reward is",
  learn: "What a program can check, what it cannot see, and why right-or-wrong is enough to learn from.",
  audience: "Beginners; after “One update”.",
  minutes: 7,
  trainingSeconds: 75,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "3",
    seed: 11,
    settings: { "optimizer.learningRate": 5e-4, "evaluation.every": 0 },
    sizes: HARD_SIZES,
  },
  steps: [
    {
      title: "Many answers can be right",
      say: "Countdown: use each number once, with + − × ÷ and parentheses, and reach the target. The first prompt is `{first.prompt}` The number in front is the target.\n\nA question may have several solutions; the card shows one. To mark answers by hand, you would have to know them all.",
      highlight: "stage",
      enter: [{ view: "prompts" }],
      ask: {
        question: "Does the verifier need a list of solutions?",
        options: [
          { label: "Yes, it compares with a key" },
          { label: "No, it computes the answer and looks at the number", holds: { measured: "prompts" } },
        ],
      },
      reveal: [
        {
          say: "It needs no key. It reads the expression, checks that every number is used once, computes it exactly, and compares with the target. Checking is easier than solving: that is what makes the reward [[verifiableReward|verifiable]].",
        },
      ],
    },
    {
      title: "It gives its reasons",
      say: "Here are the [[verdict|verdicts]]. {right} of {answers} answers are right; {readable} can be read at all.\n\nFind one that breaks a rule, and one that follows the rules but misses the target.",
      highlight: "rows",
      enter: [{ view: "verdicts" }],
    },
    {
      title: "Nearly right",
      say: "Some answers miss the target by one. Others are nonsense.",
      highlight: "rows",
      ask: {
        question: "How many different rewards are there among the {answers} answers?",
        options: [
          { label: "Two: right and wrong", holds: { value: "distinctRewards", below: 2.5 } },
          { label: "Many: closer earns more", holds: { value: "distinctRewards", above: 2.5 } },
        ],
      },
      do: { label: "Turn verdicts into rewards", actions: [{ toPhase: "rewards" }] },
      reveal: [
        {
          if: { value: "distinctRewards", above: 1.5 },
          say: "{distinctRewards} different ones. Nearly right earns nothing. That seems harsh, but a program that pays for “near” would have to say what near means, and the model would learn to please *that*.",
        },
        {
          say: "Only one: all answers of this step earned the same. Then there is nothing to learn from it. Nearly right earns nothing, and that is the price of a strict check.",
        },
      ],
    },
    {
      title: "Enough to learn from?",
      say: "The model hears one bit an answer: right or wrong. Not where the mistake is, not what would have been right.",
      highlight: "charts",
      ask: {
        question: "After 30 steps, the share of right answers…",
        options: [
          { label: "has risen", holds: { value: "score over last 5 minus score over first 5", above: 0.03 } },
          { label: "has not", holds: { not: { value: "score over last 5 minus score over first 5", above: 0.03 } } },
        ],
      },
      do: { label: "Train 30 steps", actions: [{ train: 30 }] },
      reveal: [
        {
          if: { value: "score over last 5 minus score over first 5", above: 0.03 },
          say: "From {score over first 5} in the first five steps to {score over last 5} in the last five. One bit is little, but there are many answers, and the group shows which of them to prefer.",
        },
        {
          say: "From {score over first 5} to {score over last 5}: not clearly, on this machine, so far. Right answers are rare here, and a group without any teaches nothing. More steps or more answers would help.",
        },
      ],
    },
    {
      title: "What nobody paid for",
      say: "The reward says nothing of form. Yet an answer that cannot be read cannot be right.",
      highlight: "charts",
      ask: {
        question: "The share of answers that can be read went…",
        options: [
          { label: "up", holds: { value: "well_formed over last 5 minus well_formed over first 5", above: 0.01 } },
          { label: "down", holds: { value: "well_formed over last 5 minus well_formed over first 5", below: -0.01 } },
          { label: "nowhere" },
        ],
      },
      waitFor: { step: 5 },
      reveal: [
        {
          if: { value: "well_formed over last 5 minus well_formed over first 5", above: 0.01 },
          say: "Up, from {well_formed over first 5} to {well_formed over last 5}. Form came along for free: whatever makes an answer right is strengthened, its form included.",
        },
        {
          say: "From {well_formed over first 5} to {well_formed over last 5}. Form need not rise by itself: the reward pays for being right, and everything else only follows if it helps.",
        },
      ],
    },
    {
      title: "What it cannot see",
      say: "A verifier checks what it was written to check. It sees the last line, not the thought. A lucky guess earns as much as a good plan.\n\nWherever the check and the wish part ways, training follows the check. The lesson on [[rewardHacking|reward hacking]] goes there.",
    },
  ],
  notes:
    "**The point.** Checking is easier than solving, and a strict bit is enough if there are many tries.\n\n**Ask the room** for other checkable tasks: unit tests, proofs, sums, a maze's exit. Then for tasks that are not: a good poem, a kind reply.\n\n**What people get wrong.** They want partial credit. Ask what “near” would mean for 23 against 24, and how to earn it without solving anything.\n\n**Numbers differ** from machine to machine, because a fast one uses a larger model and more answers. Compare directions, not digits.",
  worksheet: [
    "Name two tasks from your own work that a program could check, and one that it could not.",
    "For one of them: write down what exactly the program would look at. How could an answer pass without being good?",
    "The share of right answers went from ____ to ____ on my machine. The share of readable ones from ____ to ____.",
  ],
};
