import type { KlPlugin } from "../slots.ts";
import { absolutePenalty, k1Penalty, k2Penalty, lowVariancePenalty } from "./estimators.ts";
import { exactKl } from "./exact.ts";
import { k3Penalty } from "./k3.ts";

export const KLS: readonly [KlPlugin, ...KlPlugin[]] = [k3Penalty, k1Penalty, k2Penalty, absolutePenalty, lowVariancePenalty, exactKl];
