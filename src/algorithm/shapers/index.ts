import type { ShaperPlugin } from "../slots.ts";

export const SHAPERS: readonly ShaperPlugin[] = [];
