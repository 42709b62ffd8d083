import type { Recipe } from "./recipe.ts";

/**
 * Recipes written down before the loop can run them: documents of methods that are as unlike GRPO as they come, so that slots and
 * structure prove themselves early. `missingFor` says what each still waits for.
 */
export const PLANNED: readonly Recipe[] = [
  {
    id: "verl-erank",
    name: "VERL",
    summary: "Measures how many directions the hidden states of an answer use and how that grows, and adds a bonus that follows from it.",
    explanation:
      "Entropy makes exploring and exploiting look like opposites. The effective rank of an answer's hidden states tells how broadly it thinks; how the rank grows along the answer tells how it settles. The growth of the growth decides which of the two earns the bonus, which never turns an advantage round.",
    source: {
      title: "Beyond the Exploration-Exploitation Trade-off: A Hidden State Approach for LLM Reasoning in RLVR",
      url: "https://github.com/hf618/VERL",
    },
    base: "grpo@1",
    changes: {
      shapers: [
        {
          plugin: "effective-rank",
          params: { stride: 4, window: 512, smoothing: 0.3, sharpness: 2, bound: 2, weight: 1, everyToken: true },
        },
      ],
    },
  },
  {
    id: "tango",
    name: "Tango",
    summary:
      "A generator and a verifier that are both language models learn in turns; the verifier's step verdicts become a second advantage.",
    explanation:
      "The verifier is paid for its final verdict alone, and yet its verdicts on single steps come to mean something. They are normalised over the group on their own, summed along the answer, and mixed with the outcome's advantage by a share that fades over training.",
    source: {
      title: "RL Tango: Reinforcing Generator and Verifier Together for Language Reasoning",
      url: "https://github.com/kaiwenzha/rl-tango",
    },
    base: "grpo@1",
    changes: {},
    pools: {
      solutions: { holds: "rows", capacity: 256 },
      verdicts: { holds: "text", capacity: 256 },
    },
    learners: {
      generator: {
        policy: "nano",
        changes: { shapers: [{ plugin: "step-verdicts", params: { share: "0.5 to 0 over 200 cosine" } }] },
        reads: ["verdicts"],
        writes: ["solutions"],
      },
      verifier: {
        policy: "nano",
        changes: {
          reward: { plugin: "final-verdict", params: { formatWeight: 0.1 } },
          shapers: [{ plugin: "class-balance" }],
        },
        reads: ["solutions"],
        writes: ["verdicts"],
      },
    },
    program: [
      { learner: "verifier", steps: 40 },
      { learner: "generator", steps: 3 },
      { learner: "verifier", steps: 1 },
    ],
  },
  {
    id: "anytime-reasoner-brpo",
    name: "AnytimeReasoner (BRPO)",
    summary:
      "Cuts each train of thought at several lengths, asks for an answer at every cut, and credits the thoughts for all answers after them.",
    explanation:
      "Training for one large budget teaches to waste it. Answers at several cuts give dense rewards: what a stretch of thought earns is the weighted sum of the answers after it, compared with a mixture of the same thought's earlier answers and the group's. The short answers are trained beside it, each cut for itself.",
    source: {
      title: "Optimizing Anytime Reasoning via Budget Relative Policy Optimization",
      url: "https://github.com/sail-sg/AnytimeReasoner",
    },
    base: "grpo@1",
    changes: {
      sampler: { plugin: "budgets", params: { budgets: "16,32,48,64", prior: "linear", summaries: 4, groupSize: 8 } },
      advantage: { plugin: "budget-relative", params: { discount: 2 } },
    },
  },
  {
    id: "sapo-swarm",
    name: "SAPO (swarm)",
    summary:
      "Several learners, each with problems of its own, train on their own answers and on answers that others have published as text.",
    explanation:
      "Only text travels: the question, what its verifier needs, and a group of answers. A learner scores them with its own verifier and takes them for its own. A lucky find of one becomes training data for all.",
    source: {
      title: "Sharing is Caring: Efficient LM Post-Training with Collective RL Experience Sharing",
      url: "https://arxiv.org/abs/2509.08721",
    },
    base: "grpo@1",
    changes: {},
    pools: { swarm: { holds: "text", capacity: 1024 } },
    learners: Object.fromEntries(
      (["addition", "sort", "reverse", "compose"] as const).map((task) => [
        task,
        {
          policy: "nano",
          changes: {
            task: { plugin: task },
            sampler: { params: { promptsPerStep: 4, groupSize: 8 } },
            guidance: { plugin: "shared-groups", params: { external: 4, dropFlat: true } },
            objective: { params: { clipHigh: 0.28 } },
            advantage: { params: { eps: 1e-8 } },
          },
          reads: ["swarm"],
          writes: ["swarm"],
        },
      ]),
    ),
  },
  {
    id: "awm",
    name: "AWM",
    summary:
      "Policy gradient for a flow model without step-by-step probabilities: the pre-training loss of each sample, weighted by its advantage.",
    explanation:
      "Finished samples are noised again at random times, as in pre-training, and the matching loss of each is weighted by the advantage of its group. The target is the clean velocity rather than one noisy step back, which makes the gradient calmer.",
    source: {
      title: "Advantage Weighted Matching: Aligning RL with Pretraining in Diffusion Models",
      url: "https://github.com/scxue/advantage_weighted_matching",
    },
    base: "grpo@1",
    medium: "flow",
    changes: {
      sampler: { plugin: "flow-solver", params: { groupSize: 24, steps: 14 } },
      advantage: { params: { scope: "batch", eps: 1e-4 } },
      shapers: [{ plugin: "clip", params: { limit: 5, rescale: 1 } }],
      objective: {
        plugin: "flow-matching-ratio",
        params: { times: 6, share: 0.9, weighting: "ghuber", power: 0.25, clipLow: 1, clipHigh: 1 },
      },
      losses: [
        { plugin: "velocity-to-base", params: { coefficient: 0.001 } },
        { plugin: "velocity-to-average", params: { coefficient: 1 } },
      ],
    },
    references: {
      base: { source: "base", update: { plugin: "fixed" } },
      average: { source: "learner", update: { plugin: "average", params: { mix: 0.7 } } },
    },
  },
];
