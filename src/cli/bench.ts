import { parseArgs } from "node:util";
import { type Case, caseLines, type Job, RIVALS, type Rival, runJob } from "../bench/job.ts";
import { PARTS, type Part } from "../bench/trials.ts";
import { NEW_TOKENS } from "../bench/workload.ts";
import { POLICY_CONFIGS, type PolicySize } from "../policy/config.ts";
import type { WeightFormat } from "../policy/webgpu/network.ts";
import { integerFlag, UsageError } from "./usage.ts";

const HELP = `usage: npm run -s bench -- [--policy nano,tiny,small] [--batch 8x4,16x8] [--engine portable|webgpu|both] [--repeat N] [--budget SECONDS] [--json]
       npm run -s bench -- --against ${RIVALS.join(",")} [--part ${PARTS.join(",")}] …
       npm run -s bench -- --roofline …
       npm run -s bench -- --browser [--headed] [--chromium FLAG]… …

For each policy (nano,tiny) and batch (prompts x rollouts of each: 8x4,16x8), with fresh weights and ${NEW_TOKENS} new tokens: decoding, scoring and one
update of a batch of equal rows, and a whole iteration of GRPO from the prompts to the last update. Medians of interleaved repeats (5), ratios
first. Machines are noisy: compare numbers of one run only. Counts of what the GPU was asked to do are exact. docs/performance.md says more.

  --against   other libraries in the same process, on the same adapter, at the same work: one step of training (train), one batch of
              rollouts, and a whole iteration of GRPO (not ort), for nano and 8x4 unless said otherwise. Each must agree with the
              portable engine before it is timed. jax-js compiles for tens of seconds on a software adapter, longer for larger policies;
              Ctrl-C ends with what is known so far, a second one at once.
              ort: ONNX Runtime with a cache, a run a token (native in Node; WebAssembly and WebGPU in a browser).
  --weights   f32, f16 or f32,f16: how the webgpu engine stores the weights that its kernels read (f32); with both, each is measured
  --budget    end as with Ctrl-C after so many seconds: what runs is finished, and the report says what was left
  --roofline  each kernel's share of what the adapter reaches in a large product and in a copy (for nano and 8x4 unless said otherwise)
  --browser   the same in Chromium, on the GPU that it finds; without one, emulated by the processor
  --headed    with a window, as some drivers want it
  --chromium  another flag for Chromium, such as --chromium=--enable-features=Vulkan`;

/** `8x4`: 8 prompts, 4 rollouts of each. */
function shapeOf(text: string) {
  const sides = /^(\d+)x(\d+)$/.exec(text);
  if (!sides) throw new UsageError(`--batch must be such as 8x4, got ${JSON.stringify(text)}`);
  return { prompts: integerFlag("batch", sides[1], 1, 512), group: integerFlag("batch", sides[2], 1, 512) };
}

/** `a,b` with each one of `known`. */
function listOf<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  return text.split(",").map((name) => {
    if ((known as readonly string[]).includes(name)) return name as T;
    throw new UsageError(`--${flag} must be one of ${known.join(", ")}, got ${JSON.stringify(name)}`);
  });
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      policy: { type: "string" },
      batch: { type: "string" },
      engine: { type: "string", default: "both" },
      weights: { type: "string", default: "f32" },
      repeat: { type: "string", default: "5" },
      budget: { type: "string" },
      against: { type: "string" },
      part: { type: "string" },
      roofline: { type: "boolean", default: false },
      browser: { type: "boolean", default: false },
      headed: { type: "boolean", default: false },
      chromium: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const slow = values.against !== undefined || values.roofline;
  const batches = (values.batch ?? (slow ? "8x4" : "8x4,16x8")).split(",");
  if (!["both", "portable", "webgpu"].includes(values.engine))
    throw new UsageError(`--engine must be portable or webgpu, got ${JSON.stringify(values.engine)}`);
  const weights = listOf<WeightFormat>("weights", values.weights, ["f32", "f16"]);
  const gpus = weights.map((format) => (format === "f16" ? "webgpu-f16" : "webgpu"));
  if (weights.includes("f16") && values.engine === "portable") throw new UsageError("--weights f16 does not go with --engine portable");
  if (weights.includes("f16") && values.against !== undefined)
    throw new UsageError("--weights f16 does not go with --against: rounded weights are another policy than the other libraries have");
  const job: Job = {
    policies: listOf<PolicySize>("policy", values.policy ?? (slow ? "nano" : "nano,tiny"), Object.keys(POLICY_CONFIGS) as PolicySize[]),
    batches: batches.map((text) => ({ text, shape: shapeOf(text) })),
    engines: [...(values.engine === "webgpu" ? [] : (["portable"] as const)), ...(values.engine === "portable" ? [] : gpus)],
    repeat: integerFlag("repeat", values.repeat, 1, 1000),
    against: values.against === undefined ? [] : listOf<Rival>("against", values.against, RIVALS),
    parts: values.part === undefined ? PARTS : listOf<Part>("part", values.part, PARTS),
    roofline: values.roofline,
    ...(values.budget === undefined ? {} : { budget: integerFlag("budget", values.budget, 1, 86_400) }),
  };
  if (values.part !== undefined && values.against === undefined) throw new UsageError("--part goes with --against");
  for (const flag of ["headed", "chromium"] as const)
    if (values[flag] && !values.browser) throw new UsageError(`--${flag} goes with --browser`);

  const cases: Case[] = [];
  let labels: Readonly<Record<string, string>> = {};
  let cancelled = false;
  // The first Ctrl-C ends with what is known so far, the second at once.
  const cancel = () => {
    if (cancelled) process.exit(130);
    cancelled = true;
    console.error("stopping after what is under way … (Ctrl-C again: at once)");
  };
  process.on("SIGINT", cancel);
  const begun = performance.now();
  try {
    const events = {
      progress: (message: string) => console.error(`[${((performance.now() - begun) / 1000).toFixed(0)} s] ${message}`),
      started(engines: Readonly<Record<string, string>>) {
        labels = engines;
        const names = Object.entries(engines).map(([name, label]) => `${name}: ${label}`);
        if (!values.json) console.log(`${names.join("; ")}; medians of ${job.repeat}`);
      },
      done(result: Case) {
        cases.push(result);
        if (!values.json) console.log(caseLines(result).join("\n"));
      },
      cancelled: () => cancelled,
    };
    if (values.browser) {
      const { runInChromium } = await import("../bench/chromium.ts");
      await runInChromium(job, events, { headed: values.headed, flags: values.chromium ?? [] });
    } else {
      const { nodePlace } = await import("../bench/node.ts");
      const others = job.against.some((name) => name !== "ort");
      await runJob(job, await nodePlace(others || job.roofline || job.engines.some((name) => name !== "portable")), events);
    }
  } finally {
    process.off("SIGINT", cancel);
  }
  if (values.json) console.log(JSON.stringify({ tokens: NEW_TOKENS, repeat: job.repeat, engines: labels, cases }));
}
