import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Engine, tokenBatch } from "../policy/engine.ts";
import { EOS, encode, encodePrompt, tokenLabel } from "../policy/tokenizer.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { loadPolicyFolder } from "./policies.ts";
import { UsageError } from "./usage.ts";

const HELP = `usage: rlvr score --policy P --in FILE [--engine portable|webgpu|auto]

FILE has a JSON object a line: {"input": "…", "output": "…", "eos": true}. For each, prints a JSON line with the tokens of output,
their log-probs (natural logarithm, temperature 1) and the entropies of the distributions that they were drawn from. "eos": true counts
end-of-text as output's last token.`;

interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly input: string;
  readonly output: string;
  readonly eos: boolean;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      policy: { type: "string", default: "tiny" },
      in: { type: "string" },
      engine: { type: "string", default: "portable" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!values.in) throw new UsageError("--in FILE is needed: JSON lines with input and output");
  const lines = (await readFile(values.in, "utf8"))
    .split("\n")
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => text.trim() !== "")
    .map(({ text, number }) => readLine(text, number, `${values.in} line ${number}`));
  const base = await loadPolicyFolder(values.policy);
  const prompts = lines.map(({ input }) => encodePrompt(input));
  const completions = lines.map(({ output, eos }) => Int32Array.from([...encode(output), ...(eos ? [EOS] : [])]));
  const long = lines.find((_, i) => prompts[i].length + completions[i].length > base.config.contextLength);
  if (long)
    throw new UsageError(`${values.in} line ${long.number} is longer than the policy's context of ${base.config.contextLength} tokens`);
  const engine = await engineByName(values.engine);
  const scores = await score(engine, base, prompts, completions);
  await failOnEngineErrors(engine);
  lines.forEach((line, i) => {
    const tokens = Array.from(completions[i], tokenLabel);
    console.log(JSON.stringify({ input: line.input, output: line.output, tokens, token_ids: Array.from(completions[i]), ...scores[i] }));
  });
  engine.dispose();
}

function readLine(text: string, number: number, where: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${where} is not JSON`);
  }
  const { input, output, eos = false } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof input !== "string" || typeof output !== "string" || typeof eos !== "boolean") {
    throw new UsageError(`${where} must be {"input": text, "output": text}, with "eos": true or false if wanted`);
  }
  for (const [name, part] of Object.entries({ input, output })) {
    try {
      encode(part);
    } catch (error) {
      throw new UsageError(`${where}: ${name}: ${(error as Error).message}`);
    }
  }
  return { number, input, output, eos };
}

/** Log-probs and entropies of each completion, a hundred texts at a time. */
async function score(
  engine: Engine,
  base: Awaited<ReturnType<typeof loadPolicyFolder>>,
  prompts: readonly Int32Array[],
  completions: readonly Int32Array[],
): Promise<{ logprobs: number[]; entropies: number[] }[]> {
  const policy = await engine.load(base.config, base.theta);
  const results: { logprobs: number[]; entropies: number[] }[] = [];
  for (let from = 0; from < prompts.length; from += 100) {
    const part = completions.slice(from, from + 100);
    const handle = await policy.forward(tokenBatch(prompts.slice(from, from + 100), part), { entropy: true }, { inference: true });
    const [logProb, entropy] = await Promise.all([handle.logProb.read(), handle.entropy!.read()]);
    handle.release();
    let at = 0;
    for (const completion of part) {
      const end = at + completion.length;
      results.push({ logprobs: Array.from(logProb.subarray(at, end)), entropies: Array.from(entropy.subarray(at, end)) });
      at = end;
    }
  }
  policy.dispose();
  return results;
}
