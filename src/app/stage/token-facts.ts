import type { StepRecord, UpdateRecord } from "../../loop/record.ts";

/** What a step record says about single tokens. Indices count from the completion's first token. */

/** One optimizer step in which a rollout took part, with the place of its first token in the update's arrays. */
export interface Participation {
  /** Its place in `updates`. */
  readonly number: number;
  readonly update: UpdateRecord;
  readonly offset: number;
}

/** The updates in which a rollout took part, in order. */
export function participations(record: StepRecord, row: number): Participation[] {
  return record.updates.flatMap((update, number) => {
    const at = update.rows.indexOf(row);
    return at < 0 ? [] : [{ number, update, offset: update.offsets[at] }];
  });
}

/** The temperature of the objective, at which old log-probs are. */
export const temperatureOf = (record: StepRecord) => record.settings["sampler.temperature"] as number;

/** Completion tokens of a rollout; 0 before they are drawn. */
export function lengthOf(record: StepRecord, row: number): number {
  const { tokens } = record;
  return tokens && row + 1 < tokens.offsets.length ? tokens.offsets[row + 1] - tokens.offsets[row] : 0;
}

/** A token's log-prob at temperature 1 before the update; undefined at another temperature if it is not among the recorded alternatives. */
export function logProbBefore(record: StepRecord, position: number): number | undefined {
  const tokens = record.tokens!;
  if (temperatureOf(record) === 1) return tokens.oldLogProb[position];
  const { alternatives, alternativeTokens, alternativeLogProbs } = tokens;
  for (let a = position * alternatives; a < (position + 1) * alternatives; a++) {
    if (alternativeTokens[a] === tokens.tokens[position]) return alternativeLogProbs[a];
  }
  return undefined;
}

/** An alternative to a token: its probabilities at temperature 1 before and after the update, where they are recorded. */
export interface Alternative {
  readonly token: number;
  readonly chosen: boolean;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** The most probable tokens before the update and the drawn one, by probability before; with those that came up by the update. */
export function alternativesAt(record: StepRecord, position: number): Alternative[] {
  const tokens = record.tokens!;
  const k = tokens.alternatives;
  const chosen = tokens.tokens[position];
  const read = (ids: Int32Array, logProbs: Float32Array) =>
    new Map(Array.from({ length: k }, (_, a) => [ids[position * k + a], Math.exp(logProbs[position * k + a])] as const));
  const before = read(tokens.alternativeTokens, tokens.alternativeLogProbs);
  const after = tokens.after ? read(tokens.after.alternativeTokens, tokens.after.alternativeLogProbs) : new Map<number, number>();
  const own = logProbBefore(record, position);
  if (own !== undefined) before.set(chosen, Math.exp(own));
  if (tokens.after) after.set(chosen, Math.exp(tokens.after.logProb[position]));
  const ids = [...new Set([...before.keys(), chosen, ...after.keys()])];
  return ids
    .map((token) => ({ token, chosen: token === chosen, before: before.get(token), after: after.get(token) }))
    .sort((a, b) => (b.before ?? 0) - (a.before ?? 0));
}
