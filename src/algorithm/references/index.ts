import type { ReferencePlugin } from "../slots.ts";
import { averagedReference } from "./average.ts";
import { fixedReference } from "./fixed.ts";
import { syncedReference } from "./synced.ts";

export const REFERENCES: readonly [ReferencePlugin, ...ReferencePlugin[]] = [fixedReference, syncedReference, averagedReference];
