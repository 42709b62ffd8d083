import { LESSON_FORMAT, type Lesson } from "../lesson.ts";

export const whyAGroup: Lesson = {
  format: LESSON_FORMAT,
  id: "why-a-group",
  title: "Why a group",
  learn: "Why each question is answered several times, and what a larger group buys.",
  audience: "Beginners; after “One update”.",
  minutes: 6,
  trainingSeconds: 60,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "3",
    seed: 3,
    settings: { "optimizer.learningRate": 2e-4, "evaluation.every": 0 },
    sizes: [
      { policy: "nano", prompts: 8, group: 8 },
      { policy: "nano", prompts: 16, group: 8 },
      { policy: "tiny", prompts: 16, group: 8 },
      { policy: "tiny", prompts: 32, group: 8 },
    ],
  },
  steps: [
    {
      title: "One answer a question",
      say: "A reward of 1: is that much? If the question was easy, no. If it was hard, yes. One answer alone does not tell.\n\nLet us try it: a [[group]] of one.",
      knob: "sampler.groupSize",
      ask: {
        question: "With one answer a prompt, how many of the answers get an advantage other than 0?",
        options: [
          { label: "All of them", holds: { value: "advantages/nonzero_fraction", above: 0.99 } },
          {
            label: "The right ones",
            holds: {
              all: [
                { value: "advantages/nonzero_fraction", above: 0.001 },
                { value: "advantages/nonzero_fraction", below: 0.99 },
              ],
            },
          },
          { label: "None", holds: { value: "advantages/nonzero_fraction", below: 0.001 } },
        ],
      },
      do: { label: "Train 3 steps with groups of one", actions: [{ restart: { settings: { "sampler.groupSize": 1 } } }, { train: 3 }] },
      reveal: [
        {
          if: { value: "advantages/nonzero_fraction", below: 0.001 },
          say: "None. The average of a group of one is the answer itself, so the difference is 0, right or wrong. Answers were drawn and checked, and nothing was learned.",
        },
        { say: "{advantages/nonzero_fraction} of them. This recipe does something else with a lone answer than compare it with itself." },
      ],
    },
    {
      title: "Two answers",
      say: "Two answers can differ: one right, one wrong. Then the group has [[signal]].\n\nThe [[policy]] gets this kind of question right now and then.",
      knob: "sampler.groupSize",
      ask: {
        question: "Of a hundred groups of two, how many have a signal?",
        options: [
          { label: "Less than a third", holds: { value: "frac_reward_zero_std over last 5", above: 0.6667 } },
          {
            label: "A third to two thirds",
            holds: {
              all: [
                { value: "frac_reward_zero_std over last 5", above: 0.3333 },
                { value: "frac_reward_zero_std over last 5", below: 0.6667 },
              ],
            },
          },
          { label: "More than two thirds", holds: { value: "frac_reward_zero_std over last 5", below: 0.3333 } },
        ],
      },
      do: {
        label: "Train 5 steps with groups of two",
        actions: [{ restart: { settings: { "sampler.groupSize": 2 } } }, { train: 5 }, { keep: "two" }],
      },
      reveal: [
        {
          if: { value: "two: score over last 5", below: 0.4 },
          say: "{two: frac_reward_zero_std over last 5} had *no* signal: both answers earned the same. About {two: score over last 5} of the answers were right, so two wrong ones in a row are common.",
        },
        {
          say: "{two: frac_reward_zero_std over last 5} had *no* signal: both answers earned the same. About {two: score over last 5} of the answers were right: two right ones, or two wrong ones, are common.",
        },
      ],
    },
    {
      title: "Eight answers",
      say: "The more answers, the likelier that one of them is the odd one out.",
      knob: "sampler.groupSize",
      ask: {
        question: "With groups of eight, the share of groups without signal is…",
        options: [
          {
            label: "clearly smaller",
            holds: { value: "two: frac_reward_zero_std over last 5 minus frac_reward_zero_std over last 5", above: 0.1 },
          },
          { label: "about the same" },
          { label: "larger", holds: { value: "frac_reward_zero_std over last 5 minus two: frac_reward_zero_std over last 5", above: 0.1 } },
        ],
      },
      do: {
        label: "Train 5 steps with groups of eight",
        actions: [{ restart: { settings: { "sampler.groupSize": 8 } } }, { train: 5 }, { keep: "eight" }],
      },
      reveal: [
        {
          if: { value: "two: frac_reward_zero_std over last 5 minus frac_reward_zero_std over last 5", above: 0.02 },
          say: "{eight: frac_reward_zero_std over last 5} without signal, against {two: frac_reward_zero_std over last 5} with groups of two. The same questions, more chances to find a difference.",
        },
        {
          say: "{eight: frac_reward_zero_std over last 5} without signal, against {two: frac_reward_zero_std over last 5} with groups of two. Over only five steps of few groups, chance can hide the effect; run it longer to see it.",
        },
      ],
    },
    {
      title: "What it costs",
      say: "Eight answers are four times the work of two: {eight: tokens over last 5|count} tokens a step here, against {two: tokens over last 5|count}.\n\nSo there is a choice for the same budget: many prompts with small groups, or few prompts with large ones. Large groups pay on hard questions, where right answers are rare. On easy ones small groups will do.",
      highlight: "charts",
    },
    {
      title: "The yardstick",
      say: "A group does two things. It finds differences, and it is its own yardstick: the average of the group says how hard the question is *for this policy, now*. No second network has to guess it.\n\nThat is the G and the R in [[grpo|GRPO]]: group-relative.",
      highlight: "rows",
      enter: [{ view: "advantages" }],
    },
  ],
  notes:
    "**The sum behind it.** If a share p of answers is right, a group of n has no signal with probability pⁿ + (1 − p)ⁿ. Write it on the board after the second prediction and let people compute it for n = 8.\n\n**What people get wrong.** They think that a wrong answer alone is a lesson (“do not do that”). Without something to compare it with, it is not: everything wrong would be pushed down, also on questions that nobody can solve.\n\n**Go on.** Let half the room use groups of 2 with 32 prompts and the other half groups of 16 with 4, for the same number of tokens. Who has more signal?",
  worksheet: [
    "If one answer in eight is right, what is the probability that both answers of a group of two earn the same?",
    "And that all eight of a group of eight do?",
    "Measured here: ____ without signal at two, ____ at eight.",
    "You have 64 answers a step. When would you take 32 groups of two, when 4 groups of sixteen?",
  ],
};
