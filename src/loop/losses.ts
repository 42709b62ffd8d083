import type { Numbers, UpdateBatch } from "../algorithm/batch.ts";
import { bounded } from "../algorithm/objectives/ratio.ts";
import type { LossResult } from "../algorithm/slots.ts";
import type { EngineBuffer, ForwardHandle } from "../policy/engine.ts";
import { needsOf } from "../recipes/recipe.ts";
import { inList, inSlot, keepState, randomFor, type StepContext } from "./context.ts";
import { type Material, select, selected } from "./mini-batch.ts";
import type { UpdateRecord } from "./record.ts";
import { askScores, lossKernel, pick, type withVerdictToken } from "./score.ts";

/** What an update's loss is and where it enters the network: by the plug-ins' functions, or by their kernels where these know the parameters. */

export interface Plan {
  readonly epoch: number;
  readonly miniBatch: number;
  readonly miniBatches: number;
  readonly rows: readonly number[];
  /** The only update on fresh rollouts. */
  readonly onPolicy: boolean;
  readonly temperature: number;
}

type LossRecord = Pick<
  UpdateRecord,
  "logProb" | "ratio" | "clipped" | "weight" | "coefficient" | "tokenLoss" | "loss" | "lossParts" | "terms" | "metrics"
>;

export interface Losses {
  /** Whether every coefficient is a finite number; unknown on the device, where the gradient's norm tells. */
  readonly finite: boolean;
  readonly coefficients: {
    logProb: Float32Array | EngineBuffer;
    entropy?: Float32Array;
    logits?: Float32Array;
  };
  record(): Promise<LossRecord>;
}

/** The masks and aggregation weights of a mini-batch. */
function weightsOf(
  context: StepContext,
  material: Material,
  plan: Plan,
  source: "policy" | "expert" | "all",
  counted?: Numbers,
): Float64Array {
  const { batch } = material;
  const { plugin, params } = inSlot(context.recipe, "aggregation");
  const isExpert = (r: number) => r >= batch.rows;
  const kept = plan.rows.map(
    (r) =>
      (source === "all" || isExpert(r) === (source === "expert")) &&
      (isExpert(r) || batch.finished?.[r] !== false || !(params.maskTruncated as boolean)),
  );
  const full = plan.rows.map((r) => material.rows[r].completion.length);
  let at = 0;
  const lengths = full.map((length) => {
    const from = at;
    at += length;
    return counted ? Array.from({ length }, (_, i) => counted[from + i]).filter((c) => c !== 0).length : length;
  });
  const everyRow = material.rows.map((_, r) => r).filter((r) => source === "all" || isExpert(r) === (source === "expert"));
  const batchTokens = everyRow.reduce((sum, r) => {
    const masked = !isExpert(r) && batch.finished?.[r] === false && (params.maskTruncated as boolean);
    return sum + (masked ? 0 : material.rows[r].completion.length);
  }, 0);
  const weights = plugin.weights({ lengths, kept, maxLength: batch.maxLength, batchTokens, miniBatches: plan.miniBatches }, params);
  const packed = new Float64Array(at);
  at = 0;
  full.forEach((length, r) => {
    packed.fill(weights[r], at, at + length);
    at += length;
  });
  return packed;
}

