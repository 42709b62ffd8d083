import type { ShaperPlugin } from "../slots.ts";
import { whiten } from "./whiten.ts";

export const SHAPERS: readonly ShaperPlugin[] = [whiten];
