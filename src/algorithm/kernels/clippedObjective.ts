import wgsl from "../../../shaders/clipped_objective.wgsl?raw";
import type { Kernel } from "../../policy/engine.ts";
import { bounded, LIMIT } from "../objectives/ratio.ts";

/** The rows of the output `terms`, `[4, N]`. */
export const TERMS = ["loss", "ratio", "clipped", "kl"] as const;

/**
 * The clipped surrogate with dual clip and k3 penalty, token by token: loss and ∂L/∂ log π of each completion token, both times `weight`
 * (mask and aggregation). The WGSL file's header has the formula. `dualClip` 0 and `beta` 0 switch those parts off; without `beta`
 * the input `reference` is not looked at, so any array will do.
 */
export const clippedObjective: Kernel = {
  name: "clipped_objective",
  wgsl,
  inputs: ["logProb", "oldLogProb", "advantage", "weight", "reference"].map((name) => ({ name, type: "f32" })),
  outputs: [
    { name: "coefficient", length: (sizes) => sizes.logProb },
    { name: "terms", length: (sizes) => 4 * sizes.logProb },
  ],
  params: [
    { name: "clipLow", type: "f32" },
    { name: "clipHigh", type: "f32" },
    { name: "dualClip", type: "f32" },
    { name: "beta", type: "f32" },
    { name: "count", type: "u32" },
  ],
  workgroups: (sizes) => {
    const groups = Math.ceil(sizes.logProb / 64);
    const y = Math.max(1, Math.ceil(groups / 65535));
    return [Math.ceil(groups / y), y, 1];
  },
  twin: ({ logProb, oldLogProb, advantage, weight, reference }, { clipLow, clipHigh, dualClip, beta, count }) => {
    const coefficient = new Float32Array(count);
    const terms = new Float32Array(4 * count);
    for (let t = 0; t < count; t++) {
      const difference = logProb[t] - oldLogProb[t];
      const ratio = Math.exp(bounded(difference));
      terms[count + t] = ratio;
      if (weight[t] === 0) continue;
      const a = advantage[t];
      const held = Math.min(1 + clipHigh, Math.max(1 - clipLow, ratio));
      let loss = Math.max(-ratio * a, -held * a);
      let slope = Math.abs(difference) > LIMIT ? 0 : -ratio * a;
      if (-held * a > -ratio * a) {
        slope = 0;
        terms[2 * count + t] = a > 0 ? 1 : -1;
      }
      if (a < 0 && dualClip > 0 && loss > -dualClip * a) {
        loss = -dualClip * a;
        slope = 0;
        terms[2 * count + t] = -2;
      }
      if (beta !== 0) {
        const gap = reference[t] - logProb[t];
        const x = bounded(gap);
        const k3 = Math.expm1(x) - x;
        loss += beta * k3;
        if (Math.abs(gap) <= LIMIT) slope -= beta * Math.expm1(x);
        terms[3 * count + t] = k3;
      }
      coefficient[t] = weight[t] * slope;
      terms[t] = weight[t] * loss;
    }
    return { coefficient, terms };
  },
};
