import type { StepRecord } from "../loop/record.ts";
import { type RunWithMetrics, writeRunFile } from "../storage/run-file.ts";
import { metricsCsv, rolloutLines } from "../storage/tables.ts";
import type { ExportKind } from "./protocol.ts";

interface ExportedFile {
  readonly fileName: string;
  readonly mime: string;
  readonly content: string;
}

/**
 * A run, its metrics or its answers as a file.
 * @param records the answers' steps; undefined if the run is not at hand. @throws Error with one sentence if there is nothing to export.
 */
export function fileOf({ run, metrics }: RunWithMetrics, what: ExportKind, records: readonly StepRecord[] | undefined): ExportedFile {
  if (metrics.length === 0) throw new Error("This run has no steps to export yet.");
  const { recipe, seed } = run.setup;
  const name = run.name ?? `${recipe.name} ${recipe.slots.task.plugin} seed ${seed}`;
  const stem = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}-${metrics.length}-steps`;
  if (what === "metrics") return { fileName: `${stem}.csv`, mime: "text/csv", content: metricsCsv(metrics) };
  if (what === "run") {
    const content = writeRunFile({ run: { ...run, steps: metrics.length }, metrics });
    return { fileName: `${stem}.rlvr.json`, mime: "application/json", content };
  }
  if (!records) throw new Error("Answers can be exported of the run on screen only: open this one first.");
  return { fileName: `${stem}.jsonl`, mime: "application/jsonl", content: records.map(rolloutLines).join("") };
}