/** The loss by the plug-ins' TypeScript functions, in float64. */
export async function lossesOnHost(
  context: StepContext,
  material: Material,
  plan: Plan,
  handle: ForwardHandle,
  layout: ReturnType<typeof withVerdictToken> | undefined,
): Promise<Losses> {
  const { recipe, states, reference, policy } = context;
  const vocabSize = policy.config.vocabSize;
  const call = plan.epoch * plan.miniBatches + plan.miniBatch;
  const [packed, packedEntropy, packedLogits] = await Promise.all([handle.logProb.read(), handle.entropy?.read(), handle.logits?.read()]);
  const own = (values: Float32Array, width = 1) => (layout ? pick(values, layout.own, width) : values);
  const logProb = own(packed);
  const needs = needsOf(recipe);
  const rows = plan.rows.map((r) => material.rows[r]);
  const refLogits = needs.has("refLogits") ? (await (await askScores(reference, rows, { logits: true }, false)).read()).logits! : undefined;
  const base: Omit<UpdateBatch, "weight"> = {
    ...selected(material, plan.rows),
    logProb,
    // A single update on a fresh batch is on-policy by definition: the ratio is exactly 1, whichever pass computed the log-probs.
    oldLogProb: plan.onPolicy ? logProb : select(material.oldLogProb, material.offsets, plan.rows),
    temperature: plan.temperature,
    ...(packedEntropy ? { entropy: own(packedEntropy) } : {}),
    ...(packedLogits ? { logits: own(packedLogits, vocabSize) } : {}),
    ...(refLogits ? { refLogits } : {}),
    ...(layout ? { verdictLogProb: Float64Array.from(layout.verdictAt, (at) => (at < 0 ? Number.NaN : packed[at])) } : {}),
  };
  const n = logProb.length;
  const terms: Record<string, Float32Array> = {};
  const metrics: Record<string, number> = {};
  const keep = (
    key: string,
    result: { terms: Readonly<Record<string, Numbers>>; metrics?: Readonly<Record<string, number>>; state?: object },
  ) => {
    for (const [name, values] of Object.entries(result.terms)) terms[`${key}.${name}`] = Float32Array.from(values);
    Object.assign(metrics, result.metrics);
    keepState(context, key, result.state as Readonly<Record<string, unknown>> | undefined);
  };

  // Token weights: multiplied with the policy's loss, and perhaps taken out of its denominator.
  const unmasked = weightsOf(context, material, plan, "policy");
  const present = unmasked.map((w) => (w === 0 ? 0 : 1));
  const tokenWeight = Float64Array.from(present);
  const counted = Float64Array.from(present);
  for (const { key, plugin, params } of inList(recipe, "tokenWeights")) {
    const result = plugin.weigh({ ...base, weight: present }, params, states[key], randomFor(context, key, call));
    keep(key, result);
    result.weight.forEach((w, t) => {
      tokenWeight[t] *= w;
      if (w === 0 && !result.keepDenominator) counted[t] = 0;
    });
  }
  const thinned = counted.some((c, t) => c !== present[t]);
  const furtherLosses = inList(recipe, "losses");
  const share = furtherLosses.reduce((s, { plugin, params }) => s * (plugin.policyShare?.(params, context.step) ?? 1), 1);
  const policyWeight = (thinned ? weightsOf(context, material, plan, "policy", counted) : unmasked).map(
    (w, t) => w * tokenWeight[t] * share,
  );

  const objective = inSlot(recipe, "objective");
  const kl = inSlot(recipe, "kl");
  const results: [name: string, result: LossResult, weight: Float64Array][] = [];
  const run = (name: string, key: string, weight: Float64Array, compute: (batch: UpdateBatch) => LossResult) => {
    const result = compute({ ...base, weight });
    keep(key, result);
    results.push([name, result, weight]);
    return result;
  };
  const main = run("policy", objective.key, policyWeight, (b) =>
    objective.plugin.lossAndCoefficients(
      { ...b, mask: counted },
      objective.params,
      states[objective.key],
      randomFor(context, objective.key, call),
    ),
  );
  if (kl.params.place !== "reward" && kl.plugin.coefficient(kl.params, states[kl.key]) !== 0) {
    run("kl", kl.key, unmasked, (b) => kl.plugin.lossAndCoefficients(b, kl.params, states[kl.key]));
  }
  for (const { key, plugin, params } of furtherLosses) {
    run(plugin.id, key, weightsOf(context, material, plan, plugin.rowsOf ?? "policy"), (b) =>
      plugin.lossAndCoefficients(b, params, states[key], randomFor(context, key, call)),
    );
  }

  const coefficient = new Float64Array(n);
  const tokenLoss = new Float64Array(n);
  for (const [name, result, weight] of results) {
    result.coefficient.forEach((c, t) => {
      coefficient[t] += c;
      if (name === "policy" || name === "kl") tokenLoss[t] += weight[t] * result.loss[t];
    });
  }
  const total = (field: "entropyCoefficient" | "logitCoefficient", length: number): Float32Array | undefined => {
    const given = results.map(([, result]) => result[field]).filter((values) => values !== undefined);
    if (given.length === 0) return undefined;
    return Float32Array.from({ length }, (_, i) => given.reduce((sum, values) => sum + values[i], 0));
  };
  const entropy = total("entropyCoefficient", n);
  const logits = total("logitCoefficient", n * vocabSize);
  const all = new Float32Array(packed.length);
  if (layout) {
    layout.own.forEach((at, t) => {
      all[at] = coefficient[t];
    });
    for (const [, { verdictCoefficient }] of results) {
      verdictCoefficient?.forEach((c, r) => {
        if (layout.verdictAt[r] >= 0) all[layout.verdictAt[r]] += c;
      });
    }
  } else all.set(coefficient);
  const wide = (values: Float32Array, width: number) => {
    if (!layout) return values;
    const spreadOut = new Float32Array(packed.length * width);
    layout.own.forEach((at, t) => {
      spreadOut.set(values.subarray(t * width, (t + 1) * width), at * width);
    });
    return spreadOut;
  };
  // Plug-ins take what is not a number for nothing; a forward pass that yields such numbers is not to be trusted with an update at all.
  const finite = [packed, all, entropy, logits].every((values) => values === undefined || values.every(Number.isFinite));
  const oldLogProb = base.oldLogProb;
  return {
    finite,
    coefficients: {
      logProb: all,
      ...(entropy ? { entropy: wide(entropy, 1) } : {}),
      ...(logits ? { logits: wide(logits, vocabSize) } : {}),
    },
    record: async () => ({
      logProb,
      ratio: Float32Array.from(logProb, (l, t) => Math.exp(bounded(l - oldLogProb[t]))),
      clipped: main.clipped ? Float32Array.from(main.clipped) : new Float32Array(n),
      weight: Float32Array.from(policyWeight),
      coefficient: Float32Array.from(coefficient),
      tokenLoss: Float32Array.from(tokenLoss),
      loss: results.reduce((sum, [, result]) => sum + result.value, 0),
      lossParts: Object.fromEntries(results.map(([name, result]) => [name, result.value])),
      terms,
      metrics,
    }),
  };
}

