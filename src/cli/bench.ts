import { parseArgs } from "node:util";
import { POLICY_CONFIGS, type PolicySize } from "../policy/config.ts";
import { tokenBatch } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { rowKeys, STREAM } from "../policy/random.ts";
import { encodePrompt } from "../policy/tokenizer.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { integerFlag, UsageError } from "./usage.ts";

const HELP = `usage: rlvr bench [--policy nano|tiny|small] [--engine portable|webgpu|both] [--rows N] [--tokens N] [--repeat N] [--json]

Times decoding, scoring and one update of fresh weights on batches of equal length; prints the median of the repeats. Machines are noisy:
compare numbers of one run only.`;

const PARTS = ["decode", "score", "update"] as const;

/** Times the engines side by side, interleaved, so that a busy spell of the machine touches all of them. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      policy: { type: "string", default: "nano" },
      engine: { type: "string", default: "both" },
      rows: { type: "string", default: "32" },
      tokens: { type: "string", default: "32" },
      repeat: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!Object.hasOwn(POLICY_CONFIGS, values.policy)) {
    throw new UsageError(`--policy must be one of ${Object.keys(POLICY_CONFIGS).join(", ")}, got ${JSON.stringify(values.policy)}`);
  }
  const config = POLICY_CONFIGS[values.policy as PolicySize];
  const rows = integerFlag("rows", values.rows, 1, 4096);
  const prompt = encodePrompt("5 3 8 19=");
  const tokens = integerFlag("tokens", values.tokens, 1, config.contextLength - prompt.length);
  const repeat = integerFlag("repeat", values.repeat, 1, 1000);
  const names = values.engine === "both" ? ["portable", "webgpu"] : [values.engine];
  const theta = initialWeights(config, 1);
  const entries = await Promise.all(
    names.map(async (name) => {
      const engine = await engineByName(name);
      return {
        name,
        engine,
        policy: await engine.load(config, theta),
        times: { decode: [] as number[], score: [] as number[], update: [] as number[] },
      };
    }),
  );
  const prompts = Array.from({ length: rows }, () => prompt);
  const batch = tokenBatch(
    prompts,
    Array.from({ length: rows }, (_, r) => Int32Array.from({ length: tokens }, (_, t) => 4 + ((r + 7 * t) % 90))),
  );
  const coefficients = new Float32Array(rows * tokens).fill(-1 / (rows * tokens));
  // The first round compiles and is not counted.
  for (let round = -1; round < repeat; round++) {
    for (const { policy, times } of entries) {
      const time = async (part: (typeof PARTS)[number], work: () => Promise<unknown>) => {
        const started = performance.now();
        await work();
        if (round >= 0) times[part].push(performance.now() - started);
      };
      await time("decode", () =>
        policy.generate({
          prompts,
          maxNewTokens: tokens,
          temperature: 1,
          stopTokens: [],
          keys: rowKeys({ seed: 1, stream: STREAM.rollouts, step: round + 1 }, [...prompts.keys()]),
        }),
      );
      await time("score", async () => {
        const handle = await policy.forward(batch, {}, { inference: true });
        await handle.logProb.read();
        handle.release();
      });
      await time("update", async () => {
        await policy.backward(await policy.forward(batch, {}), { logProb: coefficients });
        await policy.apply({ learningRate: 1e-5, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 });
      });
    }
  }
  const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const results = entries.map(({ name, engine, times }) => ({
    engine: name,
    label: engine.label,
    milliseconds: Object.fromEntries(PARTS.map((part) => [part, median(times[part])])),
    decodedTokensPerSecond: (rows * tokens * 1000) / median(times.decode),
  }));
  for (const { engine } of entries) await failOnEngineErrors(engine);
  if (values.json) {
    console.log(JSON.stringify({ policy: values.policy, rows, tokens, repeat, results }));
    return;
  }
  console.log(`${values.policy}, ${rows} rows × ${tokens} tokens, median of ${repeat}`);
  for (const r of results) {
    const parts = PARTS.map((part) => `${part} ${r.milliseconds[part].toFixed(1)} ms`).join("  ");
    console.log(`${r.engine.padEnd(8)}  ${parts}  ${r.decodedTokensPerSecond.toFixed(0)} decoded tokens/s  (${r.label})`);
  }
}
