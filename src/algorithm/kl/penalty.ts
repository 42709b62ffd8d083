import type { Numbers, UpdateBatch } from "../batch.ts";
import { countedTokens, importance, type Level, levelParameter, ratioLatex, weighted } from "../objectives/ratio.ts";
import type { Need, Parameter, Parameters } from "../plugin.ts";
import type { KlPlugin, LossResult } from "../slots.ts";

/** What all penalties for leaving the reference share: the coefficient and its controller, the place, and where the gradient comes from. */

const shared: Readonly<Record<string, Parameter>> = {
  coefficient: {
    kind: "number",
    label: "KL coefficient β",
    default: 0,
    min: 0,
    max: 10,
    slider: [0, 0.5, 0.005],
    symbol: "\\beta",
    effect: "Pulls the policy back towards the base policy. 0 lets it go where reward leads.",
  },
  place: {
    kind: "choice",
    label: "Place of the KL",
    default: "loss",
    options: [
      { value: "loss", label: "in the loss" },
      { value: "reward", label: "in the reward" },
    ],
    effect: "In the loss it has a gradient of its own; in the reward it lowers the advantages of answers that the base finds improbable.",
  },
  controller: {
    kind: "choice",
    label: "Controller",
    default: "fixed",
    options: [
      { value: "fixed", label: "fixed" },
      { value: "adaptive", label: "adaptive" },
    ],
    effect: "Adaptive raises the coefficient while the measured KL is above its target and lowers it below.",
  },
  target: {
    kind: "number",
    label: "KL target",
    default: 0.1,
    min: 1e-6,
    max: 100,
    slider: [0.001, 0.5, 0.001],
    unit: "nats",
    symbol: "\\mathrm{KL}^{*}",
    effect: "The KL per token that the adaptive controller steers to.",
  },
  horizon: {
    kind: "number",
    label: "KL horizon",
    default: 10000,
    min: 1,
    max: 1e9,
    slider: [100, 20000, 100],
    unit: "rollouts",
    symbol: "H",
    effect: "How many rollouts the adaptive controller takes for its correction; a longer one is calmer.",
  },
};

const sampled: Readonly<Record<string, Parameter>> = {
  gradient: {
    kind: "choice",
    label: "Gradient of the KL",
    default: "own",
    options: [
      { value: "own", label: "of the estimate itself" },
      { value: "k2", label: "of k2 (straight through)" },
      { value: "score", label: "with the score function" },
    ],
    effect:
      "The value stays that of the estimate; its gradient is its own, k2's (which is right on average), or its own plus the score-function term.",
  },
  biasCorrection: {
    kind: "boolean",
    label: "Times the ratio",
    default: false,
    effect: "Multiplies the KL with the importance ratio, so that it stays unbiased when the policy has moved since the batch was drawn.",
  },
  ratioLevel: { ...levelParameter, label: "Ratio in the KL of", effect: "Which ratio the KL is multiplied with." },
};

/** Adaptive coefficient and its control, as in verl's `AdaptiveKLController`. */
const control: Pick<KlPlugin, "coefficient" | "control"> = {
  coefficient: (params, state) => {
    const kept = state?.coefficient;
    return params.controller === "adaptive" && typeof kept === "number" ? kept : (params.coefficient as number);
  },
  control({ kl, rollouts }, params, state) {
    if (params.controller !== "adaptive") return undefined;
    const now = control.coefficient(params, state);
    if (!Number.isFinite(kl)) return { coefficient: now };
    const error = Math.min(0.2, Math.max(-0.2, kl / (params.target as number) - 1));
    return { coefficient: now * (1 + (error * rollouts) / (params.horizon as number)) };
  },
};

/** An estimate of the KL at one token from the two log-probs there: its value and its derivative with respect to log π. */
export interface Estimator {
  value(logProb: number, refLogProb: number): number;
  derivative(logProb: number, refLogProb: number): number;
}

