/** The ideas that the page is about, in plain words. The glossary shows them beside what plug-ins and metrics say of themselves. */

export interface Concept {
  readonly title: string;
  /** Two or three short sentences. */
  readonly text: string;
  /** Other words for it, for the search. */
  readonly also?: readonly string[];
  readonly see?: readonly string[];
}

const concept = (title: string, text: string, see: readonly string[] = [], also: readonly string[] = []): Concept => ({
  title,
  text,
  see,
  also,
});

export const CONCEPTS: Readonly<Record<string, Concept>> = {
  policy: concept(
    "Policy",
    "The language model that learns. Given a prompt and what it has written so far, it gives every possible next token a probability. Training changes these probabilities.",
    ["token", "base", "reference"],
    ["model", "network", "actor"],
  ),
  base: concept(
    "Base policy",
    "The policy before any reinforcement learning. It was trained on examples, good and clumsy ones, so that it knows the form of an answer but is often wrong.",
    ["policy", "reference"],
    ["pre-trained", "starting point"],
  ),
  token: concept(
    "Token",
    "The unit in which the policy writes. Here a token is one character, and one more token (■) ends the answer.",
    ["policy", "length"],
    ["character"],
  ),
  prompt: concept("Prompt", "What the policy reads: a question from a task. Its answer begins where the prompt ends.", ["task", "rollout"]),
  task: concept(
    "Task",
    "A source of questions whose answers a program can check: Countdown, addition, sorting. Levels make them easier or harder.",
    ["prompt", "verifier", "heldOut"],
  ),
  rollout: concept(
    "Rollout",
    "One answer that the policy has drawn, token by token, each from its own probabilities. Draw again and you get another one.",
    ["group", "temperature", "token"],
    ["answer", "completion", "sample", "trajectory", "response"],
  ),
  group: concept(
    "Group",
    "All rollouts for the same prompt in one step. They are compared with each other, so that the question's difficulty cancels out.",
    ["groupSize", "advantage", "signal"],
  ),
  groupSize: concept("Group size", "How many rollouts are drawn for each prompt.", ["group"], ["n", "G", "answers per prompt"]),
  verifier: concept(
    "Verifier",
    "An ordinary program that reads an answer and says whether it is right. It does not learn, and it cannot be flattered; but it can have gaps.",
    ["verdict", "verifiableReward", "rewardHacking"],
    ["checker", "grader"],
  ),
  verdict: concept("Verdict", "What the verifier says of one answer: right or wrong, and why.", ["verifier", "reward"], ["score"]),
  verifiableReward: concept(
    "Verifiable reward",
    "A reward that a program computes by checking the answer, in place of a person's opinion or a model of it.",
    ["verifier", "reward"],
    ["RLVR"],
  ),
  reward: concept(
    "Reward",
    "The number that training tries to raise. Usually the verdict: 1 for right, 0 for wrong; form, length or noise may change it.",
    ["verdict", "advantage", "rewardHacking"],
  ),
  rewardHacking: concept(
    "Reward hacking",
    "The policy earns more reward without getting better at what was meant, because the reward pays for something else too.",
    ["reward", "verifier", "verdictNoise"],
    ["specification gaming"],
  ),
  verdictNoise: concept(
    "Verdict noise",
    "A verifier that errs: some right answers count as wrong (false negatives), some wrong ones as right (false positives).",
    ["verifier", "verdict"],
    ["flipped", "false positive", "false negative"],
  ),
  advantage: concept(
    "Advantage",
    "How much better an answer did than expected; here, than its group's average. Above 0 the answer becomes more probable, below 0 less, at 0 nothing happens.",
    ["baseline", "group", "spread"],
  ),
  baseline: concept("Baseline", "What a reward is compared with, usually the mean of the group's rewards.", ["advantage", "group"]),
  spread: concept(
    "Standard deviation",
    "How far the rewards of a group lie apart. GRPO divides by it: where few answers differ from the rest, it is small and the advantages grow.",
    ["advantage", "baseline"],
    ["std", "spread"],
  ),
  signal: concept(
    "Signal",
    "A group has signal if its rewards differ. If all answers earned the same, no answer is better than another, and the group teaches nothing.",
    ["group", "advantage"],
    ["idle group", "no signal", "zero std"],
  ),
  update: concept(
    "Update",
    "One optimizer step: all weights move a little, in the direction that the advantages ask for.",
    ["miniBatch", "learningRate", "gradient"],
    ["optimizer step"],
  ),
  step: concept(
    "Step",
    "One round of the loop: new prompts, rollouts, verdicts, rewards, advantages, one or more updates.",
    ["update", "phase"],
    ["iteration"],
  ),
  phase: concept("Phase", "One part of a step. The line at the top shows which ones have run; click one to look at it.", ["step"]),
  miniBatch: concept("Mini-batch", "A part of the step's rollouts, used for one update.", ["update", "epoch", "onPolicy"]),
  epoch: concept("Epoch", "One pass over the step's rollouts. More passes learn more from the same answers, which grow stale meanwhile.", [
    "miniBatch",
    "onPolicy",
  ]),
  gradient: concept(
    "Gradient",
    "For every weight, the direction and strength of the change that lowers the loss. Its length is the gradient norm.",
    ["update", "loss"],
  ),
  loss: concept(
    "Loss",
    "The number that an update lowers. It is built so that lowering it raises the probability of answers with positive advantage.",
    ["advantage", "objective"],
  ),
  objective: concept("Objective", "The rule that turns advantages and importance ratios into the loss of each token.", [
    "clip",
    "importanceRatio",
  ]),
  learningRate: concept("Learning rate", "How long each update is. Too high and the policy falls apart; too low and nothing happens.", [
    "update",
  ]),
  onPolicy: concept(
    "On-policy",
    "Learning from answers that the present policy has drawn. After the first update the same answers are a little stale: off-policy.",
    ["importanceRatio", "clip"],
    ["off-policy"],
  ),
  importanceRatio: concept(
    "Importance ratio ρ",
    "A token's probability under the policy now, divided by its probability when it was drawn. Exactly 1 before the first update of a step.",
    ["clip", "onPolicy"],
    ["ratio", "rho"],
  ),
  clip: concept(
    "Clipping",
    "A token whose ratio has already moved far enough in the wanted direction loses its gradient for the rest of the step. It keeps stale answers from pushing too far.",
    ["importanceRatio", "onPolicy", "clipHigher"],
    ["PPO clip", "ε", "epsilon"],
  ),
  clipHigher: concept(
    "Clip-higher",
    "An upper clip bound that is wider than the lower one. Rare tokens that turned out well may rise further, which keeps variety.",
    ["clip", "entropy"],
    ["DAPO"],
  ),
  kl: concept(
    "KL divergence",
    "How far one policy's probabilities are from another's, in nats a token. 0 means they agree. A KL penalty holds the policy near its reference.",
    ["reference"],
    ["Kullback–Leibler"],
  ),
  reference: concept("Reference policy", "The policy from which distance is measured: usually the base policy, which never changes.", [
    "kl",
    "base",
  ]),
  entropy: concept(
    "Entropy",
    "How undecided the policy is about the next token, in nats. 0 means that one token has all the probability. High entropy means variety.",
    ["entropyCollapse", "temperature"],
  ),
  entropyCollapse: concept(
    "Entropy collapse",
    "The policy settles on one way of answering so early that it stops finding better ones. Its rollouts become alike, groups lose their signal.",
    ["entropy", "signal", "clipHigher"],
  ),
  temperature: concept(
    "Temperature",
    "Below 1 the likely tokens become likelier still, above 1 the probabilities even out. 1 leaves them as they are.",
    ["rollout", "entropy"],
  ),
  passAtK: concept(
    "pass@k",
    "The chance that at least one of k answers to a held-out problem is right. pass@1 is plain accuracy; pass@k with a large k shows what the policy can find at all.",
    ["heldOut"],
    ["pass@1", "accuracy"],
  ),
  heldOut: concept("Held-out problems", "Problems set aside: the policy never trains on them. They tell learning from memorising.", [
    "passAtK",
  ]),
  length: concept("Length", "How many tokens an answer has, its end included.", ["token", "overlong"]),
  overlong: concept("Overlong penalty", "Reward taken from answers that come near the longest length allowed, or are cut off there.", [
    "length",
    "reward",
  ]),
  seed: concept("Seed", "The number from which all chance comes. The same seed, weights and knobs give the same run.", []),
  recipe: concept("Recipe", "A whole algorithm as a list of choices. Every recipe is written as its difference from GRPO.", ["grpo"]),
  grpo: concept(
    "GRPO",
    "Group Relative Policy Optimization: draw a group of answers, compare each with the group's average, divide by the spread, and update with a clip.",
    ["group", "advantage", "clip"],
  ),
  logProb: concept(
    "Log-probability",
    "The natural logarithm of a probability: 0 for certain, −0.7 for one half, −2.3 for one in ten.",
    ["token"],
    ["log π", "log-prob"],
  ),
  aggregation: concept(
    "Aggregation",
    "How the losses of single tokens become one number: whether each token or each answer has the same say.",
    ["loss", "length"],
  ),
  curriculum: concept(
    "Difficulty",
    "Problems that are always solved or never solved teach nothing; what is solved sometimes teaches most.",
    ["signal", "group"],
  ),
};
