import { type PolicyConfig, parameterCount, parameterLayout, validateConfig } from "./config.ts";
import { randomSequence, STREAM } from "./random.ts";

/** Standard deviation of a fresh matrix (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019). */
const STANDARD_DEVIATION = 0.02;

/**
 * Fresh weights in the manner of GPT-2: matrices and the embedding normal with deviation 0.02, the projections back into the residual
 * stream (`o_proj`, `down_proj`) divided by √(2·layers), norm weights 1. A pure function of shape and seed.
 */
export function initialWeights(config: PolicyConfig, seed: number): Float32Array {
  validateConfig(config);
  const theta = new Float32Array(parameterCount(config));
  parameterLayout(config).forEach(({ name, shape, offset, size }, index) => {
    if (shape.length === 1) {
      theta.fill(1, offset, offset + size);
      return;
    }
    const residual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
    const deviation = STANDARD_DEVIATION / (residual ? Math.sqrt(2 * config.layers) : 1);
    const random = randomSequence({ seed, stream: STREAM.initialise, step: 0 }, index);
    // Box-Muller: two uniforms make two normals. 1 − u is never 0.
    for (let i = 0; i < size; i += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.next()));
      const angle = 2 * Math.PI * random.next();
      theta[offset + i] = radius * Math.cos(angle);
      if (i + 1 < size) theta[offset + i + 1] = radius * Math.sin(angle);
    }
  });
  return theta;
}
