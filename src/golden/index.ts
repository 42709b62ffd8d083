import type { Engine } from "../policy/engine.ts";
import { GoldenError, recomputeLlamaGolden } from "../policy/golden.ts";
import { isObject } from "../policy/llama-config.ts";
import { recomputeAtlas } from "./atlas/index.ts";
import type { Recomputed } from "./read.ts";
import { recompute as recomputeTrl } from "./trl.ts";
import { recompute as recomputeVerl } from "./verl.ts";

/** The forms that golden files come in. */
export type GoldenForm = "verl" | "trl" | "atlas" | "llama";

/** @throws GoldenError if the document is of no form that we know. */
export function formOf(document: unknown): GoldenForm {
  if (isObject(document)) {
    if (Array.isArray(document.fixtures)) return "trl";
    if (Array.isArray(document.advantages) || Array.isArray(document.losses)) return "verl";
    if (Array.isArray(document.cases)) return typeof document.id === "string" ? "atlas" : "llama";
  }
  throw new GoldenError(
    "this is no golden file: one has cases of a method (id, cases) or of a policy (cases), fixtures (TRL), or advantages and losses (verl)",
  );
}

/**
 * Recomputes a golden document of any form from its inputs alone.
 * @param makeEngine makes the engine on which a policy's cases run; the other forms need none.
 * @throws GoldenError, naming the place, if the document is malformed.
 */
export async function recompute(document: unknown, makeEngine: () => Promise<Engine>): Promise<Recomputed> {
  switch (formOf(document)) {
    case "trl":
      return recomputeTrl(document);
    case "verl":
      return recomputeVerl(document);
    case "atlas":
      return recomputeAtlas(document);
    case "llama":
      return { document: (await recomputeLlamaGolden(document, makeEngine)).document, unknown: [] };
  }
}
