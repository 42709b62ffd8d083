import { LESSON_FORMAT, type Lesson } from "../lesson.ts";
import { SIZES } from "./sizes.ts";

export const oneUpdate: Lesson = {
  format: LESSON_FORMAT,
  id: "one-update",
  title: "One update, start to finish",
  learn: "How a question, a few answers and a checker become a small change of a language model.",
  audience: "Everybody. Nothing is assumed.",
  minutes: 5,
  trainingSeconds: 45,
  setup: {
    recipe: "grpo",
    task: "countdown",
    level: "2",
    seed: 7,
    settings: { "optimizer.learningRate": 3e-4, "evaluation.every": 0 },
    sizes: SIZES,
  },
  steps: [
    {
      title: "Questions that a program can check",
      say: "In the middle you see {prompts} [[prompt|prompts]]. The first one is `{first.prompt}` The number in front is the target. Reach it with the other two, each used once.\n\nEach card shows you one solution. The model does not see it, and the checker does not need it: a program checks any answer by computing it.",
      highlight: "stage",
      enter: [{ view: "prompts" }],
    },
    {
      title: "The model answers, several times",
      say: "A small language model, the [[policy]], has answered each prompt {first.size} times, character by character. Each answer is a [[rollout]]. Answers to the same prompt form a [[group]].\n\nThey differ because every character is drawn by chance, from the model's own probabilities. The square ■ is the end.",
      highlight: "rows",
      enter: [{ view: "rollouts" }],
    },
    {
      title: "Which are right?",
      say: "Read a few answers. A [[verifier]], an ordinary program, will now check all {answers}.",
      highlight: "rows",
      ask: {
        question: "Of a hundred answers, how many are right?",
        number: { min: 0, max: 100, step: 1, unit: "%", truth: "rightShare", near: 10 },
      },
      do: { label: "Show the verdicts", actions: [{ view: "verdicts" }] },
      reveal: [
        {
          say: "{right} of {answers} are right. The words beside each answer say why the others are not.\n\nThis model has seen examples before, good and clumsy ones. It knows the form, and often slips.",
        },
      ],
    },
    {
      title: "Better than the others",
      say: "A right answer earns a [[reward]] of 1, a wrong one 0. Now each answer is compared with the average of its own group. The difference, measured in units of the group's spread, is its [[advantage]].\n\nTake the group of `{mixed.prompt}`: {mixed.right} of {mixed.size} are right.",
      highlight: "rows",
      ask: {
        question: "What will be wanted of the wrong answers in this group?",
        options: [
          { label: "They shall become less probable", holds: { value: "mixed.down", below: 0 } },
          { label: "Nothing: only right answers teach", holds: { not: { value: "mixed.down", below: 0 } } },
          { label: "They shall become more probable" },
        ],
      },
      do: { label: "Compute the advantages", actions: [{ toPhase: "advantages" }] },
      reveal: [
        {
          if: { measured: "mixed.up" },
          say: "Right answers there have an advantage of {mixed.up}, wrong ones {mixed.down}. Blue asks for more, orange for less.\n\nGroups in which all answers earned the same are idle: {silentGroups} of {prompts} here. They have nothing to prefer.",
        },
        {
          say: "In this step no group has both right and wrong answers, so every advantage is 0 and nothing would be learned. It happens. Go on: later steps have more to say.",
        },
      ],
    },
    {
      title: "Look at one character",
      say: "The inspector at the bottom shows one character of an answer that did well, at the place where the model was least sure.\n\nRead its probability and the alternatives. You can click any other character, too.",
      highlight: "inspector",
      enter: [{ select: { answer: "pushedUp", token: "mostUncertain" } }],
      waitFor: { selected: true },
    },
    {
      title: "The update",
      say: "Now the weights move a little: an [[update]]. All answers pull at the same weights at once.",
      highlight: "inspector",
      ask: {
        question: "This character belongs to an answer that did well. After the step its probability is…",
        options: [
          { label: "higher", holds: { value: "token.after minus token.before", above: 0 } },
          { label: "lower", holds: { value: "token.after minus token.before", below: 0 } },
          { label: "the same" },
        ],
      },
      do: { label: "Update the model", actions: [{ toPhase: "evaluation" }] },
      reveal: [
        {
          if: { value: "token.after minus token.before", above: 0 },
          say: "It rose from {token.before} to {token.after}. The rest of training is this, again and again.",
        },
        {
          if: { value: "token.after minus token.before", below: 0 },
          say: "It fell, from {token.before} to {token.after}, although its answer did well. The same weights serve all answers, and here the others pulled harder. On average, over many, the pull is the right way.",
        },
        { say: "The inspector has no probability for it after the update: choose a character of an answer in this step to see one." },
      ],
    },
    {
      title: "Again and again",
      say: "That was one [[step]]. Training repeats it with new prompts. Watch the chart at the right: the blue line is the mean reward.",
      highlight: "charts",
      ask: {
        question: "After 20 more steps, of a hundred answers…",
        options: [
          { label: "clearly more are right", holds: { value: "score over last 5 minus score over first 5", above: 0.05 } },
          {
            label: "about as many are right",
            holds: {
              not: {
                any: [
                  { value: "score over last 5 minus score over first 5", above: 0.05 },
                  { value: "score over last 5 minus score over first 5", below: -0.05 },
                ],
              },
            },
          },
          { label: "fewer are right", holds: { value: "score over last 5 minus score over first 5", below: -0.05 } },
        ],
      },
      do: { label: "Train 20 steps", actions: [{ train: 20 }] },
      reveal: [
        {
          if: { value: "score over last 5 minus score over first 5", above: 0.05 },
          say: "The share of right answers went from {score over first 5} (the first five steps) to {score over last 5} (the last five). In this training nobody showed the model a right answer. It found them itself, and a program told them apart.",
        },
        {
          say: "It went from {score over first 5} (the first five steps) to {score over last 5} (the last five): no clear rise yet. With few answers a step, chance is strong. Press Play and give it more steps; the lesson does not mind.",
        },
      ],
    },
    {
      title: "What you have seen",
      say: "- A task asks; the policy answers several times.\n- A verifier says right or wrong.\n- Each answer is compared with its group.\n- The weights move: better answers become more probable.\n\nThis is *reinforcement learning from verifiable rewards*. The run is yours now: turn a knob, click a character, look back at any step.",
    },
  ],
  notes:
    "**Before.** Put the page on the projector and let everybody open it. The lesson runs on each machine by itself.\n\n**While it runs.** Let people say their number aloud in step 3 before anybody presses the button. In step 4 ask why an average is needed at all: a reward of 1 says little if everybody in the group got it.\n\n**What people get wrong.**\n- They think that the model is told the right answer. It is only told which of its own answers passed.\n- They expect each character to move the right way in each step. Step 6 may show one that does not; use it.\n\n**If it does not learn.** Six prompts a step on a slow machine are few. Say so, and press Play for another half minute.",
  worksheet: [
    "In your own words: what does the verifier know, and what does it not know?",
    "A group has eight answers, two of them right. Which answers get a positive advantage, which a negative one?",
    "Why does a group whose answers are all wrong teach nothing?",
    "Write down the probability of your character before and after the update. Did it move the way you predicted?",
  ],
};
