import type { UpdateBatch } from "../../../algorithm/batch.ts";
import type { Parameters } from "../../../algorithm/plugin.ts";
import type { ObjectivePlugin } from "../../../algorithm/slots.ts";
import type { Random } from "../../../policy/random.ts";
import { PLUGINS } from "../../../recipes/slots.ts";

/** The objective as a curve over the ratio, drawn by asking the running plug-in itself about single tokens. */

export type Height = "loss" | "slope";

export interface CurvePoint {
  readonly ratio: number;
  readonly value: number;
}

export interface ObjectiveCurves {
  readonly plugin: string;
  /** Per unit of advantage, for A > 0 and A < 0; only heights that are functions of the ratio alone. */
  readonly curves: Partial<Readonly<Record<Height, { readonly up: readonly CurvePoint[]; readonly down: readonly CurvePoint[] }>>>;
}

type Settings = Readonly<Record<string, number | boolean | string>>;

const POINTS = 161;
/** Behaviour log-probs at which the plug-in is asked: what depends on them is not a curve over the ratio. */
const OLD = [-0.7, -2.5] as const;
const CLOSE = 1e-6;

/**
 * The curves of the objective in force between two ratios; undefined for one that compares answers or needs more than log-probs, whose token
 * losses are no function of the ratio.
 */
export function objectiveCurves(settings: Settings, from: number, to: number): ObjectiveCurves | undefined {
  const plugin = PLUGINS.objective.find((p) => p.id === settings.objective);
  if (!plugin || plugin.scope === "group" || plugin.scope === "batch" || plugin.needs) return undefined;
  const params = Object.fromEntries(
    Object.entries(settings).flatMap(([path, value]) => (path.startsWith("objective.") ? [[path.slice(10), value] as const] : [])),
  );
  const ratios = Array.from({ length: POINTS }, (_, i) => from * (to / from) ** (i / (POINTS - 1)));
  const curves: { -readonly [H in Height]?: NonNullable<ObjectiveCurves["curves"][H]> } = {};
  const perToken = plugin.scope === "token" && (params.level ?? "token") === "token";
  try {
    const ask = (sign: number, old: number) => heights(plugin, params, ratios, sign, old);
    const up = ask(1, OLD[0]);
    const down = ask(-1, OLD[0]);
    const others = [ask(1, OLD[1]), ask(-1, OLD[1]), ask(2, OLD[0]), ask(-2, OLD[0])];
    for (const height of ["loss", "slope"] as const) {
      // Answers of several tokens share one ratio there, and its slope among them.
      if (height === "slope" && !perToken) continue;
      const same = others.every((other, i) => other[height].every((v, t) => Math.abs(v - (i % 2 === 0 ? up : down)[height][t]) < CLOSE));
      if (!same) continue;
      const points = (values: readonly number[]) => ratios.map((ratio, t) => ({ ratio, value: values[t] }));
      curves[height] = { up: points(up[height]), down: points(down[height]) };
    }
  } catch {
    // It needs more of a batch than single tokens have.
    return undefined;
  }
  return Object.keys(curves).length > 0 ? { plugin: plugin.name, curves } : undefined;
}

/** Loss and ∂loss/∂ log π per unit of |advantage| at each ratio. */
function heights(
  plugin: ObjectivePlugin,
  params: Parameters,
  ratios: readonly number[],
  advantage: number,
  old: number,
): Record<Height, number[]> {
  const rows = ratios.length;
  const same = (value: number) => new Float64Array(rows).fill(value);
  const places = ratios.map((_, t) => t);
  const batch: UpdateBatch = {
    rows,
    offsets: [...places, rows],
    group: same(0),
    groups: [places],
    reward: same(0),
    parts: {},
    maxLength: 1,
    step: 1,
    scores: {},
    temperature: 1,
    logProb: Float64Array.from(ratios, (ratio) => old + Math.log(ratio)),
    oldLogProb: same(old),
    advantage: same(advantage),
    weight: same(1),
    mask: same(1),
  };
  // Objectives that draw something at random have no curve; the two questions then get different answers.
  let draws = 0;
  const random = { next: () => (++draws % 7) / 7 } as unknown as Random;
  const { loss, coefficient } = plugin.lossAndCoefficients(batch, params, undefined, random);
  const size = Math.abs(advantage);
  return { loss: Array.from(loss, (v) => v / size), slope: Array.from(coefficient, (v) => v / size) };
}
