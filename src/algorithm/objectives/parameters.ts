import type { NumberParameter } from "../plugin.ts";

/** Knobs that several objectives have. */

export const clipLow: NumberParameter = {
  kind: "number",
  label: "Clip low",
  default: 0.2,
  min: 0,
  max: 1,
  slider: [0, 0.5, 0.01],
  symbol: "\\epsilon_{\\text{low}}",
  effect: "How far a bad answer's tokens may fall in one step before their gradient stops.",
};

export const clipHigh: NumberParameter = {
  kind: "number",
  label: "Clip high",
  default: 0.2,
  min: 0,
  max: 10,
  slider: [0, 1, 0.01],
  symbol: "\\epsilon_{\\text{high}}",
  effect: "How far a good answer's tokens may rise in one step before their gradient stops. Higher keeps more exploration.",
};

export const RATIO_TERM = {
  symbol: "\\rho_t",
  meaning: "importance ratio: probability now over probability when the batch was drawn",
} as const;

export const LOSS_TERM = { symbol: "\\ell_t", meaning: "this token's share of the loss" } as const;
