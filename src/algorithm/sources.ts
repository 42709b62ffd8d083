/** The papers that explanations cite. */
export const SOURCES = {
  grpo: {
    title: "DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models",
    url: "https://arxiv.org/abs/2402.03300",
  },
  drGrpo: { title: "Understanding R1-Zero-Like Training: A Critical Perspective", url: "https://arxiv.org/abs/2503.20783" },
  dapo: { title: "DAPO: An Open-Source LLM Reinforcement Learning System at Scale", url: "https://arxiv.org/abs/2503.14476" },
  ppo: { title: "Proximal Policy Optimization Algorithms", url: "https://arxiv.org/abs/1707.06347" },
  adamw: { title: "Decoupled Weight Decay Regularization", url: "https://arxiv.org/abs/1711.05101" },
  passAtK: { title: "Evaluating Large Language Models Trained on Code", url: "https://arxiv.org/abs/2107.03374" },
  k3: { title: "Approximating KL Divergence", url: "http://joschu.net/blog/kl-approx.html" },
  nucleus: { title: "The Curious Case of Neural Text Degeneration", url: "https://arxiv.org/abs/1904.09751" },
  rlvr: { title: "Tulu 3: Pushing Frontiers in Open Language Model Post-Training", url: "https://arxiv.org/abs/2411.15124" },
} as const;
