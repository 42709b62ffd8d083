import type { Metrics, StepRecord } from "../loop/record.ts";

/** A run's numbers and answers in forms that other tools read. */

/** Metrics as CSV: a line a step, a column a metric, empty where it was not measured; the step comes first. */
export function metricsCsv(history: readonly Metrics[]): string {
  const names = [...new Set(["step", ...history.flatMap((metrics) => Object.keys(metrics))])];
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = history.map((metrics) => names.map((name) => (name in metrics ? String(metrics[name]) : "")).join(","));
  return `${[names.map(cell).join(","), ...lines].join("\n")}\n`;
}

/** A step's rollouts as JSON lines, a rollout a line: as verl's dumps have it, and what we know beyond. */
export function rolloutLines(record: StepRecord): string {
  return record.rollouts.map((_, row) => `${JSON.stringify(rolloutLine(record, row))}\n`).join("");
}

function rolloutLine(record: StepRecord, row: number): Record<string, unknown> {
  const rollout = record.rollouts[row];
  const { problem } = record.groups[rollout.group];
  const { score, reason, parts } = rollout.verdict!;
  return {
    step: record.step,
    input: problem.prompt,
    output: rollout.text,
    gts: problem.truth,
    score,
    reward: rollout.reward,
    advantage: rollout.advantage,
    task: problem.task,
    level: problem.level,
    group: rollout.group,
    row,
    round: rollout.round,
    finished: rollout.finished,
    well_formed: parts.wellFormed,
    reason,
    length: record.tokens!.offsets[row + 1] - record.tokens!.offsets[row],
  };
}
