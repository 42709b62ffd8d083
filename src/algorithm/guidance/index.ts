import type { GuidancePlugin } from "../slots.ts";
import { noGuidance } from "./none.ts";

export const GUIDANCES: readonly [GuidancePlugin, ...GuidancePlugin[]] = [noGuidance];
