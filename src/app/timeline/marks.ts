import type { Metrics } from "../../loop/record.ts";
import type { Edit } from "../../loop/run.ts";
import type { KeptRun } from "../../worker/protocol.ts";
import { axisEnd } from "../charts/series.ts";
import { labelOf, showValue } from "../knobs/describe.ts";
import type { RunView } from "../state.ts";

/** What the timeline shows, and where. */

/** The last step that the timeline has room for: a round number, so that its marks seldom move. */
export const timelineEnd = (step: number) => Math.max(10, axisEnd(step));

/** Where a step lies between step 1 (0) and the timeline's end (1). */
export const placeOf = (step: number, end: number) => Math.min(1, Math.max(0, (step - 1) / (end - 1)));

export interface Mark {
  readonly kind: "edit" | "fork" | "origin";
  readonly step: number;
  readonly text: string;
}

const LONGEST = 40;
const shortened = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/** "Sampler: Group size 3". */
export function editInWords(run: Pick<RunView, "recipe">, { path, value }: Pick<Edit, "path" | "value">): string {
  return `${labelOf(run.recipe, path)} ${shortened(path === "seed" ? String(value) : showValue(run.recipe, path, value))}`;
}

/** Edits by the step from which they hold, forks of this run, and where it branched off itself. */
export function marksOf(run: RunView, kept: readonly KeptRun[]): Mark[] {
  const edits = new Map<number, Edit[]>();
  for (const edit of run.edits) edits.set(edit.step, [...(edits.get(edit.step) ?? []), edit]);
  const forks = kept.flatMap(({ parent, name, recipe }) => (parent?.id === run.id ? [{ step: parent.step, name: name ?? recipe }] : []));
  return [
    ...[...edits].map(([step, all]) => ({
      kind: "edit" as const,
      step,
      text: `From step ${step}: ${all.map((edit) => editInWords(run, edit)).join(", ")}`,
    })),
    ...forks.map(({ step, name }) => ({ kind: "fork" as const, step, text: `Forked after step ${step}: “${name}”` })),
    ...(run.parent
      ? [
          {
            kind: "origin" as const,
            step: run.parent.step,
            text: `This run branched off “${run.parent.name}” after step ${run.parent.step}`,
          },
        ]
      : []),
  ];
}

/** Steps after which pass@1 was measured. */
export const measuredSteps = (history: readonly Metrics[]) => history.filter((m) => "pass@1" in m).map((m) => m.step);

/** Steps as unbroken stretches: `[from, to]`, both included. */
export function stretches(steps: readonly number[]): (readonly [from: number, to: number])[] {
  const all: [number, number][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    if (last && step === last[1] + 1) last[1] = step;
    else all.push([step, step]);
  }
  return all;
}
