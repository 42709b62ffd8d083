import type { ReferencePlugin } from "../slots.ts";
import { fixedReference } from "./fixed.ts";

export const REFERENCES: readonly [ReferencePlugin, ...ReferencePlugin[]] = [fixedReference];
