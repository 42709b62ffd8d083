import { type Numbers, type RolloutBatch, spreadRows } from "../batch.ts";
import { plainText, whitened } from "../latex.ts";
import { type Parameters, RecipeError } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, ratioOrZero, scorableRows, standardDeviation, standardisation, whitenTokens } from "../statistics.ts";
import { eps, singleton } from "./parameters.ts";

/**
 * GDPO: every part of the reward is standardised in its group by itself, then weighted and summed, then the sum is standardised over the
 * batch: over tokens as verl has it (`gdpo`), or over rollouts as TRL has it (`normalize_then_sum`).
 */
export const gdpo: AdvantagePlugin = {
  id: "gdpo",
  name: "GDPO",
  scope: "batch",
  parameters: {
    weights: {
      kind: "text",
      label: "Weights of the parts",
      default: "",
      maxLength: 500,
      check: (text) => void readWeights(text),
      effect:
        "Such as `correct=1, length=0.5`: how much each standardised part counts; 1 where nothing is said. A part's weight in the reward cancels here.",
    },
    statistics: {
      kind: "choice",
      label: "Whiten the sum over",
      default: "rollouts",
      options: [
        { value: "rollouts", label: "rollouts (TRL)" },
        { value: "tokens", label: "tokens (verl)" },
      ],
      effect: "Over tokens, long answers count more in the mean and the spread.",
    },
    eps: eps(1e-4, "Added to the spread of each part in its group: 1e-4 in TRL, 1e-6 in verl."),
    epsBatch: {
      ...eps(1e-4, "Added to the sum's standard deviation over rollouts (TRL: 1e-4), or to its variance over tokens (verl: 1e-8)."),
      symbol: "\\varepsilon_{\\text{batch}}",
    },
    singleton: singleton("zero"),
  },
  explanation: {
    sentence: "Each part of the reward is compared with its own group average first, so that none drowns in another.",
    latex:
      "A_i = \\mathrm{whiten}(S_i), \\quad S_i = \\sum_k w_k \\frac{r^{(k)}_i - \\mathrm{mean}(r^{(k)})}{\\mathrm{std}(r^{(k)}) + \\varepsilon}",
    source: SOURCES.gdpo,
  },
  latexOf,
  terms: { sums: { symbol: "S_i", meaning: "the weighted sum of the standardised parts, before whitening" } },
  estimate(batch, params) {
    const counts = scorableRows(batch);
    const weights = readWeights(params.weights as string);
    const names = Object.keys(batch.parts);
    for (const name of weights.keys()) {
      if (names.length > 0 && !names.includes(name))
        throw new RecipeError(`advantage.weights: there is no part ${JSON.stringify(name)}; there are ${names.join(", ")}`);
    }
    const parts: [string, Numbers][] = names.length > 0 ? Object.entries(batch.parts) : [["reward", batch.reward]];
    const sums = new Float64Array(batch.rows);
    for (const [name, part] of parts) {
      const weight = weights.get(name) ?? 1;
      standardisedInGroups(part, batch, counts, params).forEach((value, r) => {
        sums[r] += weight * value;
      });
    }
    if (params.statistics === "tokens") {
      const { whitened } = whitenTokens(spreadRows(sums, batch), batch, counts, 1, params.epsBatch as number);
      return { level: "token", advantage: whitened, terms: { sums } };
    }
    const counted = [...sums].filter((_, r) => counts[r]);
    const { mean: center, factor } = standardisation(counted, 1, params.epsBatch as number);
    return { level: "rollout", advantage: sums.map((x, r) => (counts[r] ? (x - center) * factor : 0)), terms: { sums } };
  },
};

/** With the weights that are given; the name of a part stands in them as it is, as far as it is a name. */
function latexOf({ weights, statistics, singleton: alone }: Parameters): string {
  const given = [...readWeights(weights as string)].map(([name, weight]) => `w_{\\text{${plainText(name)}}}=${weight}`);
  const others = given.length > 0 ? ["w_k=1\\text{ else}"] : [];
  const part = `\\frac{r^{(k)}_i-\\mathrm{mean}(r^{(k)})}{\\mathrm{std}(r^{(k)})+\\varepsilon}`;
  const lone = alone === "raw" ? [`\\mathrm{mean}=0\\text{ for a lone answer}`] : [];
  const sums = `S_i=\\sum_k ${given.length > 0 ? "w_k\\," : ""}${part}`;
  const whole = whitened("A_i", "S_i", "S", { over: statistics as "tokens" | "rollouts", eps: "\\varepsilon_{\\text{batch}}" });
  return [whole, sums, ...given, ...others, ...lone].join(",\\quad ");
}

/** `[rows]`: one part of the reward, standardised within each group. Where the part is not a number it adds nothing. */
function standardisedInGroups(part: Numbers, batch: RolloutBatch, counts: readonly boolean[], params: Parameters): Float64Array {
  const out = new Float64Array(batch.rows);
  for (const group of batch.groups) {
    const members = group.filter((r) => counts[r] && Number.isFinite(part[r]));
    const values = members.map((r) => part[r]);
    const alone = members.length === 1;
    const center = alone && params.singleton === "raw" ? 0 : mean(values);
    const spread = standardDeviation(values, 1);
    for (const r of members) out[r] = ratioOrZero(part[r] - center, spread + (params.eps as number));
  }
  return out;
}

/** Reads `name=number, …`. @throws RecipeError that names the item that is not of that form. */
function readWeights(text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of text.split(",")) {
    if (item.trim() === "") continue;
    const [name, value, ...rest] = item.split("=").map((s) => s.trim());
    if (!name || !value || rest.length > 0 || !Number.isFinite(Number(value))) {
      throw new RecipeError(`weights must read like "correct=1, length=0.5", got ${JSON.stringify(item.trim())}`);
    }
    weights.set(name, Number(value));
  }
  return weights;
}