export interface SampledForm {
  readonly id: string;
  readonly name: string;
  readonly sentence: string;
  readonly latex: string;
  readonly symbol: string;
  readonly meaning: string;
  readonly source: { readonly title: string; readonly url: string };
  readonly estimator: Estimator;
}

/** Where the penalty enters, with which factors and gradient, before what is penalised (LaTeX). The adaptive coefficient has its own symbol. */
function placed(symbol: string, latex: string, { place, controller, gradient, biasCorrection, ratioLevel }: Parameters): string {
  const what = latex.startsWith(`${symbol} `) || latex.startsWith(`${symbol}(`) ? latex : `${symbol} = ${latex}`;
  const adaptive = controller === "adaptive";
  const beta = adaptive ? "\\beta_s" : "\\beta";
  const steered = `,\\quad \\beta_1 = \\beta,\\ \\beta_{s+1} = \\beta_s\\big(1 + \\tfrac{N}{H}\\,\\mathrm{clip}(\\overline{${symbol}}/\\mathrm{KL}^{*} - 1, \\pm 0.2)\\big)`;
  const control = adaptive ? steered : "";
  if (place === "reward") return `r_t \\leftarrow r_t - ${beta}\\,${symbol},\\quad ${what}${control}`;
  const { symbol: ratio, where } = biasCorrection === true ? ratioLatex(ratioLevel) : { symbol: "", where: "" };
  const slope = {
    k2: `,\\quad \\nabla ${symbol} := \\nabla k_2`,
    score: `,\\quad \\nabla ${symbol} := \\nabla ${symbol} + ${symbol}\\,\\nabla\\log\\pi`,
  };
  const through = slope[gradient as keyof typeof slope] ?? "";
  return `\\ell_t \\leftarrow \\ell_t + ${beta}\\,${ratio && `${ratio}\\,`}${symbol},\\quad ${what}${where}${through}${control}`;
}

/** A penalty that looks only at the sampled tokens' log-probs. */
export function sampledPenalty({ id, name, sentence, latex, symbol, meaning, source, estimator }: SampledForm): KlPlugin {
  return {
    id,
    name,
    scope: "token",
    needs: ["reference"],
    parameters: { ...shared, ...sampled },
    explanation: { sentence, latex, source },
    latexOf: (params) => placed(symbol, latex, params),
    terms: { kl: { symbol, meaning } },
    ...control,
    estimate: ({ logProb }, refLogProb) => Float64Array.from(logProb, (x, t) => estimator.value(x, refLogProb[t])),
    lossAndCoefficients(batch, params, state) {
      const reference = referenceOf(batch);
      const beta = control.coefficient(params, state);
      const kl = new Float64Array(batch.logProb.length);
      const derivative = new Float64Array(batch.logProb.length);
      for (let t = 0; t < kl.length; t++) {
        const [now, ref] = [batch.logProb[t], reference[t]];
        kl[t] = estimator.value(now, ref);
        if (params.gradient === "k2") derivative[t] = now - ref;
        else derivative[t] = estimator.derivative(now, ref) + (params.gradient === "score" ? kl[t] : 0);
      }
      if (params.biasCorrection !== true) {
        const { value, loss, slope } = weighted(batch, (t) => [beta * kl[t], beta * derivative[t]]);
        return { value, loss, coefficient: slope, terms: { kl }, metrics: { kl: meanCounted(batch, kl) } };
      }
      const { ratio, toLogProbs } = importance(batch, (params.ratioLevel as Level | undefined) ?? "token");
      const { value, loss, slope } = weighted(batch, (t) => [beta * kl[t] * ratio[t], beta * derivative[t] * ratio[t]]);
      const throughRatio = toLogProbs(Float64Array.from(loss, (x, t) => batch.weight[t] * x));
      const corrected = kl.map((x, t) => x * ratio[t]);
      const coefficient = slope.map((x, t) => x + throughRatio[t]);
      return { value, loss, coefficient, terms: { kl: corrected }, metrics: { kl: meanCounted(batch, corrected) } };
    },
  };
}

