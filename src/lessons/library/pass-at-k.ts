import { LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { HARD_SIZES } from "./sizes.ts";

export const passAtK: Lesson = {
  format: LESSON_FORMAT,
  id: "pass-at-k",
  title: "pass@1 against pass@k",
  learn: "Why getting it right more often is not the same as being able to do more.",
  audience: "People who know what a run is; good before any claim about “reasoning”.",
  minutes: 8,
  trainingSeconds: 120,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "3",
    seed: 9,
    settings: {
      "optimizer.learningRate": 5e-4,
      "evaluation.every": 0,
      "evaluation.passAtKProblems": 24,
      "evaluation.passAtKSamples": 16,
    },
    sizes: HARD_SIZES,
  },
  steps: [
    {
      title: "One try, sixteen tries",
      say: "[[passAtK|pass@1]] is the chance that one answer is right. pass@16 is the chance that *at least one of sixteen* is. Both are measured on [[heldOut|held-out problems]], which are never trained on.\n\nThe page measures them while the run stands still. Wait until the small table at the right is filled.",
      highlight: "charts",
      ask: {
        question: "Before any training: of a hundred problems, how many are solved within sixteen tries?",
        number: { min: 0, max: 100, step: 1, unit: "%", truth: "pass@16 at start", near: 12 },
      },
      waitFor: { measured: "pass@16 at start" },
      reveal: [
        {
          say: "pass@1 is {pass@1 at start}, pass@16 {pass@16 at start}. The policy *can* solve far more than it *usually* solves. The gap is what reinforcement learning has to work with.",
        },
      ],
    },
    {
      title: "Train",
      say: "Forty steps at a high learning rate. Training rewards single answers: it pushes pass@1.",
      highlight: "charts",
      ask: {
        question: "After training, pass@1…",
        options: [
          { label: "has risen", holds: { value: "pass@1 minus pass@1 at start", above: 0.03 } },
          { label: "has not", holds: { not: { value: "pass@1 minus pass@1 at start", above: 0.03 } } },
        ],
      },
      do: { label: "Train 40 steps", actions: [{ train: 40 }] },
      waitFor: { all: [{ step: 40 }, { measured: "pass@16" }] },
      reveal: [
        {
          if: { value: "pass@1 minus pass@1 at start", above: 0.03 },
          say: "From {pass@1 at start} to {pass@1}. Answers that used to be lucky have become less rare.",
        },
        { say: "From {pass@1 at start} to {pass@1}. With so few problems a change of a few points is chance. More steps would show it." },
      ],
    },
    {
      title: "And within sixteen tries?",
      say: "The trained policy answers with more conviction. Entropy went from {entropy over first 3} to {entropy over last 3}.",
      highlight: "charts",
      ask: {
        question: "pass@16, compared with before, is…",
        options: [
          {
            label: "higher by about as much as pass@1",
            holds: { value: "pass@16 minus pass@16 at start minus pass@1 plus pass@1 at start", above: -0.03 },
          },
          {
            label: "higher, but by less",
            holds: {
              all: [
                { value: "pass@16 minus pass@16 at start minus pass@1 plus pass@1 at start", below: -0.03 },
                { value: "pass@16 minus pass@16 at start", above: 0.02 },
              ],
            },
          },
          {
            label: "the same, or lower",
            holds: {
              all: [
                { value: "pass@16 minus pass@16 at start minus pass@1 plus pass@1 at start", below: -0.03 },
                { value: "pass@16 minus pass@16 at start", below: 0.02 },
              ],
            },
          },
        ],
      },
      reveal: [
        {
          if: { value: "pass@16 minus pass@16 at start", below: -0.02 },
          say: "It *fell*, from {pass@16 at start} to {pass@16}, while pass@1 went from {pass@1 at start} to {pass@1}. The policy bets on what works mostly. Problems that need an unusual answer are lost: it no longer tries.",
        },
        {
          if: { value: "pass@16 minus pass@16 at start minus pass@1 plus pass@1 at start", below: -0.03 },
          say: "{pass@16 at start} before, {pass@16} now ({pass@16 minus pass@16 at start}). pass@1 gained more: {pass@1 minus pass@1 at start}. Training made the possible probable, more than the impossible possible.",
        },
        {
          say: "{pass@16 at start} before, {pass@16} now ({pass@16 minus pass@16 at start}), and pass@1 {pass@1 minus pass@1 at start}. Here both moved alike: the policy did not lose variety yet, or it found something new. Train on and measure again.",
        },
      ],
    },
    {
      title: "How to read a claim",
      say: "“Accuracy rose from {pass@1 at start} to {pass@1}” is true and says little about new abilities. Ask for pass@k at a large k, before and after:\n\n- pass@1 up, pass@k up: it can do more.\n- pass@1 up, pass@k flat: it does reliably what it could do before.\n- pass@1 up, pass@k down: it gave variety for reliability.\n\nAll three can be what you want. For a product that answers once, pass@1 counts. For a search that tries a thousand times, pass@k does.",
    },
  ],
  notes:
    "**The estimator.** pass@k is estimated from n answers with c right as 1 − C(n − c, k)/C(n, k), without bias. With n = k = 16 it is simply “any right”.\n\n**Precision.** 24 problems: one problem is four points. Let people with fast machines raise the number of problems under “Evaluation”.\n\n**What people get wrong.** A rising reward is read as a new ability. Draw both curves over k, before and after: they often cross.\n\n**Go on.** Let half the room train with the recipe “pass@k training” and compare pass@16.",
  worksheet: [
    "A policy solves every problem with probability 0.1 a try. What are its pass@1 and pass@16?",
    "Another solves one problem in ten always and the others never. Its pass@1 and pass@16?",
    "Fill in: pass@1 before ____ after ____; pass@16 before ____ after ____.",
    "Which of the three cases of the last page did your run show?",
  ],
};
