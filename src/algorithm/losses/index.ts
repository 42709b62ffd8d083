import type { ObjectivePlugin } from "../slots.ts";
import { chordLoss } from "./chord.ts";
import { entropyBonus } from "./entropy.ts";
import { imitation } from "./imitation.ts";
import { selfRewardLoss } from "./laser.ts";
import { positiveNll } from "./positive-nll.ts";

export const LOSSES: readonly ObjectivePlugin[] = [entropyBonus, imitation, positiveNll, chordLoss, selfRewardLoss];
