import type { StepRecord } from "../loop/record.ts";
import { pack, RECORDING_ENDING, writeRecording } from "../storage/recording.ts";
import { type RunWithMetrics, writeRunFile } from "../storage/run-file.ts";
import { metricsCsv, rolloutLines } from "../storage/tables.ts";
import type { ExportKind } from "./protocol.ts";

interface ExportedFile {
  readonly fileName: string;
  readonly mime: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
}

/**
 * A run, its metrics, its answers or all that there is to see of it as a file.
 * @param records the steps at hand; undefined if the run is not. @param engine what it runs on, in words. @throws Error with one sentence if there is nothing to export.
 */
export async function fileOf(
  { run, metrics }: RunWithMetrics,
  what: Exclude<ExportKind, "rolloutsAgain">,
  records: readonly StepRecord[] | undefined,
  engine: string,
): Promise<ExportedFile> {
  if (metrics.length === 0) throw new Error("This run has no steps to export yet.");
  const stem = stemOf({ run, metrics });
  if (what === "metrics") return { fileName: `${stem}.csv`, mime: "text/csv", content: metricsCsv(metrics) };
  if (what === "run") {
    const content = writeRunFile({ run: { ...run, steps: metrics.length }, metrics });
    return { fileName: `${stem}.rlvr.json`, mime: "application/json", content };
  }
  if (!records) throw new Error("Only of the run on screen are records at hand: open this one first.");
  if (what === "recording") {
    const content = await pack(writeRecording({ made: { engine, at: run.savedAt }, run, metrics, records }));
    return { fileName: `${stem}${RECORDING_ENDING}`, mime: "application/gzip", content };
  }
  return linesFile({ run, metrics }, records.map(rolloutLines));
}

/** A run's answers as a file. @param lines of its steps */
export const linesFile = (run: RunWithMetrics, lines: readonly string[]): ExportedFile => ({
  fileName: `${stemOf(run)}.jsonl`,
  mime: "application/jsonl",
  content: lines.join(""),
});

function stemOf({ run, metrics }: RunWithMetrics): string {
  const { recipe, seed } = run.setup;
  const name = run.name ?? `${recipe.name} ${recipe.slots.task.plugin} seed ${seed}`;
  return `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}-${metrics.length}-steps`;
}
