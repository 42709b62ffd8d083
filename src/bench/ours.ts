import type { Engine } from "../policy/engine.ts";
import type { Contender } from "./contender.ts";
import { ADAM, NEW_TOKENS } from "./workload.ts";

/** One of the two engines, through the same calls as the loop makes. */
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
          const update = await policy.apply({ ...ADAM, weightDecay: 0, maxGradNorm: 0 });
          // Asked for in one turn, both come with the work itself.
          const [values] = await Promise.all([logProb.read(), update.read()]);
          return values.reduce((loss, lp, i) => loss + coefficients[i] * lp, 0);
        },
        state: () => policy.save(),
        dispose: () => policy.dispose(),
      };
    },
    async sample({ config, theta, rows, promptLength, tokens, keys }) {
      const policy = await engine.load(config, theta);
      const length = promptLength + NEW_TOKENS;
      const prompts = Array.from({ length: rows }, (_, r) => tokens.slice(r * length, r * length + promptLength));
      return {
        async draw(step) {
          const drawn = await policy.generate({ prompts, maxNewTokens: NEW_TOKENS, temperature: 1, stopTokens: [], keys: keys(step) });
          return { tokens: drawn.tokens, logProbs: drawn.logProb };
        },
        dispose: () => policy.dispose(),
      };
    },
  };
}
