import type { TokenWeightPlugin } from "../slots.ts";

export const TOKEN_WEIGHTS: readonly TokenWeightPlugin[] = [];
