// @vitest-environment node
import { describe, expect, it } from "vitest";
import { conditional } from "../../algorithm/advantages/canon.ts";
import { gdpo } from "../../algorithm/advantages/gdpo.ts";
import { virtualBest } from "../../algorithm/advantages/ngrpo.ts";
import { riskAdvantage } from "../../algorithm/advantages/riskpo.ts";
import { batchOf, perToken, run } from "../../algorithm/advantages/testing.ts";
import { decoupledReward } from "../../algorithm/objectives/drpo.ts";
import { anyRandom, randomBatch } from "../../algorithm/objectives/testing.ts";
import { type Parameters, withDefaults } from "../../algorithm/plugin.ts";
import { mean, variance } from "../../algorithm/statistics.ts";
import { formulaOf, termsOf } from "../../recipes/recipe.ts";
import type { Slot } from "../../recipes/slots.ts";

/**
 * Formulas that parameters shape are calculated by hand from what stands in them: which pieces the text has decides what is calculated,
 * and only numbers that it shows go in. That is what was computed.
 */

const positive = (x: number) => Math.max(0, x);
const std = (values: readonly number[]) => Math.sqrt(variance(values, 1));
const formula = (slot: Slot, plugin: string, params: Parameters) => formulaOf(slot, { plugin, params });

/** Every combination of the given values. */
function grid(of: Readonly<Record<string, readonly (number | boolean | string)[]>>): Parameters[] {
  return Object.entries(of).reduce<Parameters[]>(
    (all, [name, values]) => all.flatMap((params) => values.map((value) => ({ ...params, [name]: value }))),
    [{}],
  );
}

const REWARDS = [
  [1, 0, 1, 0.5],
  [0, 0, 1, 0],
  [1, 0.25, 0, 1],
];

