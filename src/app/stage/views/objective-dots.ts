import type { StepRecord } from "../../../loop/record.ts";
import { logProbBefore } from "../token-facts.ts";
import type { Height } from "./objective-curve.ts";

/** Every token of the updates as a dot. */
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly row: number;
  readonly index: number;
  /** Sign of its advantage: the panel it is in. */
  readonly sign: 1 | -1;
  /** −1 held below, +1 held above, −2 held by the dual clip, 0 free. */
  readonly clipped: number;
  /** Place of the update in the record. */
  readonly update: number;
}

export interface Dots {
  readonly dots: readonly Dot[];
  /** Tokens without weight or without advantage: they have no place. */
  readonly left: number;
}

/**
 * What the dots' heights say: `loss` and `slope` per unit of weight and advantage, over the ratio; or the `coefficient` itself, over the change of
 * log-prob by the whole step.
 */
export type DotHeight = Height | "coefficient";

export function dotsOf(record: StepRecord, update: number | undefined, height: DotHeight): Dots {
  const dots: Dot[] = [];
  let left = 0;
  const { tokens } = record;
  if (!tokens) return { dots, left };
  record.updates.forEach((u, number) => {
    if (update !== undefined && update !== number) return;
    const ratios = ratiosOf(record, number);
    u.rows.forEach((row, r) => {
      const start = tokens.offsets[row];
      for (let at = u.offsets[r]; at < u.offsets[r + 1]; at++) {
        const index = at - u.offsets[r];
        const advantage = tokens.advantage?.[start + index] ?? record.rollouts[row].advantage ?? 0;
        const weight = u.weight[at];
        const scale = weight * Math.abs(advantage);
        const before = logProbBefore(record, start + index);
        const x =
          height === "coefficient"
            ? tokens.after && before !== undefined
              ? tokens.after.logProb[start + index] - before
              : Number.NaN
            : ratios[at];
        const y = height === "coefficient" ? u.coefficient[at] : (height === "loss" ? u.tokenLoss[at] : u.coefficient[at]) / scale;
        if (scale === 0 || !Number.isFinite(x) || !Number.isFinite(y)) left++;
        else dots.push({ x, y, row, index, sign: advantage > 0 ? 1 : -1, clipped: u.clipped[at], update: number });
      }
    });
  });
  return { dots, left };
}

/** The ratios that the objective used: of answers where it compares whole answers, and says so; otherwise of tokens. */
function ratiosOf(record: StepRecord, update: number): ArrayLike<number> {
  const { ratio, terms } = record.updates[update];
  const own = terms[`objective.${record.settings.objective}.ratio`];
  return own?.length === ratio.length ? own : ratio;
}

/** Dots that would lie on one another, as one: the first of each square of `size` pixels and kind. */
export function decimate(
  dots: readonly Dot[],
  px: (dot: Dot) => number,
  py: (dot: Dot) => number,
  size = 2,
): { dot: Dot; count: number }[] {
  const cells = new Map<string, { dot: Dot; count: number }>();
  for (const dot of dots) {
    const key = `${Math.round(px(dot) / size)},${Math.round(py(dot) / size)},${dot.sign},${dot.clipped === 0}`;
    const cell = cells.get(key);
    if (cell) cell.count++;
    else cells.set(key, { dot, count: 1 });
  }
  return [...cells.values()];
}