/** A penalty in closed form over the vocabulary. */
export interface ExactForm extends Omit<SampledForm, "estimator"> {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly needs: readonly Need[];
  /** The divergence that the parameters choose (LaTeX). */
  readonly formulaOf: (params: Parameters) => string;
  /** The KL of one token's distributions (log-probs over the vocabulary), and ∂KL/∂(logit/temperature) written to `gradient`. */
  readonly divergence: (now: Float64Array, ref: Float64Array, params: Parameters, gradient: Float64Array) => number;
}

export function exactPenalty(form: ExactForm): KlPlugin {
  const { id, name, sentence, latex, symbol, meaning, source, parameters, needs, formulaOf, divergence } = form;
  /** Visits every token's divergence. */
  const visit = (
    batch: Pick<UpdateBatch, "logits" | "refLogits" | "vocabSize" | "temperature" | "logProb">,
    params: Parameters,
    each: (t: number, kl: number, gradient: Float64Array) => void,
  ) => {
    const { logits, refLogits, vocabSize, temperature } = batch;
    if (!logits || !refLogits || !vocabSize) throw new RangeError("the exact KL needs the logits of the policy and of the reference");
    const gradient = new Float64Array(vocabSize);
    for (let t = 0; t < batch.logProb.length; t++) {
      const now = logSoftmax(logits, t * vocabSize, vocabSize, temperature);
      const ref = logSoftmax(refLogits, t * vocabSize, vocabSize, temperature);
      each(t, divergence(now, ref, params, gradient), gradient);
    }
  };
  return {
    id,
    name,
    scope: "token",
    needs,
    parameters: { ...shared, ...parameters },
    explanation: { sentence, latex, source },
    latexOf: (params) => placed(symbol, formulaOf(params), params),
    terms: { kl: { symbol, meaning } },
    ...control,
    estimate(batch, _, params) {
      const kl = new Float64Array(batch.logProb.length);
      visit(batch, params, (t, value) => {
        kl[t] = value;
      });
      return kl;
    },
    lossAndCoefficients(batch, params, state): LossResult {
      const beta = control.coefficient(params, state);
      const n = batch.logProb.length;
      const vocabSize = batch.vocabSize ?? 0;
      const kl = new Float64Array(n);
      const logitCoefficient = new Float64Array(n * vocabSize);
      visit(batch, params, (t, value, gradient) => {
        kl[t] = value;
        if (batch.weight[t] === 0) return;
        const factor = (batch.weight[t] * beta) / batch.temperature;
        for (let v = 0; v < vocabSize; v++) logitCoefficient[t * vocabSize + v] = factor * gradient[v];
      });
      const { value, loss } = weighted(batch, (t) => [beta * kl[t], 0]);
      return { value, loss, coefficient: new Float64Array(n), logitCoefficient, terms: { kl }, metrics: { kl: meanCounted(batch, kl) } };
    },
  };
}

function referenceOf({ scores }: UpdateBatch): Numbers {
  if (!scores.refLogProb) throw new RangeError("the KL penalty needs the reference's log-probs");
  return scores.refLogProb;
}

/** The mean over tokens that count; 0 for none. */
function meanCounted(batch: UpdateBatch, values: Numbers): number {
  const counted = countedTokens(batch);
  let [sum, count] = [0, 0];
  for (let t = 0; t < counted.length; t++) if (counted[t]) [sum, count] = [sum + values[t], count + 1];
  return count === 0 ? 0 : sum / count;
}

function logSoftmax(logits: Numbers, from: number, size: number, temperature: number): Float64Array {
  const scaled = Float64Array.from({ length: size }, (_, v) => logits[from + v] / temperature);
  const top = scaled.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = Math.log(scaled.reduce((sum, z) => sum + Math.exp(z - top), 0));
  return scaled.map((z) => z - top - total);
}
