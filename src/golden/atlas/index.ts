import { GoldenError } from "../../policy/golden.ts";
import { isObject } from "../../policy/llama-config.ts";
import { type Json, type Reader, type Recomputed, reader, UnknownMethodError } from "../read.ts";
import { canon } from "./canon.ts";
import { chord } from "./chord.ts";
import { coReward } from "./co-reward.ts";
import { dcpo } from "./dcpo.ts";
import { drpo } from "./drpo.ts";
import { ead } from "./ead.ts";
import { gdpo } from "./gdpo.ts";
import { gppo } from "./gppo.ts";
import { highEntropyTokens } from "./high-entropy-tokens.ts";
import { laser } from "./laser.ts";
import { ngrpo } from "./ngrpo.ts";
import { nsrPsr } from "./nsr-psr.ts";
import { pacs } from "./pacs.ts";
import { riskpo } from "./riskpo.ts";
import { treepo } from "./treepo.ts";
import { ucas } from "./ucas.ts";
import { unlikeliness } from "./unlikeliness-reward.ts";

/** Golden files of single methods: `id`, and `cases` with `params`, `input` and `output`. */

/** One case, before its output. */
export interface AtlasCase {
  readonly name: string;
  readonly params: Reader;
  readonly input: Reader;
}

/** Every output that we know of a case; null if we know nothing of its kind. */
export type AtlasMethod = (one: AtlasCase) => Json | null;

export const ATLAS: Readonly<Record<string, AtlasMethod>> = {
  canon,
  chord,
  "co-reward": coReward,
  dcpo,
  drpo,
  ead,
  gdpo,
  gppo,
  "high-entropy-tokens": highEntropyTokens,
  laser,
  ngrpo,
  "nsr-psr": nsrPsr,
  pacs,
  riskpo,
  treepo,
  ucas,
  "unlikeliness-reward": unlikeliness,
};

/** Puts computed values in the place of given ones, key by key; what was not computed stays and is listed. */
function replace(given: unknown, own: unknown, at: string, unknown: string[]): unknown {
  if (isObject(given) && isObject(own)) {
    return Object.fromEntries(
      Object.entries(given).map(([key, value]) => {
        if (Object.hasOwn(own, key)) return [key, replace(value, own[key], `${at}.${key}`, unknown)];
        unknown.push(`${at}.${key}`);
        return [key, value];
      }),
    );
  }
  if (Array.isArray(given) && Array.isArray(own) && given.length === own.length && given.some(isObject)) {
    return given.map((value, i) => replace(value, own[i], `${at}[${i}]`, unknown));
  }
  return own;
}

/** @throws GoldenError if the document is malformed, UnknownMethodError if its method is not implemented. */
export function recomputeAtlas(document: unknown): Recomputed {
  const { id, cases } = document as { id: string; cases: unknown[] };
  if (!Object.hasOwn(ATLAS, id)) {
    throw new UnknownMethodError(`the method ${JSON.stringify(id)} is not implemented`);
  }
  const unknown: string[] = [];
  const recomputed = cases.map((raw, i) => {
    if (!isObject(raw)) throw new GoldenError(`case ${i} is not an object`);
    const name = typeof raw.name === "string" ? raw.name : `case ${i}`;
    const place = `case ${JSON.stringify(name)}`;
    const own = ATLAS[id]({ name, params: reader(raw.params ?? {}, `${place}: params`), input: reader(raw.input, `${place}: input`) });
    if (own === null) {
      unknown.push(name);
      return raw;
    }
    if (!isObject(raw.output)) return { ...raw, output: own };
    const output = Object.fromEntries(
      Object.entries(raw.output).map(([key, value]) => {
        if (Object.hasOwn(own, key)) return [key, replace(value, own[key], `${name}: ${key}`, unknown)];
        unknown.push(`${name}: ${key}`);
        return [key, value];
      }),
    );
    return { ...raw, output };
  });
  return { document: structuredClone({ ...(document as Json), cases: recomputed }), unknown };
}
