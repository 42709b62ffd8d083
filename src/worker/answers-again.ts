import { type RunSetup, setupAt } from "../loop/run.ts";
import { checkResolved } from "../recipes/recipe.ts";
import type { RunWithMetrics } from "../storage/run-file.ts";
import { rolloutLines } from "../storage/tables.ts";
import { sentence } from "./keeper.ts";
import { sameMetrics } from "./look-back.ts";
import type { Machine } from "./machine.ts";
import type { Event } from "./protocol.ts";
import { linesFile } from "./run-files.ts";
import { type Beside, stepInTurns, type Turns } from "./turns.ts";

interface Surroundings {
  readonly machine: Machine;
  readonly turns: Turns;
  readonly beside: Beside;
  emit(event: Event): void;
}

/**
 * All answers of a kept run as a file. Only its setup, edits, metrics and last weights are kept, so they are computed again from its
 * beginning, beside the run on screen, which may go on meanwhile. The file, or why there is none, comes as an event.
 */
export function exportAnswersAgain(kept: RunWithMetrics, around: Surroundings): void {
  const { beside, emit } = around;
  beside.begin((signal) => compute(kept, around, signal).catch((error) => emit({ type: "error", message: sentence(error), fatal: false })));
}

async function compute(kept: RunWithMetrics, { machine, turns, emit }: Surroundings, signal: AbortSignal): Promise<void> {
  const { metrics } = kept;
  const { edits } = kept.run;
  // It may have been kept by another version of this page.
  const setup: RunSetup = { ...kept.run.setup, recipe: checkResolved(kept.run.setup.recipe) };
  setupAt(setup, edits, Number.POSITIVE_INFINITY);
  const last = metrics.at(-1)?.step ?? 0;
  const run = await turns.take(() => machine.openBeside(setup, { edits, inspect: false }));
  const lines: string[] = [];
  let different: number | undefined;
  try {
    while (run.step < last) {
      const step = run.step + 1;
      const what = `Computing the answers of step ${step} of ${last} again`;
      const onProgress = (share: number) => emit({ type: "progress", what, fraction: (step - 1 + share) / last, cancel: true });
      const record = await stepInTurns(run, turns, signal, onProgress);
      if (!record) throw new Error("The answers were not exported.");
      lines.push(rolloutLines(record));
      const original = metrics.find((line) => line.step === step);
      if (original && !sameMetrics(record.metrics!, original)) different ??= step;
    }
  } finally {
    run.dispose();
  }
  emit({ type: "exported", ...linesFile(kept, lines) });
  if (different !== undefined)
    emit({
      type: "notice",
      message: `From step ${different} on the answers that were computed again may differ from those of the kept run, because another engine ran it.`,
    });
}
