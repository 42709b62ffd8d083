import { LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { SIZES } from "./sizes.ts";

export const clipping: Lesson = {
  format: LESSON_FORMAT,
  id: "clipping",
  title: "Clipping, and why it sleeps when on-policy",
  learn: "What the importance ratio measures, when the clip acts, and when it cannot.",
  audience: "People who know advantage and update.",
  minutes: 8,
  trainingSeconds: 60,
  setup: {
    recipe: "grpo",
    task: "reverse",
    level: "4",
    seed: 4,
    settings: { "optimizer.learningRate": 1e-3, "evaluation.every": 0, "optimizer.miniBatches": 1, "optimizer.epochs": 1 },
    sizes: SIZES,
  },
  steps: [
    {
      title: "One update a batch",
      say: "Answers are drawn, the weights move once, and the answers are thrown away. That is [[onPolicy|on-policy]] learning.\n\nThe [[importanceRatio|importance ratio]] of a character is its probability now, divided by its probability when it was drawn.",
      knob: "optimizer.epochs",
      ask: {
        question: "In the first update of a step, the ratio of every character is…",
        options: [
          {
            label: "exactly 1",
            holds: {
              all: [
                { value: "lowestRatio", above: 0.9999 },
                { value: "highestRatio", below: 1.0001 },
              ],
            },
          },
          {
            label: "near 1, but different for each",
            holds: {
              any: [
                { value: "lowestRatio", below: 0.9999 },
                { value: "highestRatio", above: 1.0001 },
              ],
            },
          },
        ],
      },
      do: { label: "Run the update", actions: [{ toPhase: "update" }] },
      reveal: [
        {
          if: {
            all: [
              { value: "lowestRatio", above: 0.9999 },
              { value: "highestRatio", below: 1.0001 },
            ],
          },
          say: "Between {lowestRatio} and {highestRatio}: nothing has moved yet, so now is then. The loss is computed *before* the weights move.",
        },
        {
          say: "Between {lowestRatio} and {highestRatio}. They should be 1 up to rounding; this engine draws and scores with slightly different sums.",
        },
      ],
    },
    {
      title: "The clip sleeps",
      say: "The [[clip]] stops a character whose ratio has left the range from 0.8 to 1.2 in the wanted direction.",
      highlight: "charts",
      ask: {
        question: "Train five steps, one update each. How many characters does the clip stop?",
        options: [
          { label: "None", holds: { value: "once: clip_ratio/region_mean over last 5", below: 0.000001 } },
          {
            label: "A few",
            holds: {
              all: [
                { value: "once: clip_ratio/region_mean over last 5", above: 0 },
                { value: "once: clip_ratio/region_mean over last 5", below: 0.3 },
              ],
            },
          },
          { label: "Most", holds: { value: "once: clip_ratio/region_mean over last 5", above: 0.3 } },
        ],
      },
      do: { label: "Train 5 steps", actions: [{ train: 5 }, { keep: "once" }] },
      reveal: [
        {
          if: { value: "once: clip_ratio/region_mean over last 5", below: 0.000001 },
          say: "None. A ratio of 1 is always inside. With one update a batch you could write any number at the clip knob, and nothing would change.",
        },
        { say: "{once: clip_ratio/region_mean over last 5}. With a ratio of 1 there should be none; on this engine rounding moved some." },
      ],
    },
    {
      title: "Use the answers again",
      say: "Drawing answers is costly. So they are used more than once: [[epoch|epochs]]. After the first update the weights have moved, and the answers are a little stale.",
      knob: "optimizer.epochs",
      ask: {
        question: "With four epochs, the clip stops…",
        options: [
          { label: "none", holds: { value: "often: clip_ratio/region_mean over last 5", below: 0.001 } },
          {
            label: "up to a tenth of the characters",
            holds: {
              all: [
                { value: "often: clip_ratio/region_mean over last 5", above: 0.001 },
                { value: "often: clip_ratio/region_mean over last 5", below: 0.1 },
              ],
            },
          },
          { label: "more than a tenth", holds: { value: "often: clip_ratio/region_mean over last 5", above: 0.1 } },
        ],
      },
      do: {
        label: "Train 5 steps of four epochs",
        actions: [{ restart: { settings: { "optimizer.epochs": 4 } } }, { train: 5 }, { keep: "often" }],
      },
      reveal: [
        {
          if: { value: "often: clip_ratio/region_mean over last 5", above: 0.001 },
          say: "{often: clip_ratio/region_mean over last 5} of them, a mean over the four updates; in the first of them always none. In the last update ratios ran from {lowestRatio} to {highestRatio}. The clip has woken up.",
        },
        {
          say: "{often: clip_ratio/region_mean over last 5}: the updates were too short to leave the range. Ratios ran from {lowestRatio} to {highestRatio} in the last update. A higher learning rate would wake the clip.",
        },
      ],
    },
    {
      title: "See a clipped character",
      say: "Each dot is a character in the last update: its ratio across, what the objective makes of it upwards. Beyond the bounds the line is flat. Those that the clip holds are marked.\n\nClick one and read its formula below: where the clip holds it, the gradient is 0.",
      highlight: "rows",
      enter: [{ view: "update" }, { tab: "objective" }],
      waitFor: { selected: true },
    },
    {
      title: "Without the clip",
      say: "What does it prevent? Four epochs again, with bounds so wide that they never hold.",
      knob: "objective.clipHigh",
      ask: {
        question: "After the same five steps, the distance ([[kl|KL]]) from where training began is…",
        options: [
          { label: "clearly larger without the clip", holds: { value: "wide: kl over last 1 minus often: kl over last 1", above: 0.01 } },
          {
            label: "about the same",
            holds: {
              not: {
                any: [
                  { value: "wide: kl over last 1 minus often: kl over last 1", above: 0.01 },
                  { value: "often: kl over last 1 minus wide: kl over last 1", above: 0.01 },
                ],
              },
            },
          },
          { label: "smaller", holds: { value: "often: kl over last 1 minus wide: kl over last 1", above: 0.01 } },
        ],
      },
      do: {
        label: "Train 5 steps without a clip",
        actions: [
          { restart: { settings: { "optimizer.epochs": 4, "objective.clipLow": 1, "objective.clipHigh": 5 } } },
          { train: 5 },
          { keep: "wide" },
        ],
      },
      reveal: [
        {
          if: { value: "wide: kl over last 1 minus often: kl over last 1", above: 0.01 },
          say: "{wide: kl over last 1} nats a character, against {often: kl over last 1} with the clip. Right answers: {wide: score over last 1} against {often: score over last 1}. Stale answers were allowed to push on.",
        },
        {
          say: "{wide: kl over last 1} nats a character, against {often: kl over last 1} with the clip. Right answers: {wide: score over last 1} against {often: score over last 1}. Here the clip made little difference: few characters reached its bounds, or those that did would not have gone on.",
        },
      ],
    },
    {
      title: "Remember",
      say: "- Ratio 1: on-policy. The clip sleeps, and its knob does nothing.\n- More updates from the same answers: ratios spread, the clip acts.\n- The clip only ever *stops*: it takes the gradient away from characters that have moved far enough the wanted way. It does not pull them back.\n\nBefore you tune a clip bound, look at the clip chart. If it is at 0, tune something else.",
    },
  ],
  notes:
    "**The point that surprises.** Many people tune ε in runs that take one update a batch. It cannot act there. Let the room find it out in step 2.\n\n**What people get wrong.** The clip is taken for a wall. It is a switch: beyond the bound the gradient is off, and momentum or other tokens may still carry the character further.\n\n**If nothing is clipped in step 3**, the learning rate is too low for this batch. Raise it to 0.003 and run the step again.\n\n**More.** Set mini-batches to 4 with one epoch: each answer is used once, and yet the clip wakes up from the second mini-batch on. Why?",
  worksheet: [
    "Why is the ratio exactly 1 in the first update of every step?",
    "With one update a batch, what changes if you set ε from 0.2 to 0.01?",
    "A character has advantage +1 and ratio 1.3, with ε = 0.2. What is its gradient? And with advantage −1?",
    "Fill in: clipped with one epoch ____, with four epochs ____.",
  ],
};
