import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableGroups, variance } from "../statistics.ts";

/** What is remembered of a prompt: how often it was visited, and mean and standard deviation of its rewards over those visits. */
export interface PromptMemory {
  readonly visits: number;
  readonly mean: number;
  readonly std: number;
}

/** Spreads below this are rounding. */
const FLAT = 1e-6;

/** A prompt's memory after one more visit with the given mean and standard deviation. */
export function remember(before: PromptMemory | undefined, now: { readonly mean: number; readonly std: number }): PromptMemory {
  if (!before) return { visits: 1, ...now };
  const visits = before.visits + 1;
  const past = visits - 1;
  const variance = (past * before.std ** 2 + now.std ** 2 + (past / visits) * (now.mean - before.mean) ** 2) / visits;
  return { visits, mean: (past * before.mean + now.mean) / visits, std: Math.sqrt(variance) };
}

/** DCPO's advantage: standardisation within the step blended with standardisation over all visits of the same prompt. */
export const smoothStandardisation: AdvantagePlugin = {
  id: "prompt-memory",
  name: "Prompt memory",
  scope: "run",
  parameters: {
    divideByStd: {
      kind: "boolean",
      label: "Divide by the spread",
      default: true,
      effect: "Measures rewards in standard deviations; without it they are only centred.",
    },
  },
  explanation: {
    sentence:
      "Rewards are compared with this step's group and with all earlier visits of the same prompt, so a group whose answers all agree still learns if the prompt was once mixed.",
    latex:
      "A=\\operatorname*{arg\\,min}_{a\\in\\{S_{\\text{new}},S_{\\text{tot}}\\}}|a|,\\quad S_{\\text{new}}=\\tfrac{i-1}{i}\\tfrac{r-m_i}{s_i}+\\tfrac1i\\tfrac{r-M_i}{S_i},\\quad S_{\\text{tot}}=\\tfrac1i\\tfrac{r-m_i}{s_i}+\\tfrac{i-1}{i}\\tfrac{r-M_i}{S_i}",
    source: SOURCES.dcpo,
  },
  latexOf({ divideByStd }) {
    const [fresh, total] = divideByStd === true ? ["\\tfrac{r-m_i}{s_i}", "\\tfrac{r-M_i}{S_i}"] : ["(r-m_i)", "(r-M_i)"];
    const least = "A=\\operatorname*{arg\\,min}_{a\\in\\{S_{\\text{new}},S_{\\text{tot}}\\}}|a|";
    return `${least},\\quad S_{\\text{new}}=\\tfrac{i-1}{i}${fresh}+\\tfrac1i${total},\\quad S_{\\text{tot}}=\\tfrac1i${fresh}+\\tfrac{i-1}{i}${total}`;
  },
  terms: {
    visits: { symbol: "i", meaning: "visits of this prompt, this one included" },
    stepMean: { symbol: "m_i", meaning: "mean reward of this step's group" },
    stepStd: { symbol: "s_i", meaning: "standard deviation of this step's group" },
    memoryMean: { symbol: "M_i", meaning: "mean reward over all visits of this prompt" },
    memoryStd: { symbol: "S_i", meaning: "standard deviation over all visits of this prompt" },
  },
  estimate(batch, params, state) {
    const { rows, reward, problems } = batch;
    const memory: Record<string, PromptMemory> = { ...(state?.memory as Record<string, PromptMemory> | undefined) };
    const term = () => new Float64Array(rows);
    const [advantage, visits, stepMean, stepStd, memoryMean, memoryStd] = [term(), term(), term(), term(), term(), term()];
    scorableGroups(batch).forEach((members, g) => {
      if (members.length === 0) return;
      const key = problems?.[g]?.key ?? String(g);
      const rewards = members.map((r) => reward[r]);
      const now = { mean: mean(rewards), std: Math.sqrt(variance(rewards, 1)) };
      const all = remember(Object.hasOwn(memory, key) ? memory[key] : undefined, now);
      memory[key] = all;
      const i = all.visits;
      for (const r of members) {
        const score = (m: number, s: number) => (s < FLAT ? 0 : (reward[r] - m) / s);
        const fresh = params.divideByStd ? score(now.mean, now.std) : reward[r] - now.mean;
        const total = params.divideByStd ? score(all.mean, all.std) : reward[r] - all.mean;
        const smoothNew = ((i - 1) / i) * fresh + total / i;
        const smoothTotal = fresh / i + ((i - 1) / i) * total;
        advantage[r] = Math.abs(smoothNew) < Math.abs(smoothTotal) ? smoothNew : smoothTotal;
        visits[r] = i;
        stepMean[r] = now.mean;
        stepStd[r] = now.std;
        memoryMean[r] = all.mean;
        memoryStd[r] = all.std;
      }
    });
    return { level: "rollout", advantage, terms: { visits, stepMean, stepStd, memoryMean, memoryStd }, state: { memory } };
  },
};