describe("the formula of", () => {
  it("the imaginary best answer", () => {
    for (const params of grid({ best: [1, 2], count: [0, 1, 3] })) {
      const latex = formula("advantage", "virtual-best", withDefaults(virtualBest, params));
      const { advantage } = run(virtualBest, batchOf(REWARDS), params);
      REWARDS.flat().forEach((r, i) => {
        const imagined = latex.includes("\\cup n\\times\\{r_{\\max}\\}")
          ? new Array<number>(params.count as number).fill(params.best as number)
          : [];
        const E = [...REWARDS[Math.floor(i / 4)], ...imagined];
        expect(advantage[i]).toBeCloseTo((r - mean(E)) / (std(E) + 1e-6), 9);
      });
    }
  });

  it("half against half", () => {
    const shapes = {
      metric: ["entropy", "length", "order"],
      mu: [1, 0.4],
      alpha: [1, 0.9],
      schedule: ["fixed", "accuracy", "cosine", "cosine-reversed"],
    };
    for (const step of [1, 45])
      for (const params of grid(shapes)) {
        const all = withDefaults(conditional, params);
        const latex = formula("advantage", "conditional", all);
        const lengths = [1, 4, 2, 3, 5, 1, 2, 2, 3, 1, 4, 2];
        const batch = batchOf(REWARDS, { lengths, step });
        const { advantage, terms } = run(conditional, batch, params);
        const [W, P] = [all.warmup as number, all.period as number];
        const wave = (sign: number) => 0.3 * (1 + sign * Math.cos(Math.PI * (((step - 1 - W) % P) / P)));
        const share = !latex.includes("\\mu_s")
          ? all.mu
          : latex.includes("\\mathrm{mean}_{\\text{batch}}(r)")
            ? mean(REWARDS.flat())
            : latex.includes("0.6\\,(s/W)")
              ? 1 - (step <= W ? 0.6 * (step / W) : wave(1))
              : 1 - (step <= W ? 1 - step / W : wave(-1));
        expect(latex).toContain(
          params.metric === "order" ? "halves by order" : `\\text{${params.metric === "length" ? "length" : "mean entropy"}}`,
        );
        REWARDS.flat().forEach((r, i) => {
          const [own, other, metric] = [terms.own[i], terms.other[i], terms.metric[i]];
          const members = Array.from({ length: 4 }, (_, m) => 4 * Math.floor(i / 4) + m);
          const place = [...members].sort((a, b) => terms.metric[a] - terms.metric[b]).indexOf(i);
          expect(metric).toBeCloseTo(params.metric === "length" ? lengths[i] : params.metric === "order" ? 0 : metric);
          const favoured = latex.includes("short half") ? place < 2 : place >= 2;
          const a = all.alpha as number;
          const c = latex.includes("c_i=") ? (favoured ? r - a * other : a * r - other) : r - other;
          expect(advantage[i]).toBeCloseTo((share as number) * c + (1 - (share as number)) * (r - own), 9);
        });
      }
  });

  it("the risk of bundled questions", () => {
    const shapes = {
      tail: ["lower", "upper", "none"],
      naturalBaseline: [false, true],
      credit: ["sum-mean", "uniform", "score", "std"],
      quantiles: ["track", "batch", "mix"],
      divideByStd: [true, false],
      flat: [0.001, 0.8],
    };
    for (const params of grid(shapes)) {
      const all = withDefaults(riskAdvantage, { bundleSize: 3, ...params });
      const latex = formula("advantage", "risk", all);
      const { advantage, terms } = run(riskAdvantage, batchOf(REWARDS), { bundleSize: 3, ...params }, { quantiles: [0.9, 2.1] });
      const papers = [0, 1, 2, 3].map((g) => terms.paperScore[g]);
      REWARDS.flat().forEach((r, i) => {
        const [x, low, high] = [terms.paperScore[i], terms.lower[i], terms.upper[i]];
        const [alpha, beta, omega] = [all.alpha, all.beta, all.omega] as number[];
        const baseline = latex.includes("+q_\\alpha-q_\\beta") ? low - high : 0;
        const middle = (positive(x - low) - positive(x - high) + baseline) / (beta - alpha);
        const tail = latex.includes("-\\omega")
          ? -omega * (positive(low - x) / alpha)
          : latex.includes("+\\omega\\frac")
            ? omega * (positive(x - high) / (1 - beta))
            : 0;
        const risk = latex.includes("\\frac{1}{1+\\omega}") ? (middle + tail) / (1 + omega) : middle;
        const d = latex.includes("\\frac1d") && terms.scales[i] >= (all.flat as number) ? terms.scales[i] : 1;
        expect(terms.paperAdvantage[i]).toBeCloseTo(risk / d, 4);
        const question = REWARDS[Math.floor(i / 4)];
        const credit = latex.includes("\\frac{r_i-\\mathrm{mean}(r)}")
          ? Math.abs(x - mean(papers)) < 1e-9
            ? 1 / 3
            : (r - mean(question)) / (x - mean(papers))
          : latex.includes("\\cdot(0.5")
            ? r > 0
              ? 0.5
              : 1.5
            : latex.includes("/\\,\\mathrm{std}(r)")
              ? 1 / std(question)
              : 1;
        // The 1e-6 in its denominators is not written.
        expect(advantage[i]).toBeCloseTo((risk / d) * credit, 3);
      });
    }
  });

  it("GDPO", () => {
    const lengths = [1, 4, 2, 3, 5, 1, 2, 2, 3, 1, 4, 2];
    const correct = REWARDS.flat();
    const brief = correct.map((_, i) => -(lengths[i] ** 2) / 10);
    for (const params of grid({
      weights: ["", "correct=2, length=0.5"],
      statistics: ["rollouts", "tokens"],
      eps: [1e-4, 0.1],
      epsBatch: [1e-4, 0.2],
    })) {
      const all = withDefaults(gdpo, params);
      const latex = formula("advantage", "gdpo", all);
      const weightOf = (name: string) => Number(/=([\d.]+)/.exec(latex.split(`w_{\\text{${name}}}`)[1] ?? "=1")![1]);
      const batch = batchOf(REWARDS, { lengths, parts: { correct, length: brief } });
      const tokens = perToken(gdpo, batch, params);
      const { terms } = run(gdpo, batch, params);
      const sums = correct.map((_, i) =>
        Object.entries({ correct, length: brief }).reduce((sum, [name, part]) => {
          const own = part.slice(4 * Math.floor(i / 4), 4 * Math.floor(i / 4) + 4);
          return sum + (weightOf(name) * (part[i] - mean(own))) / (std(own) + (all.eps as number));
        }, 0),
      );
      const over = latex.includes("\\sqrt{\\mathrm{var}(S)") ? sums.flatMap((s, i) => new Array<number>(lengths[i]).fill(s)) : sums;
      const spread = latex.includes("\\sqrt{")
        ? Math.sqrt(variance(over, 1) + (all.epsBatch as number))
        : std(over) + (all.epsBatch as number);
      sums.forEach((s, i) => {
        expect(terms.sums[i]).toBeCloseTo(s, 9);
        expect(tokens[Number(batch.offsets[i])]).toBeCloseTo((s - mean(over)) / spread, 9);
      });
    }
    expect(formula("advantage", "gdpo", withDefaults(gdpo, { weights: "a\\b}{_c=2" }))).toContain("w_{\\text{ab\\_c}}=2");
  });

  it("the decoupled reward", () => {
    const batch = { ...randomBatch(3, { lengths: [4, 1, 6, 3, 2, 5, 3, 2], moved: 0.8 }), reward: [1, 0, 1, 0, 0, 1, 0, 1] };
    const lengths = Array.from({ length: 8 }, (_, r) => Number(batch.offsets[r + 1]) - Number(batch.offsets[r]));
    const softmaxed = (values: readonly number[]) => {
      const sum = values.reduce((a, x) => a + Math.exp(x), 0);
      return values.map((x) => Math.exp(x) / sum);
    };
    for (const params of grid({
      lambda: [0.1, 1],
      tau: [10, 0.5],
      delta: [0, 0.01],
      penalty: [0, 1000],
      divergence: ["kl", "low_var_kl"],
    })) {
      const all = withDefaults(decoupledReward, params);
      const latex = formula("objective", "decoupled-reward", all);
      const { value, terms } = decoupledReward.lossAndCoefficients(batch, all, undefined, anyRandom());
      const [lambda, tau, delta, beta] = [all.lambda, all.tau, all.delta, all.penalty] as number[];
      let J = 0;
      for (const members of batch.groups) {
        const [right, wrong] = [1, 0].map((label) => members.filter((r) => batch.reward[r] === label));
        const omega = softmaxed(right.map((r) => (1 - lengths[r] / batch.maxLength) / lambda)).map((x) => x * right.length);
        for (const [i, r] of right.entries()) expect(terms.positiveWeight[r]).toBeCloseTo(omega[i], 9);
        J += mean(right.map((r) => terms.positiveWeight[r] * terms.score[r]));
        J -= tau * Math.log(mean(wrong.map((r) => Math.exp(terms.score[r] / tau))));
      }
      const log = Array.from(batch.logProb, (x, t) => x - batch.oldLogProb[t]);
      const k = latex.includes("\\rho_t-1-\\log\\rho_t") ? mean(log.map((x) => Math.exp(x) - 1 - x)) : -mean(log);
      const guard = latex.includes("+\\mathrm{sg}") ? positive(beta * (k - delta)) * k : 0;
      expect(value).toBeCloseTo(-J / batch.groups.length + guard, 6);
    }
    expect(Object.values(termsOf("objective", { plugin: "decoupled-reward", params: {} })).map(({ symbol }) => symbol)).toContain(
      "\\omega_i",
    );
  });
});
