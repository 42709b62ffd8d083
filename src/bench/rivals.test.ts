import { expect, it } from "vitest";
import { createPortableEngine } from "../policy/portable/node.ts";
import { disagreement } from "./agreement.ts";
import type { Contender } from "./contender.ts";
import { trialOf } from "./trials.ts";
import { workload } from "./workload.ts";

// Small, with all that the network has. The libraries compute on the processor here: on a GPU they would compile for a minute.
const CONFIG = {
  vocabSize: 104,
  hiddenSize: 8,
  layers: 1,
  heads: 2,
  headDim: 4,
  intermediateSize: 8,
  contextLength: 48,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};

const RIVALS: Readonly<Record<string, () => Promise<Contender>>> = {
  "jax-js": async () => (await import("./jax.ts")).jax("cpu"),
  async tfjs() {
    await import("@tensorflow/tfjs-backend-cpu");
    return (await import("./tfjs.ts")).tfjs("cpu");
  },
};

// What an iteration does holds rollouts and training, too.
it.each(Object.keys(RIVALS))("%s makes the whole iteration that the portable engine makes", async (name) => {
  const engine = await createPortableEngine();
  const trial = await trialOf("iteration", workload(CONFIG, { prompts: 2, group: 2 }), engine);
  const entry = await trial.enter(await RIVALS[name]());
  expect(entry.agreement).toMatchObject({ tokens: 0, reward: 0 });
  expect(disagreement(entry.agreement)).toBeUndefined();
  entry.dispose();
  engine.dispose();
});
