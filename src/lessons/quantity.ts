import { metricName } from "../loop/metric-names.ts";
import { evaluationMetrics } from "../loop/metrics.ts";
import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import { FACTS } from "./facts.ts";

/**
 * What a lesson's texts and conditions refer to by name, read from the live run:
 *
 *     score                      a metric (docs/metrics.md), of the newest step that has it
 *     score over last 5          its mean over the newest five steps (or `over first 5`)
 *     pass@8 at start            of the policy before training
 *     plain: entropy over last 5 of the run whose numbers the lesson kept as "plain"
 *     hard.up                    a fact of the step on the stage (`facts.ts`), or `plain: hard.up` as it was kept
 *     token.before, token.after  the chosen token's probability, and token.advantage, token.entropy
 *     answer                     the prediction
 *     A minus B plus C           sums and differences of up to four of these
 */

/** Numbers of a run that a lesson kept. */
export interface KeptNumbers {
  readonly history: readonly Metrics[];
  readonly start?: EvaluationRecord;
  /** Facts of the step that was on the stage then. */
  readonly facts?: Readonly<Record<string, number | string>>;
}

/** The facts of a step, for keeping. */
export function factsNow(record: StepRecord): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(FACTS).flatMap(([name, { of }]) => {
      const value = of(record);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What conditions and texts look at. */
export interface Seen extends KeptNumbers {
  readonly record: StepRecord | undefined;
  readonly selection: { readonly record: StepRecord; readonly row: number; readonly index: number } | undefined;
  readonly kept: Readonly<Record<string, KeptNumbers>>;
  readonly answer: number | string | undefined;
}

type Window = { readonly kind: "first" | "last"; readonly steps: number } | { readonly kind: "start" } | { readonly kind: "newest" };
interface Part {
  readonly run: string | undefined;
  readonly name: string;
  readonly window: Window;
  readonly sign: 1 | -1;
}

const PART = /^(?:([a-z][\w-]*): )?(\S+)(?: (at start)| over (first|last) (\d{1,3}))?$/;

/** A quantity that cannot be read: one sentence. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

export const TOKEN_FACTS = ["token.before", "token.after", "token.advantage", "token.entropy"] as const;

/** @throws QuantityError that says what is wrong. */
export function parseQuantity(text: string): readonly Part[] {
  const [first, ...rest] = text.split(/ (minus|plus) /);
  const written: [string, 1 | -1][] = [[first, 1]];
  for (let i = 0; i < rest.length; i += 2) written.push([rest[i + 1], rest[i] === "minus" ? -1 : 1]);
  if (written.length > 4) throw new QuantityError(`${JSON.stringify(text)} has more than four parts`);
  return written.map(([part, sign]): Part => {
    const match = PART.exec(part.trim());
    if (!match) throw new QuantityError(`cannot read ${JSON.stringify(part)}; write a name, "name over last 5" or "name at start"`);
    const [, run, name, start, end, steps] = match;
    const metric = metricName(name) !== undefined;
    const fact = Object.hasOwn(FACTS, name) || (TOKEN_FACTS as readonly string[]).includes(name) || name === "answer";
    if (!metric && !fact) throw new QuantityError(`there is no metric or fact ${JSON.stringify(name)}`);
    if (!metric && (start || end)) throw new QuantityError(`${name} is a fact of the step on the stage: it has no range`);
    const window: Window = start ? { kind: "start" } : end ? { kind: end as "first" | "last", steps: Number(steps) } : { kind: "newest" };
    return { run, name, window, sign };
  });
}

const mean = (values: readonly number[]) => (values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length);

function metricOf({ history, start }: KeptNumbers, name: string, window: Window): number | undefined {
  switch (window.kind) {
    case "start":
      return start && evaluationMetrics(start)[name];
    case "newest":
      return history.findLast((m) => name in m)?.[name];
    default: {
      const steps = window.kind === "first" ? history.slice(0, window.steps) : history.slice(-window.steps);
      return mean(steps.flatMap((m) => (name in m ? [m[name]] : [])));
    }
  }
}

function tokenFact({ selection }: Seen, name: string): number | undefined {
  const tokens = selection?.record.tokens;
  if (!selection || !tokens) return undefined;
  const at = tokens.offsets[selection.row] + selection.index;
  switch (name) {
    case "token.before": {
      const { alternatives: k, alternativeTokens, alternativeLogProbs } = tokens;
      for (let i = at * k; i < (at + 1) * k; i++) if (alternativeTokens[i] === tokens.tokens[at]) return Math.exp(alternativeLogProbs[i]);
      return undefined;
    }
    case "token.after":
      return tokens.after && Math.exp(tokens.after.logProb[at]);
    case "token.entropy":
      return tokens.entropy[at];
    default:
      return tokens.advantage?.[at];
  }
}

function partOf(part: Part, seen: Seen): number | string | undefined {
  if (part.name === "answer") return seen.answer;
  if (Object.hasOwn(FACTS, part.name)) {
    if (part.run !== undefined) return seen.kept[part.run]?.facts?.[part.name];
    return seen.record && FACTS[part.name].of(seen.record);
  }
  if (part.name.startsWith("token.")) return tokenFact(seen, part.name);
  const run = part.run === undefined ? seen : seen.kept[part.run];
  return run && metricOf(run, part.name, part.window);
}

/** The value, or undefined if it has not been measured. */
export function quantity(text: string, seen: Seen): number | string | undefined {
  const parts = parseQuantity(text);
  if (parts.length === 1) {
    const value = partOf(parts[0], seen);
    return typeof value === "number" && !Number.isFinite(value) ? undefined : value;
  }
  let sum = 0;
  for (const part of parts) {
    const value = partOf(part, seen);
    if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
    sum += part.sign * value;
  }
  return sum;
}

/** Whether it is a share, from 0 to 1. */
export const isShare = (text: string): boolean => ["percent", "points"].includes(formatOf(text));

/** The value if it is a number. */
export function numberOf(text: string, seen: Seen): number | undefined {
  const value = quantity(text, seen);
  return typeof value === "number" ? value : undefined;
}

export type Format = "percent" | "points" | "signed" | "count" | "text" | "number";

/** How a quantity is written where its text does not say. */
function formatOf(text: string): Format {
  const [{ name }, other] = parseQuantity(text);
  if (Object.hasOwn(FACTS, name)) {
    const { unit } = FACTS[name];
    return unit === "share" ? "percent" : unit === "" ? "number" : unit;
  }
  if (name === "token.before" || name === "token.after") return other ? "points" : "percent";
  if (name === "token.advantage") return "signed";
  const unit = metricName(name)?.unit;
  if (unit === "share") return other ? "points" : "percent";
  return unit === "count" ? "count" : "number";
}

const minus = (text: string) => text.replace(/^-/, "−");
const withSign = (value: number, text: string) => (value > 0 && Number(text) !== 0 ? `+${text}` : minus(text));

/** A value as a person reads it. */
export function write(value: number | string, format: Format): string {
  if (typeof value === "string") return value;
  switch (format) {
    case "percent": {
      const size = Math.abs(value * 100);
      return `${minus((value * 100).toFixed(size > 0 && size < 9.95 ? 1 : 0))}%`;
    }
    case "points": {
      const text = (value * 100).toFixed(Math.abs(value) < 0.0995 ? 1 : 0);
      return `${withSign(value, text)} points`;
    }
    case "signed":
      return withSign(value, value.toFixed(2));
    case "count":
      return minus(String(Math.round(value)));
    case "text":
      return String(value);
    case "number":
      return minus(Math.abs(value) > 0 && Math.abs(value) < 0.005 ? value.toPrecision(1) : value.toFixed(2));
  }
}

const FORMATS: readonly Format[] = ["percent", "points", "signed", "count", "text", "number"];
const SLOT = /\{([^{}]+)\}/g;

/** The quantities that a text quotes, as they are written in it: `{score over last 5}` or `{score|percent}`. @throws QuantityError */
export function quotedIn(text: string): { readonly quantity: string; readonly format: Format }[] {
  return [...text.matchAll(SLOT)].map(([, inside]) => {
    const [name, format] = inside.split("|");
    parseQuantity(name);
    if (format !== undefined && !FORMATS.includes(format as Format))
      throw new QuantityError(`cannot write a number as ${JSON.stringify(format)}; there are ${FORMATS.join(", ")}`);
    return { quantity: name, format: (format as Format | undefined) ?? formatOf(name) };
  });
}

/** A text with its quantities filled in from the live run; what was not measured says so. */
export function fillIn(text: string, seen: Seen): string {
  const quoted = quotedIn(text);
  let i = 0;
  return text.replace(SLOT, () => {
    const { quantity: name, format } = quoted[i++];
    const value = quantity(name, seen);
    return value === undefined ? "(not measured)" : write(value, format);
  });
}
