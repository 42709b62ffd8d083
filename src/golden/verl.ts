import { GoldenError } from "../policy/golden.ts";
import { isObject } from "../policy/llama-config.ts";
import type { Recomputed } from "./read.ts";
import { recomputeVerlAdvantages } from "./verl-advantages.ts";
import { recomputeVerlLosses } from "./verl-losses.ts";

/**
 * A golden file of verl's functions, with everything that we know recomputed from its inputs.
 * @throws GoldenError that names the place of what is missing or malformed.
 */
export function recompute(document: unknown): Recomputed {
  if (!isObject(document)) throw new GoldenError("a golden file must be an object");
  const copy = structuredClone(document);
  const unknown: string[] = [];
  if (document.advantages !== undefined) {
    const advantages = recomputeVerlAdvantages(document.advantages);
    copy.advantages = advantages.section;
    unknown.push(...advantages.unknown);
  }
  if (document.losses !== undefined) {
    const losses = recomputeVerlLosses(document.losses);
    copy.losses = losses.section;
    unknown.push(...losses.unknown);
  }
  return { document: copy, unknown };
}
