import type { ObjectivePlugin } from "../slots.ts";

export const LOSSES: readonly ObjectivePlugin[] = [];
