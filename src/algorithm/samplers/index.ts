import type { SamplerPlugin } from "../slots.ts";
import { annealedSampler } from "./annealed.ts";
import { temperatureSampler } from "./temperature.ts";
import { treeSampler } from "./tree.ts";

export const SAMPLERS: readonly [SamplerPlugin, ...SamplerPlugin[]] = [temperatureSampler, annealedSampler, treeSampler];
