import type { StepRecord } from "../../loop/record.ts";
import { decode } from "../../policy/tokenizer.ts";

/** The same rollout group of several runs. From a common seed a step asks all the same, and draws with the same random numbers. */

/** An answer of one of the runs. */
export interface BesideAnswer {
  /** Its rollout in the run's record. */
  readonly row: number;
  /** Tokens from the beginning that it shares: with the first run's answer; the first run's own with all others'. */
  readonly shared: number;
}

export interface BesideGroup {
  readonly prompt: string;
  /** The group's place in each run's record; undefined where that run was not asked this. */
  readonly groups: readonly (number | undefined)[];
  /** The answers of each run, in the order in which they were drawn; undefined where one run draws fewer than another. */
  readonly rows: readonly (readonly (BesideAnswer | undefined)[])[];
}

/** Groups of the first run that at least one other was asked, too, in the first one's order. A run without a record is asked nothing. */
export function groupsInCommon(first: StepRecord, others: readonly (StepRecord | undefined)[]): BesideGroup[] {
  const free = others.map((record) => new Map(record?.groups.map((group, i) => [i, promptOf(group.promptTokens)])));
  return first.groups.flatMap((group, own) => {
    const prompt = promptOf(group.promptTokens);
    const theirs = free.map((left) => {
      // Dynamic sampling and small levels may ask the same twice.
      const at = [...left.keys()].find((i) => left.get(i) === prompt);
      if (at !== undefined) left.delete(at);
      return at;
    });
    if (theirs.every((at) => at === undefined)) return [];
    const members = theirs.map((at, run) => (at === undefined ? [] : others[run]!.groups[at].members));
    const rows = Array.from({ length: Math.max(group.members.length, ...members.map(({ length }) => length)) }, (_, i) => {
      const mine: number | undefined = group.members[i];
      const answers = members.map((rowsOf, run): BesideAnswer | undefined => {
        const row: number | undefined = rowsOf[i];
        return row === undefined ? undefined : { row, shared: mine === undefined ? 0 : sharedTokens(first, mine, others[run]!, row) };
      });
      const common = answers.flatMap((answer) => answer?.shared ?? []);
      return [mine === undefined ? undefined : { row: mine, shared: common.length > 0 ? Math.min(...common) : 0 }, ...answers];
    });
    return [{ prompt, groups: [own, ...theirs], rows }];
  });
}

const promptOf = (tokens: Int32Array) => decode(tokens.subarray(1));

export function tokensOf({ tokens }: StepRecord, row: number): Int32Array {
  return tokens ? tokens.tokens.subarray(tokens.offsets[row], tokens.offsets[row + 1]) : new Int32Array();
}

function sharedTokens(left: StepRecord, l: number, right: StepRecord, r: number): number {
  const [a, b] = [tokensOf(left, l), tokensOf(right, r)];
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}
