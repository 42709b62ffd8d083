import type { GuidancePlugin } from "../slots.ts";
import { noGuidance } from "./none.ts";
import { solverDemonstrations } from "./solver.ts";

export const GUIDANCES: readonly [GuidancePlugin, ...GuidancePlugin[]] = [noGuidance, solverDemonstrations];
