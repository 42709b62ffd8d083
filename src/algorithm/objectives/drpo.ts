import type { UpdateBatch } from "../batch.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { bounded, LIMIT } from "./ratio.ts";

/** Tokens that count, in each row. */
function countedLengths({ rows, offsets, weight }: Pick<UpdateBatch, "rows" | "offsets" | "weight">): number[] {
  return Array.from({ length: rows }, (_, r) => {
    let count = 0;
    for (let t = offsets[r]; t < offsets[r + 1]; t++) if (weight[t] !== 0) count++;
    return count;
  });
}

/** softmax(values), computed without overflow. */
function softmax(values: readonly number[]): number[] {
  const top = Math.max(...values);
  const powers = values.map((x) => Math.exp(x - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}

/** DRPO's objective: right answers are raised with weights that favour short ones, wrong answers pushed down through a soft maximum. */
export const decoupledReward: ObjectivePlugin = {
  id: "decoupled-reward",
  name: "Decoupled reward",
  scope: "group",
  parameters: {
    lambda: {
      kind: "number",
      label: "Length temperature λ",
      default: 0.1,
      min: 1e-3,
      max: 1e6,
      slider: [0.01, 2, 0.01],
      symbol: "\\lambda",
      effect: "Small values reinforce the shortest right answers almost alone; large ones ignore length.",
    },
    tau: {
      kind: "number",
      label: "Push-down temperature τ",
      default: 10,
      min: 1e-3,
      max: 1e6,
      slider: [0.1, 20, 0.1],
      symbol: "\\tau",
      effect: "Small values push down the most probable wrong answers almost alone; large ones all alike.",
    },
    delta: {
      kind: "number",
      label: "Allowed divergence δ",
      default: 1e-4,
      min: 0,
      max: 100,
      slider: [0, 0.01, 0.0001],
      symbol: "\\delta",
      effect: "How far the policy may move from the one that drew the batch before the guard pulls it back.",
    },
    penalty: {
      kind: "number",
      label: "Guard's strength β",
      default: 1000,
      min: 0,
      max: 1e6,
      slider: [0, 2000, 10],
      symbol: "\\beta",
      effect: "How hard the guard pulls beyond the allowed divergence.",
    },
    divergence: {
      kind: "choice",
      label: "Guard's measure",
      default: "kl",
      options: [
        { value: "kl", label: "mean log-ratio" },
        { value: "low_var_kl", label: "k3" },
      ],
      effect: "How the divergence is estimated: k3 is never negative.",
    },
  },
  explanation: {
    sentence:
      "A length penalty can turn a right but long answer into a negative example; here right answers share a positive weight, and only wrong ones are pushed down.",
    latex:
      "\\mathcal L=-\\frac1Q\\sum_q\\Big[\\frac1{n_+}\\sum_{i\\in+}\\omega_i s_i-\\tau\\log\\frac1{n_-}\\sum_{j\\in-}\\exp(s_j/\\tau)\\Big]+\\mathrm{sg}\\big([\\beta(k-\\delta)]^+\\big)\\,k,\\quad \\omega_i=\\frac{\\exp((1-|o_i|/L_{\\max})/\\lambda)}{\\mathrm{mean}_{+}}",
    source: SOURCES.drpo,
  },
  latexOf: ({ penalty, divergence }) => {
    const answers = "\\frac1{n_+}\\sum_{i\\in+}\\omega_i s_i-\\tau\\log\\frac1{n_-}\\sum_{j\\in-}\\exp(s_j/\\tau)";
    const weight = "\\omega_i=\\frac{\\exp((1-|o_i|/L_{\\max})/\\lambda)}{\\mathrm{mean}_{+}}";
    const measure = divergence === "low_var_kl" ? "k=\\mathrm{mean}_t(\\rho_t-1-\\log\\rho_t)" : "k=-\\mathrm{mean}_t(\\log\\rho_t)";
    const [guard, where] = penalty === 0 ? ["", ""] : ["+\\mathrm{sg}\\big([\\beta(k-\\delta)]^+\\big)\\,k", `,\\quad ${measure}`];
    return `\\mathcal L=-\\frac1Q\\sum_q\\Big[${answers}\\Big]${guard},\\quad ${weight}${where}`;
  },
  terms: {
    score: { symbol: "s_i", meaning: "mean log-probability of the answer's tokens" },
    positiveWeight: { symbol: "\\omega_i", meaning: "weight of a right answer among its group's right ones; 1 on average" },
    push: { symbol: "\\mathrm{softmax}(s/\\tau)", meaning: "share of the push-down that a wrong answer gets" },
    loss: { symbol: "\\ell_t", meaning: "this token's part of the loss, to first order: coefficient times log-probability" },
  },
  /**
   * Right is a reward of exactly 1, wrong of exactly 0; other rollouts feel the guard alone. Groups without both sets contribute nothing
   * and are counted. Weights only say which tokens count: the objective averages in its own way. `batch.maxLength` is C.
   */
  lossAndCoefficients(batch, params) {
    const { rows, offsets, groups, reward, logProb, oldLogProb, weight, maxLength } = batch;
    const [lambda, tau] = [params.lambda as number, params.tau as number];
    const lengths = countedLengths(batch);
    const n = offsets[rows];
    const score = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      for (let t = offsets[r]; t < offsets[r + 1]; t++) if (weight[t] !== 0) score[r] += logProb[t] / lengths[r];
    }

    // ∂(Q·J)/∂s of each row, J's value, and its value with the released code's stand-in for the soft maximum.
    const pull = new Float64Array(rows);
    const positiveWeight = new Float64Array(rows);
    const push = new Float64Array(rows);
    let questions = 0;
    let sum = 0;
    let standIn = 0;
    for (const members of groups) {
      if (members.length === 0) continue;
      questions++;
      const right = members.filter((r) => reward[r] === 1 && lengths[r] > 0);
      const wrong = members.filter((r) => reward[r] === 0 && lengths[r] > 0);
      if (right.length === 0 || wrong.length === 0) continue;
      const share = softmax(right.map((r) => (1 - lengths[r] / maxLength) / lambda));
      right.forEach((r, i) => {
        positiveWeight[r] = share[i] * right.length;
        pull[r] = share[i];
        sum += share[i] * score[r];
        standIn += share[i] * score[r];
      });
      const down = softmax(wrong.map((r) => score[r] / tau));
      wrong.forEach((r, j) => {
        push[r] = down[j];
        pull[r] = -down[j];
      });
      const top = Math.max(...wrong.map((r) => score[r] / tau));
      const meanExp = wrong.reduce((total, r) => total + Math.exp(score[r] / tau - top), 0) / wrong.length;
      sum -= tau * (top + Math.log(meanExp));
      standIn -= tau;
    }

    const counted = lengths.reduce((a, b) => a + b, 0);
    const k3 = params.divergence === "low_var_kl";
    const guardSlope = new Float64Array(n);
    let guard = 0;
    for (let t = 0; t < n; t++) {
      if (weight[t] === 0) continue;
      const difference = oldLogProb[t] - logProb[t];
      const x = bounded(difference);
      guard += (k3 ? Math.expm1(-x) + x : x) / counted;
      guardSlope[t] = Math.abs(difference) > LIMIT ? 0 : (k3 ? Math.expm1(-x) : -1) / counted;
    }
    const strength = Math.max(0, (params.penalty as number) * (guard - (params.delta as number)));

    const coefficient = new Float64Array(n);
    const loss = new Float64Array(n);
    for (let r = 0; r < rows; r++) {
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        if (weight[t] === 0) continue;
        coefficient[t] = strength * guardSlope[t] - (questions > 0 ? pull[r] / (questions * lengths[r]) : 0);
        loss[t] = coefficient[t] * logProb[t];
      }
    }
    const scaled = (total: number) => (questions > 0 ? -total / questions : 0);
    const penalty = strength * guard;
    return {
      value: scaled(sum) + penalty,
      loss,
      coefficient,
      terms: { score, positiveWeight, push },
      metrics: {
        "drpo/guard": guard,
        "drpo/penalty": penalty,
        "drpo/guard_active": strength > 0 ? 1 : 0,
        "drpo/loss_with_stand_in": scaled(standIn) + penalty,
      },
    };
  },
};
