// @vitest-environment node
import { describe, expect, it } from "vitest";
import { batchOf, HIDDEN } from "../../algorithm/advantages/testing.ts";
import type { PluginState, RolloutBatch, UpdateBatch } from "../../algorithm/batch.ts";
import { anyRandom, randomBatch } from "../../algorithm/objectives/testing.ts";
import { type Parameter, type Parameters, type PluginDeclaration, withDefaults } from "../../algorithm/plugin.ts";
import type {
  AdvantagePlugin,
  AggregationPlugin,
  KlPlugin,
  ObjectivePlugin,
  RewardChannelPlugin,
  RewardPlugin,
  ShaperPlugin,
  TokenWeightPlugin,
} from "../../algorithm/slots.ts";
import { formulaOf, termsOf } from "../../recipes/recipe.ts";
import { LIST_SLOTS, type ListSlot, PLUGINS, SLOTS, type Slot } from "../../recipes/slots.ts";
import { annotate } from "./annotate.ts";

/**
 * The formula that a person reads says what is computed: a parameter that changes a plug-in's numbers changes its formula, or a value that
 * stands in it.
 */

const WORK = "how much of it is done; the formula says what is done each time";

/** Parameters that are in no formula, with the reason. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "task.level": "chooses the problems",
  "task.problems": "chooses the problems",
  "sampler.promptsPerStep": WORK,
  "sampler.groupSize": WORK,
  "sampler.maxNewTokens": WORK,
  "guidance.perProblem": WORK,
  "groupFilter.maxRounds": WORK,
  "optimizer.miniBatches": WORK,
  "optimizer.epochs": WORK,
  "evaluation.every": WORK,
  "evaluation.problems": WORK,
  "evaluation.passAtKProblems": WORK,
  "evaluation.passAtKSamples": WORK,
};

/** What a plug-in made of a batch: its output, and the terms that it measured. */
interface Made {
  readonly numbers: unknown;
  readonly terms: Readonly<Record<string, ArrayLike<number>>>;
}

const STEPS = [1, 20, 50];
const VOCABULARY = 5;
const spread = (count: number, low: number, high: number) =>
  Float64Array.from({ length: count }, (_, i) => low + (high - low) * ((i * 0.6180339887498949 + 0.1) % 1));

/** Everything that any plug-in may read of a batch, beside rewards, lengths and log-probs. */
function facts(rows: number, tokens: number, groups: number) {
  return {
    finished: Array.from({ length: rows }, (_, r) => r % 3 !== 1),
    twins: Array.from({ length: groups }, (_, g) => (g % 2 === 0 && g + 1 < groups ? g + 1 : g - 1)),
    problems: Array.from({ length: groups }, (_, g) => ({ key: `problem ${g}` })) as unknown as NonNullable<RolloutBatch["problems"]>,
    verdicts: Array.from({ length: rows }, (_, r) => ({
      score: r % 2,
      parts: { wellFormed: r % 3 === 0 ? 0 : 1 },
      answer: "3534335543"[r % 10],
    })) as unknown as NonNullable<RolloutBatch["verdicts"]>,
    tokens: Array.from({ length: tokens }, (_, t) => t % VOCABULARY),
    vocabSize: VOCABULARY,
    logits: spread(tokens * VOCABULARY, -2, 2),
    verdictLogProb: spread(rows, -20, -4),
    refVerdictLogProb: spread(rows, -24, -14),
  };
}

/** Groups of several kinds: mixed, of more values than two, all alike, a lone answer; later the halves of a tree differ; in the end all are close. */
const REWARDS = [
  [[1, 0, 1, 0, 0, 1], [0, 0.5, 1, 0.25], [1, 1, 1, 1], [0.7]],
  [
    [1, 0, 1, 0, 1, 0],
    [0, 0.5, 1, 0],
    [1, 0, 1, 1],
  ],
  [
    [0.5, 0.52, 0.5, 0.55],
    [1, 0.98, 1, 1],
  ],
];

