import { ADVANTAGE, OBJECTIVE } from "../../algorithm/expression/inputs.ts";
import type { Parameters, PluginDeclaration } from "../../algorithm/plugin.ts";
import type { StepRecord, UpdateRecord } from "../../loop/record.ts";
import { formulaOf, termsOf } from "../../recipes/recipe.ts";
import { LIST_SLOTS, type ListSlot, PLUGINS, SLOT_NAMES, type Slot } from "../../recipes/slots.ts";
import { lengthOf, participations } from "../stage/token-facts.ts";
import type { PlaceId } from "./places.ts";
import { COMMON, type CommonId, INPUTS, placeOfParameter, placeOfTerm } from "./provenance.ts";

/** The formulas behind one token under any recipe, with their terms' numbers as the record has them. */

/** A term with its number for this token, or for its answer. */
export interface NamedNumber {
  /** `slot.plugin.term` as in records, a setting's path, or the name of what all recipes have. */
  readonly key: string;
  /** LaTeX. */
  readonly symbol: string;
  /** Other ways in which formulas write it (LaTeX). */
  readonly aliases?: readonly string[];
  readonly meaning: string;
  /** Undefined where it is not a number, or was not recorded. */
  readonly value?: number | undefined;
  readonly place: PlaceId;
  /** Of a parameter: its setting's path. */
  readonly path?: string;
}

/** A plug-in's part in the token. */
export interface Part {
  readonly slot: Slot | ListSlot;
  /** What a person reads: "Advantage", "Further losses". */
  readonly title: string;
  readonly name: string;
  readonly sentence: string;
  /** LaTeX. */
  readonly latex: string;
  /** A formula of a person's own, as it was written. */
  readonly written?: string;
  /** What the plug-in measured: terms that the record has numbers for. */
  readonly terms: readonly (NamedNumber & { readonly value: number })[];
  /** What else stands in the formula: parameters, and what all recipes have. */
  readonly inputs: readonly NamedNumber[];
  /** Of parts that make advantages: what the token's is after them. */
  readonly advantage?: number;
}

interface InUse {
  readonly plugin: PluginDeclaration;
  readonly params: Parameters;
  /** Where its settings are: `objective`, `losses.entropy`. */
  readonly path: string;
}

/** The plug-ins of a step in a slot or list, in order, with the parameters in force. */
function inUse({ settings }: StepRecord, slot: Slot | ListSlot): InUse[] {
  const list = LIST_SLOTS.some((name) => name === slot);
  const ids = String(settings[slot] ?? "").split(",");
  return ids.flatMap((id): InUse[] => {
    const plugin: PluginDeclaration | undefined = PLUGINS[slot].find((p) => p.id === id);
    if (!plugin) return [];
    const path = list ? `${slot}.${id}` : slot;
    const params = Object.entries(plugin.parameters).map(
      ([name, { default: usual }]) => [name, settings[`${path}.${name}`] ?? usual] as const,
    );
    return [{ plugin, params: Object.fromEntries(params), path }];
  });
}

/** A number of `[N]` or `[rows]`, whichever the term is. */
function pickFrom(values: Float32Array, size: { tokens: number; rows: number }, token: number, row: number): number | undefined {
  return values.length === size.tokens ? values[token] : values.length === size.rows ? values[row] : undefined;
}

type Read = (key: string) => number | undefined;
/** What all recipes have, by name; absent where it is not known yet. */
export type Facts = Readonly<Partial<Record<CommonId, number | undefined>>>;

/** What all recipes have, as a term. */
export function commonTerm(id: CommonId, value: number | undefined): NamedNumber {
  const { place, meaning, symbols } = COMMON[id];
  return { key: id, symbol: symbols[0], aliases: symbols.slice(1), meaning, value, place };
}

