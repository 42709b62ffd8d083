import type { PluginState, RolloutBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, quantile, scorableGroups, variance } from "../statistics.ts";

/** A lower and an upper quantile of scores. */
type Quantiles = readonly [lower: number, upper: number];

/** Spreads of one question's rewards up to this count as 1. */
const FLAT_QUESTION = 1e-3;
const EPS = 1e-6;

const positive = (x: number) => Math.max(0, x);
const deviation = (values: readonly number[]) => Math.sqrt(variance(values, 1));

/** Consecutive questions, as lists of their rollouts; a paper takes one rollout of each. The last bundle may hold fewer questions. */
function bundlesOf(questions: readonly (readonly number[])[], size: number): number[][][] {
  const answered = questions.filter((members) => members.length > 0);
  return Array.from({ length: Math.ceil(answered.length / size) }, (_, b) => {
    const bundle = answered.slice(b * size, (b + 1) * size);
    const papers = Math.min(...bundle.map((members) => members.length));
    return bundle.map((members) => members.slice(0, papers));
  });
}

/** The mixed value-at-risk of a paper's score: the middle part, with the lower or the upper tail. */
function risk(x: number, [lower, upper]: Quantiles, params: Parameters): number {
  const [alpha, beta, omega] = [params.alpha as number, params.beta as number, params.omega as number];
  const baseline = params.naturalBaseline ? lower - upper : 0;
  const middle = (positive(x - lower) - positive(x - upper) + baseline) / (beta - alpha + EPS);
  if (params.tail === "none") return middle;
  const tail = params.tail === "lower" ? -positive(lower - x) / (alpha + EPS) : positive(x - upper) / (1 - beta + EPS);
  return (omega * tail + middle) / (omega + 1);
}

/** How much of a paper's advantage each of its answers gets: `[question][paper]`. */
function shares(
  bundle: readonly (readonly number[])[],
  reward: RolloutBatch["reward"],
  credit: string,
  advantage: readonly number[],
): number[][] {
  const rewards = bundle.map((members) => members.map((r) => reward[r]));
  if (credit === "score") return rewards.map((row) => row.map((x) => (x > 0 ? 0.5 : 1.5)));
  if (credit === "std") {
    return rewards.map((row) => {
      const spread = deviation(row);
      return row.map(() => 1 / ((spread <= FLAT_QUESTION ? 1 : spread) + EPS));
    });
  }
  if (credit === "uniform") return rewards.map((row) => row.map(() => 1));
  const centred = rewards.map((row) => row.map((x) => x - mean(row)));
  const sums = advantage.map((_, g) => centred.reduce((sum, row) => sum + row[g], 0));
  return centred.map((row) => row.map((d, g) => (Math.abs(sums[g]) > 1e-6 ? d / sums[g] : 1 / bundle.length)));
}

/** Where the tracked quantiles go after a step: towards the batch's levels, or to the batch's own quantiles if there were none. */
export function track(before: Quantiles | undefined, scores: readonly number[], params: Parameters): Quantiles {
  const levels = [params.alpha as number, params.beta as number] as const;
  if (!before) return [quantile(scores, levels[0]), quantile(scores, levels[1])];
  const moved = (q: number, level: number) =>
    q + (params.eta as number) * (level - scores.filter((x) => x < q).length / Math.max(1, scores.length));
  return [moved(before[0], levels[0]), moved(before[1], levels[1])];
}

/** How an answer's part of its paper's advantage is written, by `credit`. */
const CREDIT: Readonly<Record<string, string>> = {
  "sum-mean": "\\,\\frac{r_i-\\mathrm{mean}(r)}{x_g-\\mathrm{mean}(x)}\\ (A_g/B\\text{ where }x_g=\\mathrm{mean}(x))",
  uniform: "",
  score: "\\cdot(0.5\\text{ if }r_i>0\\text{, else }1.5)",
  std: "\\,/\\,\\mathrm{std}(r)",
};