function rolloutBatch(step: number): RolloutBatch {
  const rewards = REWARDS[STEPS.indexOf(step)];
  const lengths = rewards.flat().map((_, r) => 1 + ((r * 5) % 7));
  const rows = lengths.length;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const { logits, verdictLogProb, refVerdictLogProb, ...more } = facts(rows, tokens, rewards.length);
  const batch = batchOf(rewards, { lengths, step, ...more });
  return {
    ...batch,
    parts: { correct: batch.reward, length: spread(rows, -1, 1) },
    paths: lengths.map((length, r) => [
      { node: `${batch.group[r]} ${r % 2}`, tokens: Math.min(2, length) },
      ...(length > 2 ? [{ node: `${batch.group[r]} ${r % 2} ${r % 4}`, tokens: length - 2 }] : []),
    ]),
    scores: { ...batch.scores, logits, verdictLogProb, refVerdictLogProb, refLogProb: spread(tokens, -3, -0.2) },
    hiddenSize: HIDDEN,
  };
}

/** Rare tokens in one of the batches: so that bounds by probability hold some there. */
const rarer = (logProb: ArrayLike<number>, step: number) => Float64Array.from(logProb, (x) => (step === 20 ? x - 5 : x));

function updateBatch(step: number): UpdateBatch {
  const lengths = [4, 1, 6, 3, 5, 2, 4, 4];
  const batch = randomBatch(step, { lengths, moved: 3 });
  const tokens = batch.logProb.length;
  const { logits, verdictLogProb, refVerdictLogProb, ...more } = facts(lengths.length, tokens, 2);
  return {
    ...batch,
    ...more,
    step,
    advantage: Float64Array.from(batch.advantage, (a) => 3 * a),
    logProb: rarer(batch.logProb, step),
    oldLogProb: rarer(batch.oldLogProb, step),
    // Unsure at first, then sure.
    entropy: Float64Array.from(batch.entropy!, (h) => (step === 1 ? h : h / 10)),
    reward: lengths.map((_, r) => (r % 3 === 0 ? 1 : 0)),
    logits,
    refLogits: spread(tokens * VOCABULARY, -4, 3),
    verdictLogProb,
    scores: {
      refLogProb: rarer(batch.scores.refLogProb!, step),
      samplerLogProb: rarer(batch.scores.samplerLogProb!, step),
      entropy: batch.entropy,
      verdictLogProb,
      refVerdictLogProb,
    },
  };
}

/** What a plug-in that carries state makes of one batch after the other. */
function inTurn<B>(
  batches: readonly B[],
  make: (batch: B, state: PluginState | undefined) => Made & { state?: PluginState | undefined },
): Made {
  let state: PluginState | undefined;
  const made = batches.map((batch) => {
    const { numbers, terms, state: next } = make(batch, state);
    state = next;
    return { numbers, terms };
  });
  return {
    numbers: made.map(({ numbers }) => numbers),
    terms: Object.fromEntries(Object.keys(made[0].terms).map((name) => [name, made.flatMap(({ terms }) => Array.from(terms[name] ?? []))])),
  };
}

/** What the plug-ins of a slot compute; slots without an entry are the loop's to follow, so that all of their parameters count. */
const COMPUTE: Readonly<Partial<Record<Slot | ListSlot, (plugin: never, params: Parameters) => Made>>> = {
  rewardChannel: (plugin: RewardChannelPlugin, params) => ({
    numbers: plugin.transmit(
      Array.from({ length: 40 }, (_, i) => i % 2),
      params,
      anyRandom(),
    ),
    terms: {},
  }),
  reward: rewarded,
  rewards: rewarded,
  advantage: (plugin: AdvantagePlugin, params) =>
    inTurn(
      STEPS.map((step) => rolloutBatch(step)),
      (batch, before) => {
        const { advantage, terms, state } = plugin.estimate(batch, params, before, anyRandom());
        return { numbers: advantage, terms, state };
      },
    ),
  shapers: (plugin: ShaperPlugin, params) =>
    inTurn(
      STEPS.map((step) => rolloutBatch(step)),
      (batch, before) => {
        const own = spread(batch.offsets[batch.rows], -1.5, 1.5);
        const { advantage, terms, state } = plugin.shape(batch, own, params, before, anyRandom());
        return { numbers: advantage, terms, state };
      },
    ),
  objective: trained,
  losses: trained,
  tokenWeights: (plugin: TokenWeightPlugin, params) =>
    inTurn(STEPS.map(updateBatch), (batch, before) => {
      const { weight, keepDenominator, terms, state } = plugin.weigh(batch, params, before, anyRandom());
      return { numbers: [weight, keepDenominator], terms, state };
    }),
  aggregation: (plugin: AggregationPlugin, params) => {
    const kept = [true, params.maskTruncated !== true, true];
    return { numbers: plugin.weights({ lengths: [4, 8, 3], kept, maxLength: 12, batchTokens: 40, miniBatches: 3 }, params), terms: {} };
  },
  kl: (plugin: KlPlugin, params) =>
    inTurn(STEPS.map(updateBatch), (batch, before) => {
      const estimate = plugin.estimate(batch, batch.scores.refLogProb!, params);
      const beta = plugin.coefficient(params, before);
      const state = plugin.control({ kl: 0.3, rollouts: 64 }, params, before);
      if (params.place === "reward") return { numbers: estimate.map((x) => beta * x), terms: { kl: estimate }, state };
      const { value, coefficient, logitCoefficient, terms } = plugin.lossAndCoefficients(batch, params, before);
      return { numbers: [value, coefficient, logitCoefficient], terms, state };
    }),
};

