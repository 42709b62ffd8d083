import type { RewardPlugin } from "../slots.ts";

export const REWARDS: readonly RewardPlugin[] = [];
