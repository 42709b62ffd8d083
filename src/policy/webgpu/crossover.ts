import type { GenerateRequest, Generation, Policy } from "../engine.ts";
import { rowKeys, STREAM } from "../random.ts";
import type { DecodeVariant } from "./network.ts";

/** As many rows as a middling batch of rollouts, and enough tokens that prefill does not decide. */
const ROWS = 64;
const NEW_TOKENS = 16;
/** Rows that may differ between the two ways, because a draw fell on a boundary between two tokens. */
const BOUNDARIES = 2;

/**
 * Draws the same rollouts both ways and tells which is quicker here: whole tokens in one kernel keep a small policy in a few workgroups, many
 * kernels a step spread a larger one over the whole GPU. The step-by-step way is only taken if it draws what the other does.
 * @param ways one policy twice, the same weights, each drawing its own way.
 */
export async function quickerDecode(ways: Readonly<Record<DecodeVariant, Policy>>): Promise<DecodeVariant> {
  const { vocabSize, contextLength } = ways.batched.config;
  const maxNewTokens = Math.min(NEW_TOKENS, contextLength - 1);
  const promptLength = Math.min(12, contextLength - maxNewTokens);
  const prompts = Array.from({ length: ROWS }, (_, r) => Int32Array.from({ length: promptLength }, (_, t) => (5 * r + 7 * t) % vocabSize));
  const keys = rowKeys({ seed: 1, stream: STREAM.rollouts, step: 0 }, Array.from(prompts.keys()));
  const request: GenerateRequest = { prompts, keys, maxNewTokens, temperature: 1, stopTokens: [] };
  const times: Record<DecodeVariant, number> = { "whole-token": Number.POSITIVE_INFINITY, batched: Number.POSITIVE_INFINITY };
  const drawn: Partial<Record<DecodeVariant, Generation>> = {};
  // The first round also compiles.
  for (let round = 0; round < 3; round++) {
    for (const way of ["whole-token", "batched"] as const) {
      const began = performance.now();
      drawn[way] = await ways[way].generate(request);
      if (round > 0) times[way] = Math.min(times[way], performance.now() - began);
    }
  }
  const [whole, batched] = [drawn["whole-token"]!.tokens, drawn.batched!.tokens];
  const rowsThatDiffer = prompts.filter((_, r) => {
    const at = r * maxNewTokens;
    return whole.subarray(at, at + maxNewTokens).some((token, i) => token !== batched[at + i]);
  }).length;
  return rowsThatDiffer <= BOUNDARIES && times.batched < times["whole-token"] ? "batched" : "whole-token";
}
