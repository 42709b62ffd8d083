import { parseArgs } from "node:util";
import type { Base } from "../loop/run.ts";
import { POLICY_CONFIGS, type PolicyConfig, type PolicySize } from "../policy/config.ts";
import { type Engine, type Policy, type TokenBatch, tokenBatch } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { rowKeys, STREAM } from "../policy/random.ts";
import { encodePrompt } from "../policy/tokenizer.ts";
import { Iteration, type IterationCounts, type Shape, TOKENS } from "./bench-iteration.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { integerFlag, UsageError } from "./usage.ts";

const HELP = `usage: npm run -s bench -- [--policy nano,tiny,small] [--batch 8x4,16x8] [--engine portable|webgpu|both] [--repeat N] [--json]

For each policy (nano,tiny) and batch (prompts x rollouts of each: 8x4,16x8), with fresh weights and ${TOKENS} new tokens: decoding, scoring and one
update of a batch of equal rows, and a whole iteration of GRPO from the prompts to the last update. Medians of interleaved repeats (5), ratios
first. Machines are noisy: compare numbers of one run only. Counts of what the GPU was asked to do are exact. docs/performance.md says more.`;

const PARTS = ["decode", "score", "update", "iteration"] as const;
type Part = (typeof PARTS)[number];

interface Entry {
  readonly name: string;
  readonly engine: Engine;
  readonly policy: Policy;
  readonly iteration: Iteration;
  readonly times: Record<Part, number[]>;
  counts?: IterationCounts;
}

interface Result {
  readonly engine: string;
  readonly label: string;
  readonly milliseconds: Record<Part, number>;
  readonly decodedTokensPerSecond: number;
  /** Of one iteration after warm-up, where the engine has a device. */
  readonly counts?: IterationCounts;
}

interface Case {
  readonly policy: string;
  readonly batch: string;
  readonly results: readonly Result[];
}

/** `8x4`: 8 prompts, 4 rollouts of each. */
function shapeOf(text: string): Shape {
  const sides = /^(\d+)x(\d+)$/.exec(text);
  if (!sides) throw new UsageError(`--batch must be such as 8x4, got ${JSON.stringify(text)}`);
  return { prompts: integerFlag("batch", sides[1], 1, 512), group: integerFlag("batch", sides[2], 1, 512) };
}

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Times decoding, scoring and updating of rows that are all equally long. */
async function timeParts(
  { policy }: Entry,
  prompts: readonly Int32Array[],
  batch: TokenBatch,
  step: number,
  time: (part: Part, work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const coefficients = new Float32Array(prompts.length * TOKENS).fill(-1 / (prompts.length * TOKENS));
  await time("decode", () =>
    policy.generate({
      prompts,
      maxNewTokens: TOKENS,
      temperature: 1,
      stopTokens: [],
      keys: rowKeys({ seed: 1, stream: STREAM.rollouts, step }, [...prompts.keys()]),
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

/** Measures one policy and batch on all engines, interleaved, so that a busy spell of the machine touches all of them. */
async function measure(engines: ReadonlyMap<string, Engine>, config: PolicyConfig, shape: Shape, repeat: number): Promise<Result[]> {
  const base: Base = { config, theta: initialWeights(config, 1) };
  const entries: Entry[] = [];
  for (const [name, engine] of engines) {
    const policy = await engine.load(config, base.theta);
    const iteration = await Iteration.open(engine, shape, base);
    entries.push({ name, engine, policy, iteration, times: { decode: [], score: [], update: [], iteration: [] } });
  }
  const prompts = Array.from({ length: shape.prompts * shape.group }, () => encodePrompt("5 3 8 19="));
  const batch = tokenBatch(
    prompts,
    prompts.map((_, r) => Int32Array.from({ length: TOKENS }, (_, t) => 4 + ((r + 7 * t) % 90))),
  );
  // The first round compiles and allocates, and is not counted.
  for (let round = -1; round < repeat; round++) {
    for (const entry of entries) {
      const keep = (part: Part, milliseconds: number) => {
        if (round >= 0) entry.times[part].push(milliseconds);
      };
      await timeParts(entry, prompts, batch, round + 1, async (part, work) => {
        const started = performance.now();
        await work();
        keep(part, performance.now() - started);
      });
      const { milliseconds, counts } = await entry.iteration.once();
      keep("iteration", milliseconds);
      if (counts) entry.counts = counts;
    }
  }
  for (const { policy, iteration } of entries) {
    policy.dispose();
    iteration.dispose();
  }
  return entries.map(({ name, engine, times, counts }) => ({
    engine: name,
    label: engine.label,
    milliseconds: Object.fromEntries(PARTS.map((part) => [part, median(times[part])])) as Record<Part, number>,
    decodedTokensPerSecond: (prompts.length * TOKENS * 1000) / median(times.decode),
    ...(counts ? { counts } : {}),
  }));
}

/** A case as lines for a person: the ratio of the engines, then milliseconds, then counts. */
function linesOf({ policy, batch, results }: Case): string[] {
  const lines = [`${policy}, ${batch} rollouts of at most ${TOKENS} tokens`];
  const [first, second] = results;
  if (second) {
    const ratios = PARTS.map((part) => `${part} ${(second.milliseconds[part] / first.milliseconds[part]).toFixed(2)}`).join("  ");
    lines.push(`  ${second.engine} time ÷ ${first.engine} time:  ${ratios}`);
  }
  for (const { engine, milliseconds, decodedTokensPerSecond } of results) {
    const parts = PARTS.map((part) => `${part} ${milliseconds[part].toFixed(1)} ms`).join("  ");
    lines.push(`  ${engine.padEnd(8)}  ${parts}  ${decodedTokensPerSecond.toFixed(0)} decoded tokens/s`);
  }
  for (const { engine, counts } of results) {
    if (!counts) continue;
    lines.push(
      `  ${engine} per iteration of ${counts.tokens} tokens:  ${counts.dispatches} dispatches  ${counts.submits} submits  ` +
        `${counts.readBacks} read-backs  ${counts.bytesReadBack} bytes back  ${counts.bytesUploaded} bytes up  ${counts.buffersCreated} new buffers`,
    );
  }
  return lines;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      policy: { type: "string", default: "nano,tiny" },
      batch: { type: "string", default: "8x4,16x8" },
      engine: { type: "string", default: "both" },
      repeat: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const policies = values.policy.split(",").map((name) => {
    if (Object.hasOwn(POLICY_CONFIGS, name)) return name as PolicySize;
    throw new UsageError(`--policy must be one of ${Object.keys(POLICY_CONFIGS).join(", ")}, got ${JSON.stringify(name)}`);
  });
  const batches = values.batch.split(",").map((text) => ({ text, shape: shapeOf(text) }));
  const repeat = integerFlag("repeat", values.repeat, 1, 1000);
  const engines = new Map<string, Engine>();
  for (const name of values.engine === "both" ? ["portable", "webgpu"] : [values.engine]) engines.set(name, await engineByName(name));
  const labels = [...engines].map(([name, { label }]) => `${name}: ${label}`).join("; ");
  if (!values.json) console.log(`${labels}; medians of ${repeat}`);
  const cases: Case[] = [];
  for (const policy of policies) {
    for (const { text, shape } of batches) {
      const measured = { policy, batch: text, results: await measure(engines, POLICY_CONFIGS[policy], shape, repeat) };
      cases.push(measured);
      if (!values.json) console.log(linesOf(measured).join("\n"));
    }
  }
  for (const engine of engines.values()) await failOnEngineErrors(engine);
  if (values.json) console.log(JSON.stringify({ tokens: TOKENS, repeat, cases }));
}