/** The loss by the objective's own kernel, without the log-probs leaving the GPU first; null where engine, recipe or rows want the host. */
export async function lossesOnDevice(context: StepContext, material: Material, plan: Plan, handle: ForwardHandle): Promise<Losses | null> {
  const { engine, recipe } = context;
  const kernel = lossKernel(context);
  if (!kernel || plan.rows.some((r) => r >= material.batch.rows)) return null;
  const device = inSlot(recipe, "objective").plugin.device!;
  const { beta } = kernel;
  const weight = Float32Array.from(weightsOf(context, material, plan, "policy"));
  const n = weight.length;
  const { offsets, refLogProb, advantageOnDevice } = material;
  const stretches = plan.rows.map((r) => ({ from: offsets[r], length: offsets[r + 1] - offsets[r] }));
  const onHost = refLogProb instanceof Float32Array;
  const inputs = device.inputs({
    logProb: handle.logProb,
    oldLogProb: plan.onPolicy ? handle.logProb : select(material.oldLogProb, offsets, plan.rows),
    advantage: advantageOnDevice
      ? { of: advantageOnDevice, stretches, length: n }
      : Float32Array.from(select(material.advantage, offsets, plan.rows)),
    weight,
    // Without a penalty the kernel does not look at it.
    reference: beta === 0 ? handle.logProb : onHost ? select(refLogProb, offsets, plan.rows) : { of: refLogProb, stretches, length: n },
  });
  const result = await engine.runKernel(device.kernel, inputs, kernel.uniforms(n));
  const logProbs = handle.logProb;
  return {
    finite: true,
    coefficients: { logProb: result.coefficient },
    record: async () => {
      const [logProb, coefficient, terms] = await Promise.all([logProbs.read(), result.coefficient.read(), result.terms.read()]);
      const tokenLoss = terms.slice(0, n);
      const loss = tokenLoss.reduce((a, b) => a + b, 0);
      const kl = terms.slice(3 * n, 4 * n);
      const penalty = kl.reduce((sum, each, t) => sum + beta * weight[t] * each, 0);
      return {
        logProb,
        ratio: terms.slice(n, 2 * n),
        clipped: terms.slice(2 * n, 3 * n),
        weight,
        coefficient,
        tokenLoss,
        loss,
        lossParts: { policy: loss - penalty, ...(beta === 0 ? {} : { kl: penalty }) },
        terms: { ...(beta === 0 ? {} : { "kl.k3.kl": kl }) },
        metrics: {},
      };
    },
  };
}
