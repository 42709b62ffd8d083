// @vitest-environment node
import { expect, it } from "vitest";
import type { EvaluationRecord, StepRecord } from "../../../loop/record.ts";
import { afterEvent, EMPTY } from "../../state.ts";
import { measuredBy } from "./evaluation.tsx";

const evaluation = (right: number) => ({ passAtK: { "1": right } }) as unknown as EvaluationRecord;
const record = (step: number, own?: EvaluationRecord) => ({ step, ...(own ? { evaluation: own } : {}) }) as unknown as StepRecord;

it("shows of an old step what had been measured by then, never what came later", () => {
  const measured = [3, 10, 20].map((step) => ({ step, evaluation: evaluation(step / 100) }));
  expect(measuredBy(record(2), measured)).toBeUndefined();
  expect(measuredBy(record(3), measured)?.step).toBe(3);
  expect(measuredBy(record(9), measured)?.step).toBe(3);
  expect(measuredBy(record(40), measured)?.step).toBe(20);
  // The step's own measurement is coarser, but newer than another step's.
  const own = record(15, evaluation(0.5));
  expect(measuredBy(own, measured)).toEqual({ step: 15, evaluation: evaluation(0.5) });
  expect(measuredBy(own, measured)).toBe(measuredBy(own, measured));
  expect(measuredBy(record(20, evaluation(0.5)), measured)?.evaluation.passAtK["1"]).toBe(0.2);
});

it("keeps every measurement in the order of steps", () => {
  const steps = [10, 3, 10, 20];
  const state = steps.reduce((now, step, i) => afterEvent(now, { type: "evaluated", step, evaluation: evaluation(i) }), EMPTY);
  expect(state.measurements.map((m) => m.step)).toEqual([3, 10, 20]);
  expect(state.measurements[1].evaluation).toEqual(evaluation(2));
  expect(state.measured?.step).toBe(20);
  // A step's own measurement is kept, too, until a better one of the same step comes.
  const stepped = afterEvent(state, { type: "phase", phase: "evaluation", record: { ...record(25, evaluation(1)), phase: "evaluation" } });
  expect(stepped.measurements.at(-1)?.step).toBe(25);
  expect(stepped.measured?.step).toBe(20);
  expect(afterEvent(state, { type: "evaluated", step: 0, evaluation: evaluation(0) }).measurements).toBe(state.measurements);
});
