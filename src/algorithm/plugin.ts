/**
 * The frame of a plug-in: a pure function with typed inputs, parameters and state, declared once. From the declaration come the
 * knob, the tooltip, the command-line flag, the link, the formula panel and the documentation.
 */

/**
 * A number that follows a schedule over steps, as it is written in recipes, links and on the command line: `0.3 to 0.2 over 100`
 * (linear) or `0.3 to 0.2 over 100 cosine`. It has the first value at step 1, the second from step 101 on.
 */
export interface Schedule {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly shape: "linear" | "cosine";
}

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?`;
const SCHEDULE = new RegExp(`^\\s*(${NUMBER})\\s+to\\s+(${NUMBER})\\s+over\\s+(\\d+)(\\s+cosine)?\\s*$`, "i");

/** Reads a schedule; null if the text is not one. */
export function parseSchedule(text: string): Schedule | null {
  const match = SCHEDULE.exec(text);
  if (!match) return null;
  return { from: Number(match[1]), to: Number(match[2]), steps: Number(match[3]), shape: match[4] ? "cosine" : "linear" };
}

/** The value of a parameter at a step (from 1): a number is itself, a schedule's text is its value there. */
export function valueAt(value: number | boolean | string, step: number): number | boolean | string {
  const schedule = typeof value === "string" ? parseSchedule(value) : null;
  if (!schedule) return value;
  const t = Math.min(1, (step - 1) / Math.max(1, schedule.steps));
  const w = schedule.shape === "cosine" ? (1 - Math.cos(Math.PI * t)) / 2 : t;
  return schedule.from + (schedule.to - schedule.from) * w;
}

/** Parameters with every schedule replaced by its value at the step; text parameters stay as they are. */
export function parametersAt(declared: Readonly<Record<string, Parameter>>, params: Parameters, step: number): Parameters {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const kind = declared[name]?.kind;
      if (kind !== "number" && kind !== "integer") return [name, value];
      const now = valueAt(value, step);
      return [name, kind === "integer" && typeof now === "number" ? Math.round(now) : now];
    }),
  );
}

interface ParameterBase {
  readonly label: string;
  /** What turning it does, in one sentence. */
  readonly effect: string;
  /** When a change is felt. Default "next step". */
  readonly takesEffect?: "next step" | "restart";
}

export interface NumberParameter extends ParameterBase {
  readonly kind: "number" | "integer";
  readonly default: number;
  /** Valid range, both ends included. */
  readonly min: number;
  readonly max: number;
  /** The slider's range and step; the number field takes the whole valid range. */
  readonly slider: readonly [low: number, high: number, step: number];
  readonly scale?: "linear" | "log";
  readonly unit?: string;
  /** Its name in the plug-in's formula (LaTeX). */
  readonly symbol?: string;
}

export interface BooleanParameter extends ParameterBase {
  readonly kind: "boolean";
  readonly default: boolean;
}

export interface ChoiceParameter extends ParameterBase {
  readonly kind: "choice";
  readonly default: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** Text that the plug-in reads itself, such as a formula. */
export interface TextParameter extends ParameterBase {
  readonly kind: "text";
  readonly default: string;
  readonly maxLength: number;
  /** Throws a `RecipeError` that says what is wrong and where. */
  readonly check: (text: string) => void;
}

export type Parameter = NumberParameter | BooleanParameter | ChoiceParameter | TextParameter;
export type Parameters = Readonly<Record<string, number | boolean | string>>;

export interface Explanation {
  readonly sentence: string;
  readonly latex: string;
  /** Absent for what is our own, such as the tasks. */
  readonly source?: { readonly title: string; readonly url: string };
}

/**
 * Scores before the update: `reference` (log-probs), `entropy`, `sumSquares`, `logits`, `hidden`, `greedyRollout` (one greedy rollout a
 * prompt), `verdictToken` (the reserved token's log-prob after a row's end, at each update too), `twins` (every prompt a second time, in
 * other words: `Task.rephrase`); at each update: `currentEntropy`, `currentLogits`, `refLogits`.
 */
export type Need =
  | "reference"
  | "entropy"
  | "sumSquares"
  | "logits"
  | "hidden"
  | "greedyRollout"
  | "verdictToken"
  | "twins"
  | "currentEntropy"
  | "currentLogits"
  | "refLogits";

/** What every plug-in declares, whatever its slot. */
export interface PluginDeclaration {
  readonly id: string;
  readonly name: string;
  readonly scope: "token" | "rollout" | "group" | "batch" | "run";
  /** What the loop must measure for it, beyond log-probs. */
  readonly needs?: readonly Need[];
  /** What it needs beyond `needs`, where parameters decide, such as a formula. */
  needsOf?(params: Parameters): readonly Need[];
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly explanation: Explanation;
  /** The formula as these parameters make it, where they change its form. Default: `explanation.latex`. */
  latexOf?(params: Parameters): string;
  /** The symbols of terms that these parameters rename (LaTeX), by term. */
  symbolsOf?(params: Parameters): Readonly<Record<string, string>>;
  /** Named intermediates of the formula: symbol (LaTeX) and meaning. */
  readonly terms: Readonly<Record<string, { readonly symbol: string; readonly meaning: string }>>;
}

/** A bad parameter, plug-in or recipe: one sentence that names the place. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
}

/**
 * Checks one value against its parameter.
 * @param where Names the parameter in the message, such as `objective.clipLow`.
 * @throws RecipeError if the type is wrong or the value is out of range.
 */
export function checkValue(parameter: Parameter, value: unknown, where: string): number | boolean | string {
  if (parameter.kind === "boolean") {
    if (typeof value !== "boolean") throw new RecipeError(`${where} must be true or false, got ${JSON.stringify(value)}`);
    return value;
  }
  if (parameter.kind === "choice") {
    if (!parameter.options.some((o) => o.value === value)) {
      throw new RecipeError(`${where} must be one of ${parameter.options.map((o) => o.value).join(", ")}, got ${JSON.stringify(value)}`);
    }
    return value as string;
  }
  if (parameter.kind === "text") {
    if (typeof value !== "string") throw new RecipeError(`${where} must be text, got ${JSON.stringify(value)}`);
    if (value.length > parameter.maxLength)
      throw new RecipeError(`${where} must have at most ${parameter.maxLength} characters, got ${value.length}`);
    parameter.check(value);
    return value;
  }
  const schedule = typeof value === "string" ? parseSchedule(value) : null;
  if (schedule) {
    checkValue(parameter, schedule.from, `${where} (from)`);
    checkValue(parameter, schedule.to, `${where} (to)`);
    return value as string;
  }
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new RecipeError(`${where} must be a number, got ${JSON.stringify(value)}`);
  if (parameter.kind === "integer" && !Number.isInteger(value)) throw new RecipeError(`${where} must be a whole number, got ${value}`);
  if (value < parameter.min || value > parameter.max) {
    throw new RecipeError(`${where} must lie between ${parameter.min} and ${parameter.max}, got ${value}`);
  }
  return value;
}

/** Every parameter of a plug-in: the given ones, and the declared default of those not given. */
export function withDefaults(declaration: Pick<PluginDeclaration, "parameters">, params: Parameters = {}): Parameters {
  const defaults = Object.entries(declaration.parameters).map(([name, parameter]) => [name, parameter.default] as const);
  return { ...Object.fromEntries(defaults), ...params };
}
