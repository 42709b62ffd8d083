import { type Condition, LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { SIZES } from "./sizes.ts";

const LENGTH = "completions/mean_length";
const GREW = `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`;
const RIGHT_LONGER = "plain: completions/mean_length_right over first 5 minus plain: completions/mean_length_wrong over first 5";
const SHORTER: Condition = { value: `plain: ${LENGTH} over last 5 minus short: ${LENGTH} over last 5`, above: 0.3 };

export const length: Lesson = {
  format: LESSON_FORMAT,
  id: "length",
  title: "Length and its penalties",
  learn: "What makes answers longer or shorter in training, and what a length penalty costs.",
  audience: "People who know reward and advantage.",
  minutes: 9,
  trainingSeconds: 150,
  setup: {
    recipe: "grpo",
    task: "addition",
    level: "2",
    seed: 8,
    settings: { "optimizer.learningRate": 1.5e-4, "evaluation.every": 0 },
    sizes: SIZES,
  },
  steps: [
    {
      title: "Two ways to add",
      say: "The task: add two numbers. The last line must be the sum. Some answers write the sum at once. Others first write it from the ones digit up, and then turn it round (⏎ is a new line): longer, but easier to get right.\n\nFind one of each on the stage.",
      highlight: "rows",
      enter: [{ view: "verdicts" }],
    },
    {
      title: "Does length pay?",
      say: "Nothing in the reward speaks of [[length]]. Let us train and see what becomes of it.",
      highlight: "charts",
      ask: {
        question: "After 30 steps the mean length of an answer has…",
        options: [
          { label: "grown", holds: { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, above: 0.2 } },
          { label: "shrunk", holds: { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, below: -0.2 } },
          {
            label: "stayed the same",
            holds: {
              not: {
                any: [
                  { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, above: 0.2 },
                  { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, below: -0.2 },
                ],
              },
            },
          },
        ],
      },
      do: { label: "Train 30 steps", actions: [{ train: 30 }, { keep: "plain" }] },
      reveal: [
        {
          if: { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, above: 0.2 },
          say: `It grew, from {plain: ${LENGTH} over first 5} to {plain: ${LENGTH} over last 5} characters. Nobody paid for length. Right answers: {plain: score over first 5} then, {plain: score over last 5} now.`,
        },
        {
          if: { value: `plain: ${LENGTH} over last 5 minus plain: ${LENGTH} over first 5`, below: -0.2 },
          say: `It shrank, from {plain: ${LENGTH} over first 5} to {plain: ${LENGTH} over last 5} characters. Right answers: {plain: score over first 5} then, {plain: score over last 5} now.`,
        },
        {
          say: `From {plain: ${LENGTH} over first 5} to {plain: ${LENGTH} over last 5} characters: hardly a change. Right answers: {plain: score over first 5} then, {plain: score over last 5} now. Length moves when one length is right more often than another.`,
        },
      ],
    },
    {
      title: "Right and wrong, long and short",
      say: "Compare the lengths of right and of wrong answers in the first steps.",
      highlight: "charts",
      ask: {
        question: "In the first five steps, right answers were…",
        options: [
          {
            label: "longer than wrong ones",
            holds: {
              value: "plain: completions/mean_length_right over first 5 minus plain: completions/mean_length_wrong over first 5",
              above: 0.1,
            },
          },
          {
            label: "shorter than wrong ones",
            holds: {
              value: "plain: completions/mean_length_right over first 5 minus plain: completions/mean_length_wrong over first 5",
              below: -0.1,
            },
          },
          { label: "as long" },
        ],
      },
      reveal: [
        {
          if: {
            any: [
              {
                all: [
                  { value: RIGHT_LONGER, above: 0 },
                  { value: GREW, above: 0 },
                ],
              },
              {
                all: [
                  { value: RIGHT_LONGER, below: 0 },
                  { value: GREW, below: 0 },
                ],
              },
            ],
          },
          say: "Right ones had {plain: completions/mean_length_right over first 5} characters, wrong ones {plain: completions/mean_length_wrong over first 5}. The mean went the same way as this difference. Whatever right answers have in common spreads, their length included. No intention is needed.",
        },
        {
          say: "Right ones had {plain: completions/mean_length_right over first 5} characters, wrong ones {plain: completions/mean_length_wrong over first 5}. Here the mean did *not* go the way of this difference. It is one pull among several: how each length is averaged in the loss, what the policy finds easy to learn, and chance in a short run.",
        },
      ],
    },
    {
      title: "A penalty",
      say: "Long answers cost time. An [[overlong|overlong penalty]] takes reward from them: here up to half a point, beginning at five characters. Same weights, same seed.",
      knob: "reward.overlongBuffer",
      ask: {
        question: "With the penalty, the mean length at the end is…",
        options: [
          { label: "clearly shorter", holds: SHORTER },
          { label: "about the same, or longer", holds: { not: SHORTER } },
        ],
      },
      do: {
        label: "Train 30 steps with the penalty",
        actions: [
          { restart: { settings: { "reward.overlongBuffer": 6, "reward.overlongPenalty": 0.5 } } },
          { train: 30 },
          { keep: "short" },
        ],
      },
      reveal: [
        {
          if: SHORTER,
          say: `{short: ${LENGTH} over last 5} characters, against {plain: ${LENGTH} over last 5} without. The penalty works.`,
        },
        {
          say: `{short: ${LENGTH} over last 5} characters, against {plain: ${LENGTH} over last 5} without: no clear difference. What is lost by length is less than what is won by being right, or there were too few steps.`,
        },
      ],
    },
    {
      title: "What it cost",
      say: "The penalty does not know which characters were needed.",
      highlight: "charts",
      ask: {
        question: "With the penalty, the share of right answers at the end is…",
        options: [
          { label: "lower", holds: { value: "plain: score over last 5 minus short: score over last 5", above: 0.03 } },
          {
            label: "about the same",
            holds: {
              not: {
                any: [
                  { value: "plain: score over last 5 minus short: score over last 5", above: 0.03 },
                  { value: "short: score over last 5 minus plain: score over last 5", above: 0.03 },
                ],
              },
            },
          },
          { label: "higher", holds: { value: "short: score over last 5 minus plain: score over last 5", above: 0.03 } },
        ],
      },
      reveal: [
        {
          if: { value: "plain: score over last 5 minus short: score over last 5", above: 0.03 },
          say: "{short: score over last 5}, against {plain: score over last 5} without. Shorter, and less often right: perhaps the working was not waste. With so few answers, a few points may also be chance.",
        },
        {
          say: "{short: score over last 5}, against {plain: score over last 5} without. Here it cost nothing, or too little to see. That is the case one hopes for: the policy was brief where it could be.",
        },
      ],
    },
    {
      title: "Three places where length hides",
      say: "- In the **reward**: a penalty, or a verifier that likes long answers.\n- In the **loss**: if each answer's loss is divided by its own length, a long wrong answer is punished less a character. See [[aggregation]].\n- In the **limit**: answers that are cut off count as wrong, so that the limit itself is a penalty.\n\nWhen answers grow or shrink in training, ask which of the three it was before you call it thinking.",
    },
  ],
  notes:
    "**The point.** Length is a by-product. It follows whatever is right more often, and every term that touches it.\n\n**The task.** Addition with a working line is a two-character world's chain of thought: it makes the sum easier and the answer longer.\n\n**What may come out differently.** On a small model the direct way may be as good as the long one; then length does not grow. The third step shows why, whichever way it went.\n\n**Go on.** Change the aggregation from token mean to the mean of each answer's mean, and watch the length of *wrong* answers.",
  worksheet: [
    "In your run, which were longer at first: right or wrong answers? What did length do then?",
    "With the penalty: length ____ in place of ____, right answers ____ in place of ____.",
    "When would you accept that price?",
    "Name a way in which answers could get longer although the reward never mentions length.",
  ],
};
