import type { SamplerPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { temperatureSampler, truncationLatex } from "./temperature.ts";

/** A temperature that falls along an answer. */
export interface Annealing {
  /** At the first token. */
  readonly start: number;
  /** The lowest. */
  readonly floor: number;
  /** Tokens in which the exponential grows e-fold: larger cools later. */
  readonly decay: number;
  /** This many first tokens are drawn at 1. */
  readonly warmup: number;
}

/**
 * The temperature of the next token after `generated` ones: max(1 + start − exp(generated / decay), floor), and 1 during the warm-up.
 * It crosses 1 at decay·ln(start) and reaches the floor at decay·ln(1 + start − floor).
 */
export const annealedTemperature = (generated: number, { start, floor, decay, warmup }: Annealing) =>
  generated < warmup ? 1 : Math.max(1 + start - Math.exp(generated / decay), floor);

/** The decay at a step (from 1): it grows, as answers may get longer, up to a cap. */
export const decayAt = (step: number, decay: number, growth: number, cap: number) => Math.min(decay + growth * step, cap);

const { temperature: _, ...shared } = temperatureSampler.parameters;

/** Exploratory annealed decoding: warm at the start of an answer, cool at its end. */
export const annealedSampler: SamplerPlugin = {
  id: "annealed",
  name: "Annealed sampling",
  scope: "token",
  parameters: {
    ...shared,
    start: {
      kind: "number",
      label: "Temperature at the start",
      default: 1.2,
      min: 0.05,
      max: 5,
      slider: [0.5, 2, 0.05],
      symbol: "\\tau_{\\max}",
      effect: "Higher lets the first tokens branch out more.",
    },
    floor: {
      kind: "number",
      label: "Lowest temperature",
      default: 0.1,
      min: 0.05,
      max: 5,
      slider: [0.05, 1, 0.05],
      symbol: "\\tau_{\\min}",
      effect: "What the temperature falls to: near 0 the last tokens are nearly always the most probable ones.",
    },
    decay: {
      kind: "number",
      label: "Cooling length",
      default: 15,
      min: 0.1,
      max: 100000,
      slider: [1, 60, 1],
      scale: "log",
      unit: "tokens",
      symbol: "d_0",
      effect: "Longer keeps an answer warm for more of its tokens.",
    },
    growth: {
      kind: "number",
      label: "Growth of the cooling length",
      default: 0.1,
      min: 0,
      max: 1000,
      slider: [0, 2, 0.05],
      unit: "tokens a step",
      symbol: "g",
      effect: "Lengthens the cooling from step to step, for answers that get longer.",
    },
    decayCap: {
      kind: "number",
      label: "Longest cooling length",
      default: 60,
      min: 0.1,
      max: 1000000,
      slider: [1, 200, 1],
      scale: "log",
      unit: "tokens",
      symbol: "d_{\\max}",
      effect: "Where that growth ends.",
    },
    warmup: {
      kind: "integer",
      label: "Untouched first tokens",
      default: 1,
      min: 0,
      max: 120,
      slider: [0, 10, 1],
      unit: "tokens",
      symbol: "t_0",
      effect: "So many first tokens are drawn at temperature 1, so that an answer begins in its usual form.",
    },
  },
  explanation: {
    sentence: "Early tokens decide where an answer goes and are drawn warm; late ones only carry it out and are drawn cool.",
    latex: "\\tau_t = \\max\\!\\big(1 + \\tau_{\\max} - e^{t/d_s},\\ \\tau_{\\min}\\big),\\quad d_s = \\min(d_0 + g\\,s,\\ d_{\\max})",
    source: SOURCES.ead,
  },
  latexOf(params) {
    const cooled = "\\max\\!\\big(1 + \\tau_{\\max} - e^{t/d_s},\\ \\tau_{\\min}\\big)";
    const tau = params.warmup === 0 ? cooled : `\\begin{cases}1 & t < t_0\\\\ ${cooled} & \\text{else}\\end{cases}`;
    return `\\tau_t = ${tau},\\quad d_s = \\min(d_0 + g\\,s,\\ d_{\\max})${truncationLatex(params)}`;
  },
  terms: {
    tau: { symbol: "\\tau_t", meaning: "temperature of the token after t others" },
    decay: { symbol: "d_s", meaning: "cooling length at this step" },
  },
  drawing(params, step, maxNewTokens) {
    const annealing: Annealing = {
      start: params.start as number,
      floor: params.floor as number,
      decay: decayAt(step, params.decay as number, params.growth as number, params.decayCap as number),
      warmup: params.warmup as number,
    };
    return {
      temperature: Float32Array.from({ length: maxNewTokens }, (_, t) => annealedTemperature(t, annealing)),
      topK: params.topK as number,
      topP: params.topP as number,
      minP: params.minP as number,
    };
  },
};
