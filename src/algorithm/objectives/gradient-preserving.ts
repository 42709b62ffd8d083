import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { BOUND_TERMS, boundedSurrogate, dualLatex } from "./bounded.ts";

const LATEX =
  "\\ell_t=-\\min\\!\\Big(\\rho_t A_t,\\ \\mathrm{clip}\\big(\\rho_t,(1-\\epsilon_{\\text{low}})\\tfrac{\\rho_t}{\\mathrm{sg}(\\rho_t)},(1+\\epsilon_{\\text{high}})\\tfrac{\\rho_t}{\\mathrm{sg}(\\rho_t)}\\big)A_t\\Big)";

/** GPPO's objective: the value of ordinary clipping, but a held token keeps the gradient that it had at the bound. */
export const gradientPreserving: ObjectivePlugin = {
  id: "gradient-preserving",
  name: "Gradient-preserving clip",
  scope: "token",
  parameters: {
    clipLow: {
      kind: "number",
      label: "Clip low",
      default: 0.2,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      symbol: "\\epsilon_{\\text{low}}",
      effect: "Below 1 − this, a bad answer's token is pushed with the force that it has at the bound.",
    },
    clipHigh: {
      kind: "number",
      label: "Clip high",
      default: 0.28,
      min: 0,
      max: 10,
      slider: [0, 1, 0.01],
      symbol: "\\epsilon_{\\text{high}}",
      effect: "Above 1 + this, a good answer's token is pushed with the force that it has at the bound.",
    },
    dualClip: {
      kind: "number",
      label: "Dual clip",
      default: 10,
      min: 0,
      max: 100,
      slider: [0, 20, 0.5],
      symbol: "c_{\\text{dual}}",
      effect: "A bad token whose ratio has grown beyond this has no gradient; 0 switches it off.",
    },
  },
  explanation: {
    sentence:
      "Clipping deletes the gradient of the very tokens that moved most; this keeps the clipped value and lets a bounded gradient through.",
    latex: LATEX,
    source: SOURCES.gppo,
  },
  latexOf: ({ dualClip }) => LATEX + dualLatex(dualClip),
  terms: BOUND_TERMS,
  lossAndCoefficients(batch, params) {
    const range = [1 - (params.clipLow as number), 1 + (params.clipHigh as number)] as const;
    return boundedSurrogate(batch, { range: () => range, dualClip: params.dualClip as number, held: "gradient at the bound" });
  },
};
