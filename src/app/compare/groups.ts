import type { StepRecord } from "../../loop/record.ts";
import { decode } from "../../policy/tokenizer.ts";

/** The same rollout group of two runs. From a common seed a step asks both the same, and draws with the same random numbers. */

/** Where one run draws more answers than the other, the other's row is missing. */
export interface BesideRow {
  readonly left: number | undefined;
  readonly right: number | undefined;
  /** Tokens from the beginning that the two answers share. */
  readonly shared: number;
}

export interface BesideGroup {
  readonly prompt: string;
  readonly left: number;
  readonly right: number;
  readonly rows: readonly BesideRow[];
}

/** Groups of two records that ask the same, in the left one's order; rollouts in the order in which they were drawn. */
export function groupsInCommon(left: StepRecord, right: StepRecord): BesideGroup[] {
  const free = new Map(right.groups.map((group, i) => [i, promptOf(group.promptTokens)]));
  return left.groups.flatMap((group, l) => {
    const prompt = promptOf(group.promptTokens);
    // Dynamic sampling and small levels may ask the same twice.
    const r = [...free.keys()].find((i) => free.get(i) === prompt);
    if (r === undefined) return [];
    free.delete(r);
    const others = right.groups[r].members;
    const rows = Array.from({ length: Math.max(group.members.length, others.length) }, (_, i) => {
      const [a, b]: (number | undefined)[] = [group.members[i], others[i]];
      return { left: a, right: b, shared: a === undefined || b === undefined ? 0 : sharedTokens(left, a, right, b) };
    });
    return [{ prompt, left: l, right: r, rows }];
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
