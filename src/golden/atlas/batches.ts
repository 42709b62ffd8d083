import type { Numbers, RolloutBatch, UpdateBatch } from "../../algorithm/batch.ts";
import { consecutiveGroups, offsetsOf, pack, type Reader, unpack } from "../read.ts";

/** Batches as plug-ins see them, made of the padded tables that golden files hold. */

/** A batch of rollouts with rewards, in consecutive groups. */
export function rewardBatch(rewards: Numbers, groupSize: number, offsets?: Numbers): RolloutBatch {
  const rows = rewards.length;
  const ends = offsets ?? Array.from({ length: rows + 1 }, (_, r) => r);
  const maxLength = Math.max(1, ...Array.from({ length: rows }, (_, r) => ends[r + 1] - ends[r]));
  return { rows, offsets: ends, ...consecutiveGroups(rows, groupSize), reward: rewards, parts: {}, maxLength, scores: {}, step: 1 };
}

export interface LossTables {
  readonly batch: UpdateBatch & { readonly weight: Float64Array };
  /** Packed numbers as rows of the file's own width, 0 on padding. */
  readonly table: (packed: Numbers) => number[][];
}

/**
 * The batch of a loss case: `logProbs`, `oldLogProbs` and `lengths`, with `advantages` per row or per token, `rewards`, and weights
 * by aggregation, all where the file has them.
 * @param aggregation `token-mean` or `sequence-mean-token-mean`.
 */
export function lossBatch(input: Reader, aggregation: "token-mean" | "sequence-mean-token-mean"): LossTables {
  const logProbs = input.table("logProbs");
  const rows = logProbs.length;
  const lengths = input.numbers("lengths", rows);
  const offsets = offsetsOf(lengths, input.place);
  const count = offsets[rows];
  const perToken = (key: string) => pack(input.table(key, rows), offsets, `${input.place}: ${key}`);
  const advantage = new Float64Array(count);
  if (input.has("advantages")) {
    const given = input.raw.advantages as unknown[];
    if (Array.isArray(given?.[0])) advantage.set(perToken("advantages"));
    else
      input.numbers("advantages", rows).forEach((a, r) => {
        advantage.fill(a, offsets[r], offsets[r + 1]);
      });
  }
  const filled = lengths.filter((length) => length > 0).length;
  const weight = new Float64Array(count);
  lengths.forEach((length, r) => {
    weight.fill(aggregation === "token-mean" ? 1 / count : 1 / (filled * length), offsets[r], offsets[r + 1]);
  });
  const groupSize = input.has("groupSize") ? input.count("groupSize") : Math.max(1, rows);
  const rewards = input.has("rewards") ? input.numbers("rewards", rows) : new Array<number>(rows).fill(0);
  const widths = logProbs.map((row) => row.length);
  return {
    batch: {
      ...rewardBatch(rewards, groupSize, offsets),
      logProb: pack(logProbs, offsets, `${input.place}: logProbs`),
      oldLogProb: perToken("oldLogProbs"),
      advantage,
      weight,
      temperature: 1,
    },
    table: (packed) => unpack(packed, offsets, widths),
  };
}

/** Random numbers for plug-ins that take some and need none. */
export const NO_RANDOM = {
  next: () => {
    throw new Error("this plug-in is not random");
  },
} as never;
