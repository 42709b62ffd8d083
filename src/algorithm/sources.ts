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
  ead: {
    title: "Let it Calm: Exploratory Annealed Decoding for Verifiable Reinforcement Learning",
    url: "https://arxiv.org/abs/2510.05251",
  },
  thr: {
    title: "Token Hidden Reward: Steering Exploration-Exploitation in Group Relative Deep Reinforcement Learning",
    url: "https://arxiv.org/abs/2510.03669",
  },
  laser: { title: "LaSeR: Reinforcement Learning with Last-Token Self-Rewarding", url: "https://arxiv.org/abs/2510.14943" },
  coReward: {
    title: "Co-Reward: Self-supervised Reinforcement Learning for Large Language Model Reasoning via Contrastive Agreement",
    url: "https://arxiv.org/abs/2508.00410",
  },
  chord: {
    title: "On-Policy RL Meets Off-Policy Experts: Harmonizing Supervised Fine-Tuning and Reinforcement Learning via Dynamic Weighting",
    url: "https://arxiv.org/abs/2508.11408",
  },
  treepo: {
    title: "TreePO: Bridging the Gap of Policy Optimization and Efficacy and Inference Efficiency with Heuristic Tree-based Modeling",
    url: "https://arxiv.org/abs/2508.17445",
  },
  gspo: { title: "Group Sequence Policy Optimization", url: "https://arxiv.org/abs/2507.18071" },
  cispo: {
    title: "MiniMax-M1: Scaling Test-Time Compute Efficiently with Lightning Attention",
    url: "https://arxiv.org/abs/2506.13585",
  },
  sapo: { title: "Soft Adaptive Policy Optimization", url: "https://arxiv.org/abs/2511.20347" },
  gmpo: { title: "Geometric-Mean Policy Optimization", url: "https://arxiv.org/abs/2507.20673" },
  luspo: {
    title: "Length-Unbiased Sequence Policy Optimization: Revealing and Controlling Response Length Variation in RLVR",
    url: "https://arxiv.org/abs/2602.05261",
  },
  vespo: {
    title: "VESPO: Variational Sequence-Level Soft Policy Optimization for Stable Off-Policy LLM Training",
    url: "https://arxiv.org/abs/2602.10693",
  },
  dppo: { title: "Rethinking the Trust Region in LLM Reinforcement Learning", url: "https://arxiv.org/abs/2602.04879" },
  entropyMechanism: {
    title: "The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models",
    url: "https://arxiv.org/abs/2505.22617",
  },
  gpgLoss: {
    title: "GPG: A Simple and Strong Reinforcement Learning Baseline for Model Reasoning",
    url: "https://arxiv.org/abs/2504.02546",
  },
  dro: { title: "Offline Regularised Reinforcement Learning for Large Language Models Alignment", url: "https://arxiv.org/abs/2405.19107" },
  reinforce: {
    title: "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
    url: "https://doi.org/10.1007/BF00992696",
  },
  kimi: { title: "Kimi k1.5: Scaling Reinforcement Learning with LLMs", url: "https://arxiv.org/abs/2501.12599" },
  skywork: { title: "Skywork Open Reasoner 1 Technical Report", url: "https://arxiv.org/abs/2505.22312" },
  vapo: {
    title: "VAPO: Efficient and Reliable Reinforcement Learning for Advanced Reasoning Tasks",
    url: "https://arxiv.org/abs/2504.05118",
  },
  truncatedSampling: {
    title: "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training",
    url: "https://fengyao.notion.site/off-policy-rl",
  },
  deepseekV32: { title: "DeepSeek-V3.2: Pushing the Frontier of Open Large Language Models", url: "https://arxiv.org/abs/2512.02556" },
  highEntropy: {
    title: "Beyond the 80/20 Rule: High-Entropy Minority Tokens Drive Effective Reinforcement Learning for LLM Reasoning",
    url: "https://arxiv.org/abs/2506.01939",
  },
  prorl: {
    title: "ProRL: Prolonged Reinforcement Learning Expands Reasoning Boundaries in Large Language Models",
    url: "https://arxiv.org/abs/2505.24864",
  },
  finetuning: { title: "Fine-Tuning Language Models from Human Preferences", url: "https://arxiv.org/abs/1909.08593" },
  trReference: { title: "Learn Your Reference Model for Real Good Alignment", url: "https://arxiv.org/abs/2404.09656" },
  gae: { title: "High-Dimensional Continuous Control Using Generalized Advantage Estimation", url: "https://arxiv.org/abs/1506.02438" },
  remax: {
    title: "ReMax: A Simple, Effective, and Efficient Reinforcement Learning Method for Aligning LLMs",
    url: "https://arxiv.org/abs/2310.10505",
  },
  reinforcePlusPlus: {
    title: "REINFORCE++: A Simple and Efficient Approach for Aligning Large Language Models",
    url: "https://arxiv.org/abs/2501.03262",
  },
  opo: { title: "On-Policy RL with Optimal Reward Baseline", url: "https://arxiv.org/abs/2505.23585" },
  maxRl: { title: "Maximum Likelihood Reinforcement Learning", url: "https://arxiv.org/abs/2602.02710" },
  passAtKPolicy: {
    title: "Optimizing Language Models for Inference Time Objectives using Reinforcement Learning",
    url: "https://arxiv.org/abs/2503.19595",
  },
  passAtKTraining: {
    title: "Pass@k Training for Adaptively Balancing Exploration and Exploitation of Large Reasoning Models",
    url: "https://arxiv.org/abs/2508.10751",
  },
  optimalTokenBaseline: {
    title: "The Optimal Token Baseline: Variance Reduction for Long-Horizon LLM-RL",
    url: "https://arxiv.org/abs/2602.07078",
  },
  gdpo: {
    title: "GDPO: Group reward-Decoupled Normalization Policy Optimization for Multi-reward RL Optimization",
    url: "https://arxiv.org/abs/2601.05242",
  },
  expertIteration: {
    title: "Teaching Large Language Models to Reason with Reinforcement Learning",
    url: "https://arxiv.org/abs/2403.04642",
  },
  ppoDetails: { title: "The N+ Implementation Details of RLHF with PPO", url: "https://arxiv.org/abs/2403.17031" },
  dcpo: { title: "DCPO: Dynamic Clipping Policy Optimization", url: "https://arxiv.org/abs/2509.02333" },
  gppo: {
    title: "Klear-Reasoner: Advancing Reasoning Capability via Gradient-Preserving Clipping Policy Optimization",
    url: "https://github.com/suu990901/KlearReasoner",
  },
  riskpo: {
    title: "RiskPO: Risk-based Policy Optimization via Verifiable Reward for LLM Post-Training",
    url: "https://github.com/RTkenny/RiskPO",
  },
  drpo: {
    title: "DRPO: Efficient Reasoning via Decoupled Reward Policy Optimization",
    url: "https://github.com/Optimization-AI/DRPO",
  },
  ucas: {
    title: "Unlocking Exploration in RLVR: Uncertainty-aware Advantage Shaping for Deeper Reasoning",
    url: "https://github.com/xvolcano02/UCAS",
  },
  rloo: {
    title: "Back to Basics: Revisiting REINFORCE Style Optimization for Learning from Human Feedback in LLMs",
    url: "https://arxiv.org/abs/2402.14740",
  },
  ngrpo: { title: "NGRPO: Negative-enhanced Group Relative Policy Optimization", url: "https://github.com/nangongrui-ngr/NGRPO" },
  canon: {
    title: "Conditional Advantage Estimation for Reinforcement Learning in Large Reasoning Models",
    url: "https://github.com/biuboomc/CANON",
  },
  nsrPsr: {
    title: "The Surprising Effectiveness of Negative Reinforcement in LLM Reasoning",
    url: "https://github.com/TianHongZXY/RLVR-Decomposed",
  },
  pacs: {
    title: "Implicit Actor Critic Coupling via a Supervised Learning Framework for RLVR",
    url: "https://github.com/ritzz-ai/PACS",
  },
  unlikely: {
    title: "Rewarding the Unlikely: Lifting GRPO Beyond Distribution Sharpening",
    url: "https://github.com/AndreHe02/rewarding-unlikely-release",
  },
} as const;
