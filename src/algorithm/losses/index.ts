import type { ObjectivePlugin } from "../slots.ts";
import { positiveNll } from "./positive-nll.ts";

export const LOSSES: readonly ObjectivePlugin[] = [positiveNll];
