/** What a formula can call: functions of single values, with their derivatives, and reductions, with theirs. */

export type Kind = "number" | "boolean";

type Value = (a: number, b: number, c: number) => number;
/** ∂y/∂argument at arguments a, b, c with y = f(a, b, c). */
type Slope = (a: number, b: number, c: number, y: number) => number;

/** A function of single values, applied to each token, rollout or group by itself. Truth values are 0 and 1. */
export interface Elementwise {
  readonly args: readonly { readonly name: string; readonly kind: Kind }[];
  readonly result: Kind;
  readonly meaning: string;
  readonly value: Value;
  /** One for each argument; absent where no gradient flows. */
  readonly slopes?: readonly Slope[];
}

const numbers = (names: string) => names.split(" ").map((name) => ({ name, kind: "number" as const }));
const truths = (names: string) => names.split(" ").map((name) => ({ name, kind: "boolean" as const }));
const one: Slope = () => 1;
const none: Slope = () => 0;

function compare(meaning: string, holds: (a: number, b: number) => boolean): Elementwise {
  return { args: numbers("a b"), result: "boolean", meaning, value: (a, b) => Number(holds(a, b)) };
}

const choose = {
  args: [...truths("condition"), ...numbers("a b")],
  result: "number" as const,
  value: ((c, a, b) => (c ? a : b)) satisfies Value,
  slopes: [none, (c: number) => (c ? 1 : 0), (c: number) => (c ? 0 : 1)] satisfies Slope[],
};

export const OPERATORS: ReadonlyMap<string, Elementwise> = new Map<string, Elementwise>([
  ["+", { args: numbers("a b"), result: "number", meaning: "Sum.", value: (a, b) => a + b, slopes: [one, one] }],
  ["-", { args: numbers("a b"), result: "number", meaning: "Difference.", value: (a, b) => a - b, slopes: [one, () => -1] }],
  ["*", { args: numbers("a b"), result: "number", meaning: "Product.", value: (a, b) => a * b, slopes: [(_a, b) => b, (a) => a] }],
  [
    "/",
    {
      args: numbers("a b"),
      result: "number",
      meaning: "Quotient.",
      value: (a, b) => a / b,
      slopes: [(_a, b) => 1 / b, (_a, b, _c, y) => -y / b],
    },
  ],
  [
    "^",
    {
      args: numbers("a b"),
      result: "number",
      meaning: "Power.",
      value: (a, b) => a ** b,
      slopes: [(a, b) => (b === 0 ? 0 : b * a ** (b - 1)), (a, _b, _c, y) => (y === 0 ? 0 : y * Math.log(a))],
    },
  ],
  ["neg", { args: numbers("a"), result: "number", meaning: "The negative.", value: (a) => -a, slopes: [() => -1] }],
  ["<", compare("Whether a is less than b.", (a, b) => a < b)],
  ["<=", compare("Whether a is at most b.", (a, b) => a <= b)],
  [">", compare("Whether a is greater than b.", (a, b) => a > b)],
  [">=", compare("Whether a is at least b.", (a, b) => a >= b)],
  ["==", compare("Whether a equals b.", (a, b) => a === b)],
  ["!=", compare("Whether a differs from b.", (a, b) => a !== b)],
  ["and", { args: truths("a b"), result: "boolean", meaning: "Whether both hold.", value: (a, b) => a * b }],
  ["or", { args: truths("a b"), result: "boolean", meaning: "Whether at least one holds.", value: (a, b) => Math.max(a, b) }],
  ["not", { args: truths("a"), result: "boolean", meaning: "Whether it does not hold.", value: (a) => 1 - a }],
  ["if", { ...choose, meaning: "One value or the other. Written if condition then a else b." }],
]);

const unary = (meaning: string, value: (x: number) => number, slope: (x: number, y: number) => number): Elementwise => ({
  args: numbers("x"),
  result: "number",
  meaning,
  value,
  slopes: [(x, _b, _c, y) => slope(x, y)],
});

export const FUNCTIONS: ReadonlyMap<string, Elementwise> = new Map<string, Elementwise>([
  ["exp", unary("e to the power of x.", Math.exp, (_x, y) => y)],
  ["log", unary("Natural logarithm.", Math.log, (x) => 1 / x)],
  ["sqrt", unary("Square root; its slope at 0 counts as 0.", Math.sqrt, (_x, y) => (y === 0 ? 0 : 0.5 / y))],
  ["abs", unary("Distance from 0; its slope at 0 is 0.", Math.abs, (x) => Math.sign(x))],
  ["sigmoid", unary("1 / (1 + exp(-x)): from 0 to 1.", sigmoid, (_x, y) => y * (1 - y))],
  ["tanh", unary("Hyperbolic tangent: from -1 to 1.", Math.tanh, (_x, y) => 1 - y * y)],
  ["sign", { args: numbers("x"), result: "number", meaning: "-1, 0 or 1; no gradient passes.", value: Math.sign }],
  [
    "min",
    {
      args: numbers("a b"),
      result: "number",
      meaning: "The lesser of two; where they are equal, the gradient goes to the first.",
      value: Math.min,
      slopes: [(a, b) => (a <= b ? 1 : 0), (a, b) => (a <= b ? 0 : 1)],
    },
  ],
  [
    "max",
    {
      args: numbers("a b"),
      result: "number",
      meaning: "The greater of two; where they are equal, the gradient goes to the first.",
      value: Math.max,
      slopes: [(a, b) => (a >= b ? 1 : 0), (a, b) => (a >= b ? 0 : 1)],
    },
  ],
  [
    "clip",
    {
      args: numbers("x low high"),
      result: "number",
      meaning: "x, but no less than low and no more than high; a gradient passes from low to high, both included.",
      value: (x, low, high) => Math.min(high, Math.max(low, x)),
      slopes: [
        (x, low, high) => (x >= low && x <= high ? 1 : 0),
        (x, low, high) => (x < low && low <= high ? 1 : 0),
        (x, low, high) => (x > high || low > high ? 1 : 0),
      ],
    },
  ],
  ["where", { ...choose, meaning: "The same as if condition then a else b." }],
  ["stop_gradient", { args: numbers("x"), result: "number", meaning: "x, as a constant: no gradient passes.", value: (x) => x }],
]);

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** A function of many values at once: those at `items[from] … items[to − 1]` of x. */
export interface Reduction {
  readonly arg: Kind;
  /** What comes after "… over the rollout's tokens". */
  readonly meaning: string;
  /** The value for no values at all, and what else is a convention. */
  readonly empty: string;
  value(x: Float64Array, items: Int32Array, from: number, to: number): number;
  /** Adds slope·∂y/∂x to `into`; absent where no gradient flows. */
  back?(x: Float64Array, items: Int32Array, from: number, to: number, slope: number, y: number, into: Float64Array): void;
}

