import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { BOUND_TERMS, boundedSurrogate, dualLatex } from "./bounded.ts";

/** DCPO's ratio bounds for a token of old probability q: |(ρ − 1)·ρq| stays within the limits. */
export function dynamicBounds(q: number, clipLow: number, clipHigh: number, ratioCap: number): readonly [low: number, high: number] {
  // A probability that underflows to 0 leaves only the outer bounds.
  const low = q > 0 ? 0.5 + 0.5 * Math.sqrt(Math.max(0, 1 - (4 * clipLow) / q)) : 0.5;
  const high = q > 0 ? 0.5 + 0.5 * Math.sqrt(1 + (4 * clipHigh) / q) : Number.POSITIVE_INFINITY;
  return [low, Math.min(high, Math.max(ratioCap, 10))];
}

const BOUNDS =
  "\\rho_{\\min}=\\tfrac12+\\tfrac12\\sqrt{\\max(1-4\\epsilon_{\\text{low}}/q,\\,0)},\\quad \\rho_{\\max}=\\min\\!\\big(\\tfrac12+\\tfrac12\\sqrt{1+4\\epsilon_{\\text{high}}/q},\\ c\\big),\\quad q=\\pi_{\\text{old}}(o_t)";
const SURROGATE = "\\ell_t=-\\min\\!\\big(\\rho_t A_t,\\ \\mathrm{clip}(\\rho_t,\\rho_{\\min},\\rho_{\\max})\\,A_t\\big)";

/** DCPO's objective: the clipped surrogate whose bounds are wider the rarer the token was. */
export const dynamicClip: ObjectivePlugin = {
  id: "dynamic-clip",
  name: "Dynamic clipping",
  scope: "token",
  parameters: {
    clipLow: {
      kind: "number",
      label: "Clip low",
      default: 0.16,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      symbol: "\\epsilon_{\\text{low}}",
      effect: "How much a bad answer's tokens may fall, weighed with their probability.",
    },
    clipHigh: {
      kind: "number",
      label: "Clip high",
      default: 0.2,
      min: 0,
      max: 10,
      slider: [0, 1, 0.01],
      symbol: "\\epsilon_{\\text{high}}",
      effect: "How much a good answer's tokens may rise, weighed with their probability: rare tokens may grow many times over.",
    },
    ratioCap: {
      kind: "number",
      label: "Largest ratio",
      default: 10,
      min: 10,
      max: 1000,
      slider: [10, 100, 1],
      symbol: "c",
      effect: "No token may rise beyond this, however rare it was.",
    },
    dualClip: {
      kind: "number",
      label: "Dual clip",
      default: 10,
      min: 0,
      max: 100,
      slider: [0, 20, 0.5],
      symbol: "c_{\\text{dual}}",
      effect: "Bounds the loss of a bad token whose ratio has grown large; 0 switches it off.",
    },
  },
  explanation: {
    sentence:
      "A fixed clip range leaves rare tokens almost no room to grow; here the bounds limit the change of probability, so they widen as the token gets rarer.",
    latex: `${SURROGATE},\\quad ${BOUNDS}`,
    source: SOURCES.dcpo,
  },
  latexOf: ({ dualClip }) => `${SURROGATE}${dualLatex(dualClip)},\\quad ${BOUNDS}`,
  terms: BOUND_TERMS,
  lossAndCoefficients(batch, params) {
    const [low, high, cap] = [params.clipLow as number, params.clipHigh as number, params.ratioCap as number];
    return boundedSurrogate(batch, {
      range: (q) => dynamicBounds(q, low, high, cap),
      dualClip: params.dualClip as number,
      held: "no gradient",
    });
  },
};
