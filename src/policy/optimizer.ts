import { type ParameterSlice, type PolicyConfig, parameterLayout } from "./config.ts";
import type { OptimizerStep, UpdateResult } from "./engine.ts";

export type Reals = Float32Array | Float64Array;

/** A network's weights, accumulated gradient and AdamW moments, flat in the order of `parameterLayout`. */
export interface OptimizerState {
  theta: Reals;
  readonly gradient: Reals;
  readonly m: Reals;
  readonly v: Reals;
  /** Updates applied so far. */
  updates: number;
}

/**
 * One AdamW update in place (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", https://arxiv.org/abs/1711.05101): the gradient is
 * scaled by min(1, maxGradNorm / (norm + 1e-6)), moments are bias-corrected, decay shrinks matrices and the embedding by learningRate·weightDecay.
 * The gradient is zero afterwards. If its norm is not finite, nothing else changes and `applied` is false.
 */
export function adamW(state: OptimizerState, config: PolicyConfig, step: OptimizerStep): UpdateResult {
  const layout = parameterLayout(config);
  const { theta, gradient, m, v } = state;
  const tensorGradNorms = new Float32Array(layout.length);
  let squares = 0;
  layout.forEach(({ offset, size }, index) => {
    let sum = 0;
    for (let i = offset; i < offset + size; i++) sum += gradient[i] * gradient[i];
    tensorGradNorms[index] = Math.sqrt(sum);
    squares += sum;
  });
  const gradNorm = Math.sqrt(squares);
  const applied = Number.isFinite(gradNorm);
  if (applied) {
    const clip = step.maxGradNorm > 0 ? Math.min(1, step.maxGradNorm / (gradNorm + 1e-6)) : 1;
    state.updates++;
    const correction1 = 1 - step.beta1 ** state.updates;
    const correction2 = 1 - step.beta2 ** state.updates;
    for (const slice of layout) {
      const shrink = slice.decay ? 1 - step.learningRate * step.weightDecay : 1;
      updateSlice(slice, shrink, clip, correction1, correction2);
    }
  }
  gradient.fill(0);
  return { gradNorm, tensorGradNorms, applied };

  function updateSlice({ offset, size }: ParameterSlice, shrink: number, clip: number, correction1: number, correction2: number): void {
    const { beta1, beta2, eps } = step;
    const rate = step.learningRate / correction1;
    const root2 = 1 / Math.sqrt(correction2);
    for (let i = offset; i < offset + size; i++) {
      const g = gradient[i] * clip;
      const mean = (m[i] = beta1 * m[i] + (1 - beta1) * g);
      const square = (v[i] = beta2 * v[i] + (1 - beta2) * g * g);
      theta[i] = theta[i] * shrink - (rate * mean) / (Math.sqrt(square) * root2 + eps);
    }
  }
}

/** How the learning rate moves over a run. */
export interface LearningRateSchedule {
  readonly kind: "constant" | "cosine";
  /** The rate after the warm-up. */
  readonly peak: number;
  /** Updates of linear warm-up: update i < warmup gets peak·(i + 1)/warmup. */
  readonly warmup: number;
  /** Updates in the whole run; a cosine ends there. */
  readonly total: number;
  /** The cosine's last value as a share of the peak. Default 0. */
  readonly floor?: number;
}

/** Learning rate of update `update` (0 is the first). After `total` a cosine stays at its floor. */
export function learningRate(schedule: LearningRateSchedule, update: number): number {
  const { kind, peak, warmup, total, floor = 0 } = schedule;
  if (update < warmup) return (peak * (update + 1)) / warmup;
  if (kind === "constant") return peak;
  const progress = Math.min(1, (update - warmup) / Math.max(1, total - warmup));
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
