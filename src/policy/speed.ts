import { POLICY_CONFIGS } from "./config.ts";
import { completionOffsets, type Engine, tokenBatch } from "./engine.ts";
import { initialWeights } from "./initialise.ts";
import { rowKeys, STREAM } from "./random.ts";

const CONFIG = POLICY_CONFIGS.nano;
const ROWS = 24;
const NEW_TOKENS = 16;

/**
 * What a small rollout and one update take on an engine, in milliseconds: the second of two, because the first also compiles.
 * @throws EngineError if the engine cannot do it.
 */
export async function measureSpeed(engine: Engine): Promise<number> {
  const policy = await engine.load(CONFIG, initialWeights(CONFIG, 1));
  const prompts = Array.from({ length: ROWS }, (_, r) =>
    Int32Array.from({ length: 12 }, (_, t) => (t === 0 ? 1 : 2 + ((5 * r + 7 * t) % 90))),
  );
  const keys = rowKeys({ seed: 1, stream: STREAM.rollouts, step: 0 }, Array.from(prompts.keys()));
  const optimizer = { learningRate: 0, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 };
  const iteration = async () => {
    const { tokens } = await policy.generate({ prompts, keys, maxNewTokens: NEW_TOKENS, temperature: 1, stopTokens: [] });
    const batch = tokenBatch(
      prompts,
      prompts.map((_, r) => tokens.subarray(r * NEW_TOKENS, (r + 1) * NEW_TOKENS)),
    );
    const logProb = new Float32Array(completionOffsets(batch).at(-1)!).fill(1e-3);
    await policy.backward(await policy.forward(batch, {}), { logProb });
    await (await policy.apply(optimizer)).read();
  };
  try {
    await iteration();
    const began = performance.now();
    await iteration();
    return performance.now() - began;
  } finally {
    policy.dispose();
  }
}
