import type { ObjectivePlugin } from "../slots.ts";
import { chordLoss } from "./chord.ts";
import { selfRewardLoss } from "./laser.ts";
import { positiveNll } from "./positive-nll.ts";

export const LOSSES: readonly ObjectivePlugin[] = [positiveNll, chordLoss, selfRewardLoss];