const sum: Reduction["value"] = (x, items, from, to) => {
  let total = 0;
  for (let i = from; i < to; i++) total += x[items[i]];
  return total;
};
const mean: Reduction["value"] = (x, items, from, to) => (to === from ? 0 : sum(x, items, from, to) / (to - from));

/** An extreme belongs to the first item that has it. */
function extreme(better: (a: number, b: number) => boolean): Pick<Reduction, "value" | "back"> {
  const best: Reduction["value"] = (x, items, from, to) => {
    let at = items[from];
    for (let i = from + 1; i < to; i++) if (better(x[items[i]], x[at]) || Number.isNaN(x[items[i]])) at = items[i];
    return at;
  };
  return {
    value: (x, items, from, to) => (to === from ? 0 : x[best(x, items, from, to)]),
    back: (x, items, from, to, slope, _y, into) => {
      if (to > from) into[best(x, items, from, to)] += slope;
    },
  };
}

/** The items in the middle: one twice, or two. */
function middle(x: Float64Array, items: Int32Array, from: number, to: number): [number, number] {
  const sorted = [...items.subarray(from, to)].sort((a, b) => x[a] - x[b]);
  return [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
}

export const REDUCTIONS: ReadonlyMap<string, Reduction> = new Map<string, Reduction>([
  [
    "sum",
    {
      arg: "number",
      meaning: "Sum",
      empty: "0 if there are none",
      value: sum,
      back: (_x, items, from, to, slope, _y, into) => {
        for (let i = from; i < to; i++) into[items[i]] += slope;
      },
    },
  ],
  [
    "mean",
    {
      arg: "number",
      meaning: "Mean",
      empty: "0 if there are none",
      value: mean,
      back: (_x, items, from, to, slope, _y, into) => {
        for (let i = from; i < to; i++) into[items[i]] += slope / (to - from);
      },
    },
  ],
  [
    "std",
    {
      arg: "number",
      meaning: "Standard deviation (divided by n - 1)",
      empty: "1 if there are fewer than two; its slope where all are equal counts as 0",
      value: (x, items, from, to) => {
        if (to - from < 2) return 1;
        const center = mean(x, items, from, to);
        let squares = 0;
        for (let i = from; i < to; i++) squares += (x[items[i]] - center) ** 2;
        return Math.sqrt(squares / (to - from - 1));
      },
      back: (x, items, from, to, slope, y, into) => {
        if (to - from < 2 || y === 0) return;
        const center = mean(x, items, from, to);
        for (let i = from; i < to; i++) into[items[i]] += (slope * (x[items[i]] - center)) / ((to - from - 1) * y);
      },
    },
  ],
  [
    "min",
    {
      arg: "number",
      meaning: "Least",
      empty: "0 if there are none; the gradient goes to the first that is least",
      ...extreme((a, b) => a < b),
    },
  ],
  [
    "max",
    {
      arg: "number",
      meaning: "Greatest",
      empty: "0 if there are none; the gradient goes to the first that is greatest",
      ...extreme((a, b) => a > b),
    },
  ],
  [
    "median",
    {
      arg: "number",
      meaning: "Median",
      empty: "0 if there are none; of an even number, the mean of the two in the middle",
      value: (x, items, from, to) => {
        if (to === from) return 0;
        const [low, high] = middle(x, items, from, to);
        return (x[low] + x[high]) / 2;
      },
      back: (x, items, from, to, slope, _y, into) => {
        if (to === from) return;
        for (const at of middle(x, items, from, to)) into[at] += slope / 2;
      },
    },
  ],
  ["count", { arg: "boolean", meaning: "Number for which it is true", empty: "0 if there are none", value: sum }],
]);

export type Level = "rollout" | "group" | "batch";

/** What is reduced over, by the prefix of the name: `mean`, `group_mean`, `batch_mean`. */
export const LEVELS: readonly { readonly level: Level; readonly prefix: string; readonly over: string }[] = [
  { level: "rollout", prefix: "", over: "over the rollout's tokens" },
  { level: "group", prefix: "group_", over: "over the group's rollouts" },
  { level: "batch", prefix: "batch_", over: "over the whole batch: its tokens, rollouts or groups, as many as x has values" },
];

/** A reduction by its full name, such as `group_mean`. */
export function reductionOf(name: string): { readonly fn: string; readonly level: Level; readonly reduction: Reduction } | undefined {
  const { level, prefix } = LEVELS.find((l) => l.prefix !== "" && name.startsWith(l.prefix)) ?? LEVELS[0];
  const fn = name.slice(prefix.length);
  const reduction = REDUCTIONS.get(fn);
  return reduction && { fn, level, reduction };
}
