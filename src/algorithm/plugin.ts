/**
 * The frame of a plug-in: a pure function with typed inputs, parameters and state, declared once. From the declaration come the
 * knob, the tooltip, the command-line flag, the link, the formula panel and the documentation.
 */

/** A number that may follow a schedule over steps. */
export type Scheduled =
  | number
  | { readonly from: number; readonly to: number; readonly steps: number; readonly shape?: "linear" | "cosine" };

/** The value of a schedule at a step (0-based): from `from` at step 0 to `to` at step `steps`, constant afterwards. */
export function scheduled(value: Scheduled, step: number): number {
  if (typeof value === "number") return value;
  const t = Math.min(1, step / Math.max(1, value.steps));
  const w = value.shape === "cosine" ? (1 - Math.cos(Math.PI * t)) / 2 : t;
  return value.from + (value.to - value.from) * w;
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

export type Parameter = NumberParameter | BooleanParameter | ChoiceParameter;
export type ParameterValue = number | boolean | string | Exclude<Scheduled, number>;
export type Parameters = Readonly<Record<string, number | boolean | string>>;

export interface Explanation {
  readonly sentence: string;
  readonly latex: string;
  /** Absent for what is our own, such as the tasks. */
  readonly source?: { readonly title: string; readonly url: string };
}

/** What every plug-in declares, whatever its slot. */
export interface PluginDeclaration {
  readonly id: string;
  readonly name: string;
  readonly scope: "token" | "rollout" | "group" | "batch" | "run";
  readonly needs?: readonly ("reference" | "entropy" | "sumSquares")[];
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly explanation: Explanation;
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
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new RecipeError(`${where} must be a number, got ${JSON.stringify(value)}`);
  if (parameter.kind === "integer" && !Number.isInteger(value)) throw new RecipeError(`${where} must be a whole number, got ${value}`);
  if (value < parameter.min || value > parameter.max) {
    throw new RecipeError(`${where} must lie between ${parameter.min} and ${parameter.max}, got ${value}`);
  }
  return value;
}
