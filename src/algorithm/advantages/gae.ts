import type { Numbers, PluginState, RolloutBatch } from "../batch.ts";
import { whitened } from "../latex.ts";
import { type Parameters, RecipeError } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { scorableRows, scorableTokenRewards, whitenTokens } from "../statistics.ts";
import { ddof, eps, gamma } from "./parameters.ts";
import { readValueHead, trainValueHead, valuesOf } from "./valueHead.ts";

/**
 * Generalised advantage estimation with a learned value head, as in PPO; verl's `gae`. The head is a linear function of the final hidden
 * state, kept in the plug-in's state. It judges a batch before it learns from it, so a run's first values are all 0.
 */
export const gae: AdvantagePlugin = {
  id: "gae",
  name: "GAE with a value head (PPO)",
  scope: "token",
  needs: ["hidden"],
  parameters: {
    gamma,
    lambda: {
      kind: "number",
      label: "λ",
      default: 0.95,
      min: 0,
      max: 1,
      slider: [0.8, 1, 0.01],
      symbol: "\\lambda",
      effect: "1 trusts only the rewards, 0 only the next token's value; between them variance is traded for bias.",
    },
    whiten: {
      kind: "boolean",
      label: "Whiten",
      default: true,
      effect: "Subtract the mean over all tokens and divide by their spread.",
    },
    ddof: ddof("in the whitening"),
    eps: eps(1e-8, "Added to the tokens' variance before its root."),
    valueLearningRate: {
      kind: "number",
      label: "Value learning rate",
      default: 0.01,
      min: 0,
      max: 1,
      slider: [0.0001, 0.1, 0.0001],
      scale: "log",
      effect: "How fast the value head learns to predict returns.",
    },
    valueUpdates: {
      kind: "integer",
      label: "Value updates a step",
      default: 8,
      min: 0,
      max: 200,
      slider: [0, 32, 1],
      effect: "Adam steps of the value head on each batch; 0 leaves it as it is.",
    },
  },
  explanation: {
    sentence: "A second small model foresees the reward from each position; a token is good if things look better after it than before.",
    latex: "A_t = \\sum_{l \\ge 0} (\\gamma\\lambda)^l \\delta_{t+l}, \\quad \\delta_t = r_t + \\gamma V_{t+1} - V_t",
    source: SOURCES.gae,
  },
  latexOf({ whiten, ddof: taken }) {
    const raw = "\\sum_{l \\ge 0} (\\gamma\\lambda)^l \\delta_{t+l}, \\quad \\delta_t = r_t + \\gamma V_{t+1} - V_t";
    return whiten === true
      ? `${whitened("A_t", "\\hat A_t", "\\hat A", { over: "tokens", ddof: taken })}, \\quad \\hat A_t = ${raw}`
      : `A_t = ${raw}`;
  },
  terms: {
    values: { symbol: "V_t", meaning: "what the value head expects from here on" },
    returns: { symbol: "R", meaning: "what it is trained to expect: advantage before whitening, plus value" },
    raw: { symbol: "\\hat A_t", meaning: "the advantage before whitening" },
  },
  estimate(batch, params, state) {
    const { hidden } = batch.scores;
    const size = batch.hiddenSize;
    if (!hidden || !size) throw new RecipeError("advantage gae needs the hidden state that predicts each token");
    const head = readValueHead(state, size);
    const values = valuesOf(head, hidden, batch.offsets[batch.rows]);
    const { advantage, raw, returns } = advantagesFromValues(batch, values, params);
    const counts = scorableRows(batch);
    const tokens: number[] = [];
    counts.forEach((counted, r) => {
      if (counted) for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) tokens.push(t);
    });
    const next = trainValueHead(head, hidden, tokens, returns, params.valueLearningRate as number, params.valueUpdates as number);
    return { level: "token", advantage, terms: { values, returns, raw }, state: next as unknown as PluginState };
  },
};

/**
 * GAE from given values, `[N]` each: `raw` before and `advantage` after whitening, and the returns raw + value. Rows that cannot be
 * scored get 0. After a row's last token the value is 0.
 */
export function advantagesFromValues(
  batch: RolloutBatch,
  values: Numbers,
  params: Parameters,
): { advantage: Float64Array; raw: Float64Array; returns: Float64Array; paddingValue: number } {
  const rewards = scorableTokenRewards(batch);
  const counts = scorableRows(batch);
  const discount = params.gamma as number;
  const decay = discount * (params.lambda as number);
  const raw = new Float64Array(rewards.length);
  const returns = new Float64Array(rewards.length);
  for (let r = 0; r < batch.rows; r++) {
    let nextValue = 0;
    let running = 0;
    for (let t = batch.offsets[r + 1] - 1; counts[r] && t >= batch.offsets[r]; t--) {
      running = rewards[t] + discount * nextValue - values[t] + decay * running;
      nextValue = values[t];
      raw[t] = running;
      returns[t] = running + values[t];
    }
  }
  if (!params.whiten) return { advantage: raw.slice(), raw, returns, paddingValue: 0 };
  const { whitened, whitening } = whitenTokens(raw, batch, counts, params.ddof as number, params.eps as number);
  return { advantage: whitened, raw, returns, paddingValue: -whitening.mean * whitening.factor };
}
