import type { RolloutBatch } from "./batch.ts";

/**
 * `[rows]`: what the reward says of each rollout: 1 right, 0 wrong, NaN unscorable. It looks at the part `correct`, where the reward has
 * one (so that credit for form or length does not count), and otherwise at the whole; what lies at or above a half is right.
 */
export function labelsOf({ rows, reward, parts }: Pick<RolloutBatch, "rows" | "reward" | "parts">): number[] {
  const values = parts.correct ?? reward;
  return Array.from({ length: rows }, (_, r) =>
    Number.isFinite(reward[r]) && Number.isFinite(values[r]) ? Number(values[r] >= 0.5) : NaN,
  );
}
