import type { PluginDeclaration } from "../../algorithm/plugin.ts";
import type { StepRecord, UpdateRecord } from "../../loop/record.ts";
import { type ListSlot, PLUGINS, SLOT_NAMES, type Slot } from "../../recipes/slots.ts";
import { participations } from "../stage/token-facts.ts";

/** The numbers behind one token under any recipe: what its plug-ins declared as their terms, as the record has them. */

/** A declared term with its number for this token, or for its answer. */
export interface NamedNumber {
  /** LaTeX. */
  readonly symbol: string;
  readonly meaning: string;
  readonly value: number;
}

/** A plug-in's part in the token. */
export interface Part {
  readonly slot: Slot | ListSlot;
  /** What a person reads: "Advantage", "Further losses". */
  readonly title: string;
  readonly name: string;
  readonly sentence: string;
  readonly terms: readonly NamedNumber[];
  /** Of parts that make advantages: what the token's is after them. */
  readonly advantage?: number;
}

/** The plug-ins of a step in a slot or list, in order. */
function inUse(record: StepRecord, slot: Slot | ListSlot): PluginDeclaration[] {
  const ids = String(record.settings[slot] ?? "").split(",");
  return ids.flatMap((id) => PLUGINS[slot].find((plugin) => plugin.id === id) ?? []);
}

/** A number of `[N]` or `[rows]`, whichever the term is. */
function pickFrom(values: Float32Array, size: { tokens: number; rows: number }, token: number, row: number): number | undefined {
  return values.length === size.tokens ? values[token] : values.length === size.rows ? values[row] : undefined;
}

type Read = (key: string) => number | undefined;

function partOf(slot: Slot | ListSlot, plugin: PluginDeclaration, read: Read): Part {
  const terms = Object.entries(plugin.terms).flatMap(([name, { symbol, meaning }]): NamedNumber[] => {
    const value = read(`${slot}.${plugin.id}.${name}`);
    return value === undefined ? [] : [{ symbol, meaning, value }];
  });
  return { slot, title: SLOT_NAMES[slot], name: plugin.name, sentence: plugin.explanation.sentence, terms };
}

/** From the estimator through every shaper: what each made of the token's advantage. Empty before the phase `advantages`. */
export function advantageParts(record: StepRecord, row: number, index: number): Part[] {
  const { tokens } = record;
  if (!tokens?.advantage) return [];
  const at = tokens.offsets[row] + index;
  const size = { tokens: tokens.tokens.length, rows: record.rollouts.length };
  const read: Read = (key) => {
    const values = tokens.advantageTerms?.[key];
    return values && pickFrom(values, size, at, row);
  };
  const shapers = inUse(record, "shapers");
  const step =
    (slot: "advantage" | "shapers") =>
    (plugin: PluginDeclaration): Part => ({
      ...partOf(slot, plugin, read),
      advantage: (shapers.length > 0 ? read(`${slot}.${plugin.id}.advantage`) : undefined) ?? tokens.advantage![at],
    });
  return [...inUse(record, "advantage").map(step("advantage")), ...shapers.map(step("shapers"))];
}

/** What the objective, token weights, the penalty and further losses measured of a token in one update; those that told nothing are left out. */
export function updateParts(record: StepRecord, row: number, index: number, number: number): Part[] {
  const found = participations(record, row).find((p) => p.number === number - 1);
  if (!found) return [];
  const { update, offset } = found;
  const size = { tokens: update.logProb.length, rows: update.rows.length + update.demonstrations.length };
  const place = update.rows.indexOf(row);
  const read: Read = (key) => {
    const values = update.terms[key];
    return values && pickFrom(values, size, offset + index, place);
  };
  return (["objective", "tokenWeights", "kl", "losses"] as const)
    .flatMap((slot) => inUse(record, slot).map((plugin) => partOf(slot, plugin, read)))
    .filter(({ slot, terms }) => slot === "objective" || terms.length > 0);
}

/** The loss of an update by its parts, named as a person knows them; one part alone says nothing. */
export function lossParts(update: UpdateRecord): { readonly name: string; readonly value: number }[] {
  const parts = Object.entries(update.lossParts);
  if (parts.length < 2) return [];
  const nameOf = (id: string) =>
    id === "policy" ? "policy" : id === "kl" ? "KL" : (PLUGINS.losses.find((plugin) => plugin.id === id)?.name.toLowerCase() ?? id);
  return parts.map(([id, value]) => ({ name: nameOf(id), value }));
}

/** Further parts of the loss that act on whole next-token distributions, and so beyond the coefficient of the drawn token. */
export function actsBeyond(record: StepRecord): string[] {
  const exact = record.settings.kl === "exact" && record.settings["kl.place"] === "loss" && record.settings["kl.coefficient"] !== 0;
  const entropy = inUse(record, "losses").some((plugin) => plugin.id === "entropy");
  return [...(exact ? ["the exact KL"] : []), ...(entropy ? ["the entropy bonus"] : [])];
}
