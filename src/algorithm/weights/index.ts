import type { TokenWeightPlugin } from "../slots.ts";
import { finishedOnly } from "./finished-only.ts";
import { offPolicyMask } from "./off-policy-mask.ts";
import { samplerCorrection } from "./sampler-correction.ts";
import { taughtOnly } from "./taught-only.ts";
import { topEntropy } from "./top-entropy.ts";

export const TOKEN_WEIGHTS: readonly TokenWeightPlugin[] = [samplerCorrection, offPolicyMask, topEntropy, finishedOnly, taughtOnly];