/** The quantiles' rule, by `quantiles`. */
const TRACKED = "q_p\\leftarrow q_p+\\eta\\,(p-\\mathrm{mean}[x<q_p])";
const QUANTILES: Readonly<Record<string, string>> = {
  track: TRACKED,
  batch: "q_p\\text{ of the bundle}",
  mix: `q\\text{: mean of the bundle's and }${TRACKED}`,
};

function latexOf({ tail, naturalBaseline, credit, quantiles, divideByStd }: Parameters): string {
  const baseline = naturalBaseline === true ? "+q_\\alpha-q_\\beta" : "";
  const middle = `\\frac{(x_g-q_\\alpha)^+-(x_g-q_\\beta)^+${baseline}}{\\beta-\\alpha}`;
  const extra = {
    lower: "-\\omega\\frac{(q_\\alpha-x_g)^+}{\\alpha}",
    upper: "+\\omega\\frac{(x_g-q_\\beta)^+}{1-\\beta}",
  }[tail as string];
  const risk = extra ? `\\frac{1}{1+\\omega}\\Big(${middle}${extra}\\Big)` : middle;
  const paper = divideByStd === true ? `\\frac1d\\,${extra ? risk : `\\Big(${risk}\\Big)`}` : risk;
  const scale = divideByStd === true ? ",\\quad d=\\mathrm{std}(x)\\ (1\\text{ below }f)" : "";
  const score = "x_g=\\sum_b r_{b,g}\\text{ over }B\\text{ questions}";
  return `A_i=A_g${CREDIT[credit as string]},\\quad A_g=${paper}${scale},\\quad ${score},\\quad ${QUANTILES[quantiles as string]}`;
}

