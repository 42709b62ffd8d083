import { Run } from "../loop/run.ts";
import type { Engine } from "../policy/engine.ts";
import type { Contender } from "./contender.ts";
import { outcomeOf } from "./grpo.ts";
import { ADAM, NEW_TOKENS } from "./workload.ts";

/** One of the two engines, through the same calls as the loop makes; a whole iteration is the loop's own. */
export function ours(name: string, engine: Engine): Contender {
  return {
    name,
    how: engine.label,
    async train({ config, theta, batch, weights }) {
      const policy = await engine.load(config, theta);
      const coefficients = weights.map((w) => -w);
      return {
        async step() {
          const handle = await policy.forward(batch, {});
          const { logProb } = handle;
          await policy.backward(handle, { logProb: coefficients });
          const update = await policy.apply({ ...ADAM, weightDecay: 0 });
          // Asked for in one turn, both come with the work itself.
          const [values] = await Promise.all([logProb.read(), update.read()]);
          return values.reduce((loss, lp, i) => loss + coefficients[i] * lp, 0);
        },
        state: () => policy.save(),
        dispose: () => policy.dispose(),
      };
    },
    async sample({ config, theta, rows, promptLength, prompts, banned, keys }) {
      const policy = await engine.load(config, theta);
      const given = Array.from({ length: rows }, (_, r) => prompts.slice(r * promptLength, (r + 1) * promptLength));
      return {
        async draw(step) {
          const request = { prompts: given, maxNewTokens: NEW_TOKENS, temperature: 1, stopTokens: [], banned, keys: keys(step) };
          const drawn = await policy.generate(request);
          return { tokens: drawn.tokens, logProbs: drawn.logProb };
        },
        dispose: () => policy.dispose(),
      };
    },
    async iterate(work, { setup, start }) {
      const run = await Run.open(engine, setup, work);
      return {
        prepare: () => run.restore(start),
        // Without drawing the next rollouts ahead: this iteration, all of it and nothing else.
        once: async () => outcomeOf(await run.complete()),
        theta: async () => (await run.policy.save()).theta,
        dispose: () => run.dispose(),
      };
    },
  };
}
