import type { Claim } from "../recipes/claim.ts";
import type { ClaimReport, ConditionReport, RecordedOutcome } from "../recipes/outcomes.ts";

/** Three significant digits, signed where the sign tells something. */
function number(value: number | null, signed = false): string {
  if (value === null) return "not measured";
  const text = Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return signed && value > 0 ? `+${text}` : text.replace("-", "−");
}

function mean(values: readonly (number | null)[]): number | null {
  return values.some((value) => value === null) ? null : (values as number[]).reduce((a, b) => a + b, 0) / values.length;
}

function conditionLines({ sentence, measure, method, baseline, compare, effect, interval, outcome, ...condition }: ConditionReport) {
  const ratio = compare === "ratio";
  const bounds = interval ? ` [${interval.map((bound) => number(bound, !ratio)).join(", ")}]` : "";
  const wanted = `${condition.direction === "higher" ? ">" : "<"} ${number(condition.direction === "higher" || ratio ? condition.margin : -condition.margin)}`;
  return [
    `  ${outcome}: ${sentence}`,
    `    ${measure}: ${number(mean(method))} against ${number(mean(baseline))}`,
    `    ${ratio ? "ratio" : "effect"} ${number(effect, !ratio)}${bounds}, claimed ${wanted}`,
  ];
}

/** What a claim says, before it is checked. */
export function claimLines({ sentence, baseline, budget, settings, conditions }: Claim): string[] {
  const task = [settings.task, settings["task.level"]].filter((part) => part !== undefined).join(" ");
  return [
    `claim: ${sentence}`,
    `  against ${baseline.recipe} on ${task || "the recipe's task"}, ${budget.policy}; ${budget.tokens} generated tokens a run, ${budget.seeds} seeds`,
    ...conditions.map((condition) => `  - ${condition.sentence}`),
  ];
}

/** What was found, condition by condition. */
export function reportLines(report: ClaimReport): string[] {
  return [
    ...report.conditions.flatMap(conditionLines),
    `  ${report.recipe}: ${report.outcome} (${report.seeds} ${report.seeds === 1 ? "seed" : "seeds"}, ${report.tokens} tokens a run, ${report.cpuSeconds.toFixed(0)} s of processor time)`,
  ];
}

/** A recorded outcome, and whether it is about the recipe as it is now. */
export function recordedLines(recorded: RecordedOutcome, hash: string): string[] {
  return [
    `recorded on ${recorded.date} with ${recorded.command}:`,
    ...reportLines(recorded),
    ...(recorded.reason ? [`  likely reason: ${recorded.reason}`] : []),
    ...(recorded.hash === hash ? [] : ["  the recipe or its claim has changed since: this record is out of date"]),
  ];
}