function partOf(record: StepRecord, slot: Slot | ListSlot, { plugin, params, path }: InUse, read: Read, facts: Facts): Part {
  const declared = termsOf(slot, { plugin: plugin.id, params });
  const own = `${slot}.${plugin.id}.`;
  const written = Object.entries(plugin.parameters).find(([, parameter]) => parameter.kind === "text");
  // A formula of a person's own has the names in it that the person gave.
  const text = written && String(params[written[0]]);
  const given = [...(text?.matchAll(/\blet\s+(\w+)/g) ?? [])].map(
    ([, name]) => [name, { symbol: name, meaning: "a value of your formula" }] as const,
  );
  const terms = [...Object.entries(declared), ...given].flatMap(([name, { symbol, meaning }]) => {
    const value = read(own + name);
    const place = placeOfTerm(slot, plugin.id, name, record.settings);
    return value === undefined || !place ? [] : [{ key: own + name, symbol, meaning, value, place }];
  });
  const taken = new Set<string>(terms.map(({ symbol }) => symbol));
  const parameters = Object.entries(plugin.parameters).flatMap(([name, parameter]): NamedNumber[] => {
    const symbol = parameter.kind === "number" || parameter.kind === "integer" ? parameter.symbol : undefined;
    if (symbol === undefined || taken.has(symbol)) return [];
    const setting = `${path}.${name}`;
    const value = Number(params[name]);
    return [{ key: setting, symbol, meaning: parameter.label, value, place: placeOfParameter(setting), path: setting }];
  });
  for (const { symbol } of parameters) taken.add(symbol);
  const latex = formulaOf(slot, { plugin: plugin.id, params });
  const common = text === undefined ? commonIn(slot, facts, taken, latex) : named(slot, text, facts);
  return {
    slot,
    title: SLOT_NAMES[slot],
    name: plugin.name,
    sentence: plugin.explanation.sentence,
    latex,
    ...(text === undefined ? {} : { written: text }),
    terms,
    inputs: [...parameters, ...common],
  };
}

/** Which of the things that all recipes have can stand in a slot's formulas. */
const READS: Readonly<Partial<Record<Slot | ListSlot, readonly CommonId[]>>> = {
  reward: ["reward", "length", "limit"],
  rewards: ["reward", "length", "limit"],
  advantage: ["reward", "advantage", "length"],
  shapers: ["advantage", "before"],
  objective: ["advantage", "ratio", "logProb", "loss", "length", "limit", "clip"],
  tokenWeights: ["advantage", "entropy", "oldLogProb", "samplerLogProb", "logProb", "length"],
  aggregation: ["tokens", "batchTokens", "answers", "length", "width", "limit", "loss"],
  kl: ["ratio", "refLogProb", "logProb"],
  losses: ["entropy"],
};

function commonIn(slot: Slot | ListSlot, facts: Facts, taken: ReadonlySet<string>, latex: string): NamedNumber[] {
  // What makes an advantage writes it at the left.
  const made = slot === "advantage" || slot === "shapers" || slot === "reward" ? latex.split("=")[0].trim() : undefined;
  return (READS[slot] ?? []).flatMap((id) => {
    const term = commonTerm(id, facts[id]);
    const all = made !== undefined && id === (slot === "reward" ? "reward" : "advantage") ? [made] : [term.symbol, ...(term.aliases ?? [])];
    const symbols = all.filter((symbol) => !taken.has(symbol) && (id !== "before" || symbol !== made));
    return symbols.length === 0 ? [] : [{ ...term, symbol: symbols[0], aliases: symbols.slice(1) }];
  });
}

/** Names of a person's own formulas that mean what all recipes have. */
const SAME: Readonly<Record<string, CommonId>> = {
  reward: "reward",
  length: "length",
  advantage: "advantage",
  log_prob: "logProb",
  old_log_prob: "oldLogProb",
  ref_log_prob: "refLogProb",
  sampler_log_prob: "samplerLogProb",
  ratio: "ratio",
  old_entropy: "entropy",
};

/** The facts that a formula names. */
function named(slot: Slot | ListSlot, text: string, facts: Facts): NamedNumber[] {
  const names = new Set(text.match(/[a-zA-Z_]\w*/g) ?? []);
  return [...(slot === "advantage" ? ADVANTAGE : OBJECTIVE).inputs.values()].flatMap(({ name, meaning }): NamedNumber[] => {
    if (!names.has(name)) return [];
    const same = SAME[name];
    return [{ key: same ?? `input.${name}`, symbol: name, meaning, value: same && facts[same], place: INPUTS[name] }];
  });
}

