import type { RewardPlugin } from "../slots.ts";
import { kimiLength } from "./kimi-length.ts";
import { overlongPenalty } from "./overlong.ts";
import { stopProperly } from "./stop-properly.ts";
import { unlikelyReward } from "./unlikely.ts";

/** Rewards beside the verdict's. */
export const REWARDS: readonly RewardPlugin[] = [overlongPenalty, stopProperly, kimiLength, unlikelyReward];
