import type { ShaperPlugin } from "../slots.ts";
import { selfRewardMix } from "./self-reward.ts";
import { tokenHiddenReward } from "./thr.ts";
import { confidenceShaping, logitPenalty } from "./ucas.ts";
import { whiten } from "./whiten.ts";

export const SHAPERS: readonly ShaperPlugin[] = [whiten, confidenceShaping, logitPenalty, tokenHiddenReward, selfRewardMix];