function rewarded(plugin: RewardPlugin, params: Parameters): Made {
  return inTurn(
    STEPS.map((step) => rolloutBatch(step)),
    (batch, before) => {
      const { parts, state } = plugin.parts(batch, params, before, anyRandom());
      // A reward's parts are its terms only where they bear the same names.
      return { numbers: parts, terms: {}, state };
    },
  );
}

function trained(plugin: ObjectivePlugin, params: Parameters): Made {
  return inTurn(STEPS.map(updateBatch), (batch, before) => {
    const made = plugin.lossAndCoefficients(batch, params, before, anyRandom());
    const { value, coefficient, entropyCoefficient, verdictCoefficient, terms, state } = made;
    return { numbers: [value, coefficient, entropyCoefficient, verdictCoefficient], terms, state };
  });
}

/** Numbers as text, to the digits that a person could tell apart; −0 is 0. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, x) =>
    ArrayBuffer.isView(x) ? Array.from(x as Float64Array) : typeof x === "number" ? Number(x.toPrecision(9)) + 0 : x,
  );

/** A formula's left-hand sides: what it makes says nothing of how. */
const made = (latex: string) =>
  latex.split(/,\s*\\q?quad|,\\ /).flatMap((part) => (part.includes("=") && !part.includes("where") ? [part.split("=")[0]] : []));

/** The formula, and the values that stand in it. */
function shownBy(slot: Slot | ListSlot, plugin: PluginDeclaration, params: Parameters, measured: Made["terms"]): string {
  const latex = formulaOf(slot, { plugin: plugin.id, params });
  const terms = Object.entries(termsOf(slot, { plugin: plugin.id, params })).map(([key, { symbol }]) => ({
    key,
    symbol,
    value: measured[key],
  }));
  const knobs = Object.entries(plugin.parameters).flatMap(([key, parameter]) => {
    if (parameter.kind === "text") return [{ key, symbol: "", value: params[key] }];
    const symbol = parameter.kind === "number" || parameter.kind === "integer" ? parameter.symbol : undefined;
    return symbol === undefined || terms.some((term) => term.symbol === symbol && term.value) ? [] : [{ key, symbol, value: params[key] }];
  });
  const marks = [...terms.filter(({ value }) => value !== undefined), ...knobs.filter(({ symbol }) => symbol !== "")];
  const set = annotate(latex, marks);
  const sides = made(latex);
  const values = [
    ...terms.filter(({ key, symbol }) => set.includes(`term=${key}}`) && !sides.some((side) => side.includes(symbol))),
    // A formula of a person's own is shown as it was written.
    ...knobs.filter(({ key, symbol }) => symbol === "" || set.includes(`term=${key}}`)),
  ];
  return textOf([latex, values.map(({ key, value }) => [key, value])]);
}

const OTHER_TEXT: Readonly<Record<string, string>> = {
  "Weights of the parts": "correct=2, length=0.5",
};