/** RiskPO's advantage: questions are bundled into papers, and papers judged by the middle and lower part of the score distribution. */
export const riskAdvantage: AdvantagePlugin = {
  id: "risk",
  name: "Risk of bundled questions",
  scope: "batch",
  parameters: {
    bundleSize: {
      kind: "integer",
      label: "Questions in a paper",
      default: 5,
      min: 1,
      max: 1024,
      slider: [1, 16, 1],
      symbol: "B",
      effect: "More questions in a paper make finer scores, so fewer papers are alike.",
    },
    alpha: {
      kind: "number",
      label: "Lower level α",
      default: 0.2,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.05],
      symbol: "\\alpha",
      effect: "The share of papers that counts as badly answered.",
    },
    beta: {
      kind: "number",
      label: "Upper level β",
      default: 0.8,
      min: 0,
      max: 1,
      slider: [0.5, 1, 0.05],
      symbol: "\\beta",
      effect: "Papers above this level get no further credit.",
    },
    omega: {
      kind: "number",
      label: "Weight of the tail ω",
      default: 1.5,
      min: 0,
      max: 100,
      slider: [0, 5, 0.1],
      symbol: "\\omega",
      effect: "How much the tail counts beside the middle part.",
    },
    tail: {
      kind: "choice",
      label: "Tail",
      default: "lower",
      options: [
        { value: "lower", label: "lower (averse to risk)" },
        { value: "upper", label: "upper (seeking risk)" },
        { value: "none", label: "none" },
      ],
      effect: "Which papers get extra weight: the worst, the best, or none.",
    },
    naturalBaseline: {
      kind: "boolean",
      label: "Natural baseline",
      default: false,
      effect: "Moves the middle part down, so that only papers above the upper quantile are left alone.",
    },
    credit: {
      kind: "choice",
      label: "Credit within a paper",
      default: "sum-mean",
      options: [
        { value: "sum-mean", label: "by the answer's part in the score" },
        { value: "uniform", label: "equal" },
        { value: "score", label: "less for right, more for wrong answers" },
        { value: "std", label: "by the question's spread" },
      ],
      effect: "How a paper's advantage is handed to its answers.",
    },
    quantiles: {
      kind: "choice",
      label: "Quantiles",
      default: "track",
      options: [
        { value: "track", label: "tracked over steps" },
        { value: "batch", label: "each bundle's own" },
        { value: "mix", label: "mean of both" },
      ],
      effect: "What a paper's score is compared with.",
    },
    eta: {
      kind: "number",
      label: "Tracking rate η",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.01],
      symbol: "\\eta",
      effect: "How fast the tracked quantiles follow.",
    },
    divideByStd: {
      kind: "boolean",
      label: "Divide by the spread",
      default: true,
      effect: "Measures in standard deviations of the bundle's scores.",
    },
    flat: {
      kind: "number",
      label: "Smallest spread",
      default: 1e-3,
      min: 0,
      max: 1,
      slider: [0, 0.1, 0.001],
      symbol: "f",
      effect: "A bundle whose scores spread less is not divided: without this, a bundle of equal scores would explode.",
    },
  },
  explanation: {
    sentence:
      "Answers to several questions are scored together like exam papers; lifting the badly answered papers counts most, and excellent ones stop mattering.",
    latex:
      "A_i=A_g\\,\\frac{r_i-\\mathrm{mean}(r)}{x_g-\\mathrm{mean}(x)},\\quad A_g=\\frac{1}{(1+\\omega)\\,\\mathrm{std}(x)}\\Big(\\frac{(x_g-q_\\alpha)^+-(x_g-q_\\beta)^+}{\\beta-\\alpha}-\\omega\\frac{(q_\\alpha-x_g)^+}{\\alpha}\\Big),\\quad x_g=\\sum_b r_{b,g}",
    source: SOURCES.riskpo,
  },
  latexOf,
  terms: {
    paperScore: { symbol: "x_g", meaning: "score of the paper that the answer belongs to: the sum of its rewards" },
    lower: { symbol: "q_\\alpha", meaning: "lower quantile of paper scores" },
    upper: { symbol: "q_\\beta", meaning: "upper quantile of paper scores" },
    scales: { symbol: "\\mathrm{std}(x)", meaning: "standard deviation of the bundle's paper scores" },
    paperAdvantage: { symbol: "A_g", meaning: "advantage of the paper, before it is handed to its answers" },
  },
  /** Rollouts that have no partner in every question of their bundle (unscorable ones left gaps) belong to no paper and get 0. */
  estimate(batch, params, state) {
    const { rows, reward } = batch;
    const term = () => new Float64Array(rows);
    const [advantage, paperScore, lower, upper, scales, paperAdvantage] = [term(), term(), term(), term(), term(), term()];
    const tracked = state?.quantiles as Quantiles | undefined;
    const all: number[] = [];
    for (const bundle of bundlesOf(scorableGroups(batch), params.bundleSize as number)) {
      const scores = bundle[0].map((_, g) => bundle.reduce((sum, members) => sum + reward[members[g]], 0));
      all.push(...scores);
      const own: Quantiles = [quantile(scores, params.alpha as number), quantile(scores, params.beta as number)];
      const used: Quantiles =
        !tracked || params.quantiles === "batch"
          ? own
          : params.quantiles === "mix"
            ? [(own[0] + tracked[0]) / 2, (own[1] + tracked[1]) / 2]
            : tracked;
      const spread = deviation(scores);
      const scale = params.divideByStd ? (spread < (params.flat as number) ? 1 : spread + EPS) : 1;
      const papers = scores.map((x) => risk(x, used, params) / scale);
      const share = shares(bundle, reward, params.credit as string, papers);
      bundle.forEach((members, b) => {
        members.forEach((r, g) => {
          advantage[r] = papers[g] * share[b][g];
          paperScore[r] = scores[g];
          [lower[r], upper[r]] = used;
          scales[r] = spread;
          paperAdvantage[r] = papers[g];
        });
      });
    }
    const next: PluginState | undefined = all.length > 0 ? { quantiles: track(tracked, all, params) } : state;
    return { level: "rollout", advantage, terms: { paperScore, lower, upper, scales, paperAdvantage }, ...(next ? { state: next } : {}) };
  },
};
