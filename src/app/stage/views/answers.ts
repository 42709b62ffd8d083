import type { Answer } from "../../../loop/evaluate.ts";

/** An answer with how often it was given before training and now, as shares of the samples. */
export interface AnswerShare {
  readonly text: string;
  readonly right: boolean;
  readonly reason: string;
  readonly before: number;
  readonly after: number;
}

export interface Distribution {
  /** The most frequent of either side, right ones first among equals. */
  readonly shown: readonly AnswerShare[];
  /** What the rest of the answers adds up to, and how many different ones they are. */
  readonly others: { readonly different: number; readonly before: number; readonly after: number };
  /** The share of right answers. */
  readonly rightBefore: number;
  readonly rightAfter: number;
}

export function distributionOf(before: readonly Answer[], after: readonly Answer[], samples: number, most: number): Distribution {
  const all = new Map<string, AnswerShare>();
  for (const [side, answers] of [["before", before] as const, ["after", after] as const])
    for (const { text, right, reason, count } of answers) {
      const known = all.get(text) ?? { text, right, reason, before: 0, after: 0 };
      all.set(text, { ...known, [side]: count / samples });
    }
  const sorted = [...all.values()].sort(
    (a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after) || Number(b.right) - Number(a.right) || (a.text < b.text ? -1 : 1),
  );
  const rest = sorted.slice(most);
  const sum = (list: readonly AnswerShare[], side: "before" | "after") => list.reduce((total, answer) => total + answer[side], 0);
  const rights = sorted.filter((answer) => answer.right);
  return {
    shown: sorted.slice(0, most),
    others: { different: rest.length, before: sum(rest, "before"), after: sum(rest, "after") },
    rightBefore: sum(rights, "before"),
    rightAfter: sum(rights, "after"),
  };
}
