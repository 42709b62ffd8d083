import type { Size } from "../lesson.ts";

/** Smallest first. The smallest trains a step in about a second on a GPU that is emulated in software. */
export const SIZES: readonly Size[] = [
  { policy: "nano", prompts: 6, group: 8 },
  { policy: "nano", prompts: 16, group: 8 },
  { policy: "tiny", prompts: 16, group: 8 },
  { policy: "tiny", prompts: 32, group: 8 },
];

/** For questions that are seldom answered right: fewer prompts would leave too few groups with a signal. */
export const HARD_SIZES: readonly Size[] = [{ policy: "nano", prompts: 12, group: 8 }, ...SIZES.slice(1)];