/** Values of a parameter: of numbers the lowest, the middle and the highest on the slider. */
function valuesOf(parameter: Parameter): readonly (number | boolean | string)[] {
  if (parameter.kind === "boolean") return [false, true];
  if (parameter.kind === "choice") return parameter.options.map(({ value }) => value);
  if (parameter.kind === "text")
    return [parameter.default, OTHER_TEXT[parameter.label] ?? parameter.default.replace(/.*$/, (last) => `2 * (${last})`)];
  const [low, high] = parameter.slider;
  const middle = (low + high) / 2;
  return [low, parameter.kind === "integer" ? Math.round(middle) : middle, high];
}

/**
 * All combinations of choices and switches, the numbers once as declared and once in the middle of their sliders; and the numbers at
 * opposite ends of them.
 */
function gridOf(plugin: PluginDeclaration): Parameters[] {
  let grid: Parameters[] = [withDefaults(plugin)];
  for (const [name, parameter] of Object.entries(plugin.parameters))
    if (parameter.kind === "choice" || parameter.kind === "boolean")
      grid = grid.flatMap((params) => valuesOf(parameter).map((value) => ({ ...params, [name]: value })));
  const numbers = Object.entries(plugin.parameters).filter(([, { kind }]) => kind === "number" || kind === "integer");
  const at = (place: (i: number) => number) =>
    Object.fromEntries(numbers.map(([name, parameter], i) => [name, valuesOf(parameter)[place(i)]]));
  const ends = [at((i) => (i % 2) * 2), at((i) => 2 - (i % 2) * 2)].map((values) => ({ ...withDefaults(plugin), ...values }));
  return [...grid, ...grid.map((params) => ({ ...params, ...at(() => 1) })), ...ends];
}

interface Seen {
  /** Combinations in which the parameter changes the numbers, and those of them in which a person sees nothing of it. */
  changes: number;
  readonly unseen: string[];
}

function follow(slot: Slot | ListSlot, plugin: PluginDeclaration): ReadonlyMap<string, Seen> {
  const compute = COMPUTE[slot] as ((plugin: PluginDeclaration, params: Parameters) => Made) | undefined;
  const known = new Map<string, { readonly numbers: string; shown(): string }>();
  const look = (params: Parameters) => {
    const key = JSON.stringify(Object.values(params));
    const before = known.get(key);
    if (before) return before;
    const { numbers, terms } = compute?.(plugin, params) ?? { numbers: params, terms: {} };
    let text: string | undefined;
    const found = {
      numbers: textOf(numbers),
      shown: () => {
        text ??= shownBy(slot, plugin, params, terms);
        return text;
      },
    };
    known.set(key, found);
    return found;
  };
  const grid = gridOf(plugin);
  return new Map(
    Object.entries(plugin.parameters).map(([name, parameter]) => {
      const seen: Seen = { changes: 0, unseen: [] };
      let shownSomewhere = false;
      for (const params of grid)
        for (const value of valuesOf(parameter)) {
          const [a, b] = [look(params), look({ ...params, [name]: value })];
          if (a.numbers === b.numbers) continue;
          seen.changes++;
          if (a.shown() !== b.shown()) shownSomewhere = true;
          else seen.unseen.push(`${name}: ${params[name]} or ${value}, with ${textOf(params)}`);
        }
      // Nobody computes these here: it is enough that they are seen where they matter.
      if (!compute && shownSomewhere) seen.unseen.length = 0;
      return [name, seen] as const;
    }),
  );
}

const plugins = [...SLOTS, ...LIST_SLOTS].flatMap((slot) =>
  PLUGINS[slot].map((plugin: PluginDeclaration) => [slot, plugin.id, plugin] as const),
);

describe("a formula follows its parameters", () => {
  it.each(plugins)("in %s %s", (slot, _, plugin) => {
    for (const [name, { changes, unseen }] of follow(slot, plugin)) {
      expect(changes, `${name} changes no number here`).toBeGreaterThan(0);
      if (OUTSIDE[`${slot}.${name}`] === undefined) expect(unseen.slice(0, 2), `${name} is not seen`).toEqual([]);
      else expect(unseen.length, `${name} is seen after all`).toBeGreaterThan(0);
    }
  });
});
