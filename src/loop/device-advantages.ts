import type { RolloutBatch } from "../algorithm/batch.ts";
import type { EngineBuffer } from "../policy/engine.ts";
import { inSlot, type StepContext } from "./context.ts";
import { lossKernel } from "./score.ts";

/**
 * Each rollout token's advantage, `[N]`, by the estimator's own kernel: made and used on the GPU, where the loss is made there too. The
 * record shows what the estimator's TypeScript function says, in 64 bits; a test holds the two together. Undefined where engine or recipe
 * want the host: shapers, parameters that the kernel does not know, losses on the host.
 */
export async function advantagesOnDevice(context: StepContext, batch: RolloutBatch): Promise<EngineBuffer | undefined> {
  const { engine, recipe } = context;
  const { plugin, params } = inSlot(recipe, "advantage");
  const tokens = batch.offsets[batch.rows];
  if (engine.kind !== "webgpu" || !plugin.device || !lossKernel(context) || recipe.lists.shapers.length > 0 || tokens === 0)
    return undefined;
  const uniforms = plugin.device.uniforms(params, batch.rows);
  if (!uniforms) return undefined;
  const inputs = {
    rewards: Float32Array.from(batch.reward),
    groups: Uint32Array.from(batch.group),
    offsets: Uint32Array.from(batch.offsets),
  };
  return (await engine.runKernel(plugin.device.kernel, inputs, { ...uniforms, tokens })).advantages;
}
