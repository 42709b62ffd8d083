import { LESSON_FORMAT, type Lesson } from "../lesson.ts";

export const theStd: Lesson = {
  format: LESSON_FORMAT,
  id: "the-std",
  title: "What the std does to easy and hard questions",
  learn: "What dividing by the group's standard deviation changes, and for which questions.",
  audience: "People who have seen an update and like a little arithmetic.",
  minutes: 8,
  trainingSeconds: 60,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "2",
    seed: 5,
    settings: { "optimizer.learningRate": 2e-4, "evaluation.every": 0 },
    sizes: [
      { policy: "nano", prompts: 12, group: 8 },
      { policy: "nano", prompts: 24, group: 8 },
      { policy: "tiny", prompts: 24, group: 8 },
    ],
  },
  steps: [
    {
      title: "Two questions",
      say: "Two groups of this step.\n\n- The hard one, `{hard.prompt}`: {hard.right} of {hard.size} answers are right.\n- The easy one, `{easy.prompt}`: {easy.right} of {easy.size} are right.\n\nRight earns 1, wrong 0. The *spread* of the rewards is their [[spread|standard deviation]].",
      highlight: "rows",
      enter: [{ toPhase: "rewards" }],
      ask: {
        question: "Where is the spread of a group of eight largest?",
        options: [
          { label: "With one right answer" },
          { label: "With four right answers", holds: { measured: "answers" } },
          { label: "With seven right answers" },
        ],
      },
      reveal: [
        {
          say: "With four: half and half lies furthest apart. In this step the hard group has {hard.std}, the easy one {easy.std}, and the one nearest to half right ({even.right} of {even.size}) {even.std}.",
        },
      ],
    },
    {
      title: "Divide",
      say: "GRPO's [[advantage]] is (reward − mean) ÷ std.\n\nIn the hard group the mean is {hard.mean} and the std is {hard.std}.",
      highlight: "rows",
      ask: {
        question: "What is the advantage of a right answer in the hard group?",
        number: { min: -10, max: 10, step: 0.01, as: "field", truth: "hard.up", near: 0.1 },
      },
      do: { label: "Compute the advantages", actions: [{ toPhase: "advantages" }, { keep: "divided" }] },
      reveal: [
        {
          if: { value: "hard.up", above: "easy.up" },
          say: "{hard.up}. In the easy group a right answer gets only {easy.up}, and a wrong one {easy.down}. What is rare in its group is moved most: the lucky hit there, the slip here.",
        },
        {
          say: "{hard.up}; in the easy group a right answer gets {easy.up}, a wrong one {easy.down}. In this step the two groups are equally hard, so they look alike. What is rare in a group is moved most.",
        },
      ],
    },
    {
      title: "Do not divide",
      say: "Dr. GRPO leaves the division out: advantage = reward − mean. We start again from the same weights and the same seed. So the questions are the same, and the answers too. Only this knob is turned.",
      knob: "advantage.scale",
      ask: {
        question: "The right answer in the hard group had {divided: hard.up}. Without the division it has…",
        options: [
          { label: "more", holds: { value: "hard.up", above: "divided: hard.up" } },
          { label: "less", holds: { value: "hard.up", below: "divided: hard.up" } },
          { label: "the same" },
        ],
      },
      do: {
        label: "Start again without the division",
        actions: [{ restart: { settings: { "advantage.scale": "none" } } }, { toPhase: "advantages" }, { keep: "plain" }],
      },
      reveal: [
        {
          say: "{plain: hard.up} in place of {divided: hard.up}. All advantages shrink, because a spread of rewards between 0 and 1 is never much above one half. A smaller learning rate would do the same. So look at the *shares*.",
        },
      ],
    },
    {
      title: "Who has how much say",
      say: "Add up the sizes of all advantages of a group: that is how hard it pulls at the weights. Compare with the group nearest to half right.\n\nWith the division, the hard group pulls {divided: hard.say} as hard as that group.",
      highlight: "rows",
      ask: {
        question: "Without the division, the hard group pulls…",
        options: [
          { label: "relatively harder", holds: { value: "plain: hard.say minus divided: hard.say", above: 0.005 } },
          { label: "relatively less", holds: { value: "plain: hard.say minus divided: hard.say", below: -0.005 } },
          { label: "just the same" },
        ],
      },
      reveal: [
        {
          if: { value: "plain: hard.say minus divided: hard.say", below: -0.005 },
          say: "Less: {plain: hard.say} as hard, in place of {divided: hard.say}. The easy group: {plain: easy.say} in place of {divided: easy.say}.\n\nSo the division lifts very hard and very easy questions. Without it, learning dwells on questions that are solved about half the time.",
        },
        {
          say: "{plain: hard.say}, and {divided: hard.say} with the division. In this step the hard group is itself about half right, so the division changes nothing between them. With one right answer in eight it would: 66% with it, 44% without.",
        },
      ],
    },
    {
      title: "Which learns better?",
      say: "Train both, with the same seed and the same number of steps.",
      highlight: "charts",
      ask: {
        question: "After 15 steps each, the share of right answers is higher…",
        options: [
          { label: "with the division", holds: { value: "with: score over last 5 minus without: score over last 5", above: 0.05 } },
          { label: "without it", holds: { value: "without: score over last 5 minus with: score over last 5", above: 0.05 } },
          {
            label: "neither: too close to say",
            holds: {
              not: {
                any: [
                  { value: "with: score over last 5 minus without: score over last 5", above: 0.05 },
                  { value: "without: score over last 5 minus with: score over last 5", above: 0.05 },
                ],
              },
            },
          },
        ],
      },
      do: {
        label: "Train 15 steps without, then 15 with",
        actions: [{ train: 15 }, { keep: "without" }, { restart: {} }, { train: 15 }, { keep: "with" }],
      },
      reveal: [
        {
          say: "In the last five steps {with: score over last 5} with the division, {without: score over last 5} without.\n\nOne seed and fifteen steps prove nothing, whichever way it came out here. Remember also that the advantages without it are smaller, so that its steps are shorter. A fair test takes several seeds and a tuned learning rate each.",
        },
      ],
    },
    {
      title: "When it matters",
      say: "- Many hopeless questions: the division turns a single lucky hit into a strong pull. Good if it was insight, bad if it was luck or a verifier's mistake.\n- Nearly solved questions: it keeps pushing on the last slip.\n- Without it, the middle counts most.\n\nNeither is right for all. Now you can tell which you want.",
    },
  ],
  notes:
    "**The arithmetic.** With a share p right, mean = p and std = √(p(1 − p)) (times √(n/(n − 1)) here, because the sample's std is used). The pull of a group is ∝ √(p(1 − p)) with the division and ∝ p(1 − p) without. Draw both curves; the first is flatter.\n\n**What people get wrong.** “Dividing makes hard questions count more” is half of it: it makes easy ones count more as well. It is the middle that loses.\n\n**Careful** with the last experiment: it is meant to end in “too close to say” most of the time. That is a result, too.",
  worksheet: [
    "Compute mean, std (n − 1) and both advantages for a group of eight with one right answer.",
    "The same for a group with four right answers. Which group has the larger sum of |advantage|, with and without the division?",
    "A verifier wrongly passes one bad answer in a hopeless group. What does the division do to it?",
    "Which of the two runs did better here, and would you bet on it with another seed?",
  ],
};