/** How the answer's reward adds up, where it has more than one part: the reward's formula, and those of further rewards. */
export function rewardParts(record: StepRecord, row: number): Part[] {
  const { rewardParts: parts, reward, verdict, seenScore } = record.rollouts[row];
  if (!parts || !verdict || Object.keys(parts).length < 2) return [];
  const further = inUse(record, "rewards");
  const measured: Readonly<Record<string, number | undefined>> = {
    ...Object.fromEntries(
      further.flatMap(({ plugin: { id, terms } }) => Object.keys(terms).map((name) => [`rewards.${id}.${name}`, parts[name]])),
    ),
    "reward.verdict.v": seenScore ?? verdict.score,
    "reward.verdict.f": verdict.parts.wellFormed,
  };
  // With further rewards the first formula is not all of it.
  const facts: Facts = {
    reward: further.length > 0 ? undefined : reward,
    length: lengthOf(record, row),
    limit: record.settings["sampler.maxNewTokens"] as number | undefined,
  };
  const read: Read = (key) => measured[key];
  return [
    ...inUse(record, "reward").map((use) => partOf(record, "reward", use, read, facts)),
    ...further.map((use) => partOf(record, "rewards", use, read, { ...facts, reward: undefined })),
  ];
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
  const facts: Facts = { reward: record.rollouts[row].reward, length: lengthOf(record, row) };
  let before: number | undefined;
  const step =
    (slot: "advantage" | "shapers") =>
    (use: InUse): Part => {
      const advantage = (shapers.length > 0 ? read(`${slot}.${use.plugin.id}.advantage`) : undefined) ?? tokens.advantage![at];
      const part = { ...partOf(record, slot, use, read, { ...facts, advantage, before }), advantage };
      before = advantage;
      return part;
    };
  return [...inUse(record, "advantage").map(step("advantage")), ...shapers.map(step("shapers"))];
}

/** What all recipes have, for a token in an update (`number` counts from 1). */
export function updateFacts(record: StepRecord, row: number, index: number, number: number): Facts {
  const found = participations(record, row).find((p) => p.number === number - 1);
  const { tokens, settings } = record;
  if (!found || !tokens) return {};
  const { update, offset } = found;
  const at = tokens.offsets[row] + index;
  return {
    reward: record.rollouts[row].reward,
    advantage: tokens.advantage?.[at] ?? record.rollouts[row].advantage,
    logProb: update.logProb[offset + index],
    oldLogProb: tokens.oldLogProb[at],
    refLogProb: tokens.refLogProb?.[at],
    samplerLogProb: tokens.samplerLogProb[at],
    entropy: tokens.entropy[at],
    ratio: update.ratio[offset + index],
    loss: lossOf(record, update, offset + index),
    length: lengthOf(record, row),
    weight: update.weight[offset + index],
    coefficient: update.coefficient[offset + index],
    limit: settings["sampler.maxNewTokens"] as number | undefined,
    ...counted(record, update),
  };
}

/** A token's loss before its weight; unknown where the record has the penalty's share in it, or the weight has taken it away. */
function lossOf({ settings }: StepRecord, { tokenLoss, weight }: UpdateRecord, at: number): number | undefined {
  const penalised = settings["kl.place"] === "loss" && settings["kl.coefficient"] !== 0;
  return penalised || weight[at] === 0 ? undefined : tokenLoss[at] / weight[at];
}

/** What an update's mini-batch is averaged over. Masked answers leave the count; with demonstrations or token weights it is the program's own. */
function counted(record: StepRecord, update: UpdateRecord): Facts {
  if (update.demonstrations.length > 0 || record.settings.tokenWeights !== undefined) return {};
  const masked = record.settings["aggregation.maskTruncated"] === true;
  const kept = (rows: readonly number[]) =>
    rows.filter((row) => !masked || record.rollouts[row].finished).map((row) => lengthOf(record, row));
  const lengths = kept(Array.from(update.rows));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    tokens: sum(lengths),
    answers: lengths.length,
    width: Math.max(0, ...lengths),
    batchTokens: sum(kept(record.rollouts.map((_, row) => row))),
  };
}

/** What the objective, token weights, aggregation, the penalty and further losses make of a token in one update. */
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
  const facts = updateFacts(record, row, index, number);
  const penalised = record.settings["kl.coefficient"] !== 0;
  return (["objective", "tokenWeights", "aggregation", "kl", "losses"] as const).flatMap((slot) =>
    slot === "kl" && !penalised ? [] : inUse(record, slot).map((use) => partOf(record, slot, use, read, facts)),
  );
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
  const entropy = inUse(record, "losses").some(({ plugin }) => plugin.id === "entropy");
  return [...(exact ? ["the exact KL"] : []), ...(entropy ? ["the entropy bonus"] : [])];
}
