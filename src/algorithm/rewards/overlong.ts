import { lengthsOf } from "../batch.ts";
import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** A penalty for answers close to the length limit (DAPO, Eq. 13) or, hard, for all that enter the buffer. */
export const overlongPenalty: RewardPlugin = {
  id: "overlong",
  name: "Overlong penalty",
  scope: "rollout",
  parameters: {
    kind: {
      kind: "choice",
      label: "Penalty",
      default: "soft",
      options: [
        { value: "soft", label: "soft: grows within the buffer" },
        { value: "hard", label: "hard: all at once" },
      ],
      effect: "Soft warns long answers little by little; hard takes the whole penalty from every answer that enters the buffer.",
    },
    limit: {
      kind: "integer",
      label: "Length limit",
      default: 0,
      min: 0,
      max: 100000,
      slider: [0, 128, 1],
      unit: "tokens",
      symbol: "L",
      effect: "Where the penalty is complete; 0 takes the longest possible answer.",
    },
    buffer: {
      kind: "integer",
      label: "Buffer",
      default: 4,
      min: 0,
      max: 100000,
      slider: [0, 32, 1],
      unit: "tokens",
      symbol: "c",
      effect: "The penalty starts this many tokens before the limit.",
    },
    penalty: {
      kind: "number",
      label: "Penalty at the limit",
      default: 1,
      min: 0,
      max: 100,
      slider: [0, 2, 0.1],
      symbol: "\\lambda",
      effect: "What an answer at the limit loses.",
    },
  },
  explanation: {
    sentence: "Answers that come close to the limit lose some reward, so that running into it is unlearned before it happens.",
    latex:
      "r_{\\text{length}} = \\begin{cases}0 & |o| \\le L - c\\\\ \\lambda\\,\\frac{L - c - |o|}{c} & L - c < |o| \\le L\\\\ -\\lambda & L < |o|\\end{cases}",
    source: SOURCES.dapo,
  },
  latexOf({ kind, limit, buffer }) {
    const full = limit === 0 ? "L_{\\max}" : "L";
    if (kind === "hard" || buffer === 0) return `r_{\\text{length}} = -\\lambda\\,[\\,|o| > ${full}${buffer === 0 ? "" : " - c"}\\,]`;
    return `r_{\\text{length}} = \\begin{cases}0 & |o| \\le ${full} - c\\\\ \\lambda\\,\\frac{${full} - c - |o|}{c} & ${full} - c < |o| \\le ${full}\\\\ -\\lambda & ${full} < |o|\\end{cases}`;
  },
  terms: { overlong: { symbol: "r_{\\text{length}}", meaning: "the penalty for length" } },
  parts(batch, params) {
    const limit = (params.limit as number) || batch.maxLength;
    const buffer = params.buffer as number;
    const share = (length: number) => {
      const excess = length - (limit - buffer);
      if (excess <= 0) return 0;
      return params.kind === "hard" || buffer === 0 ? 1 : Math.min(1, excess / buffer);
    };
    return { parts: { overlong: lengthsOf(batch).map((length) => -(params.penalty as number) * share(length) || 0) } };
  },
};
