import { expect, it } from "vitest";
import { decode } from "../../policy/tokenizer.ts";
import { recordedRun } from "../testing.ts";
import { groupsInCommon, tokensOf } from "./groups.ts";

const [a, b, other] = await Promise.all([
  recordedRun({}, 3),
  recordedRun({ "optimizer.learningRate": 0.003 }, 3),
  recordedRun({ "task.level": "6" }, 1),
]);
const at = (run: typeof a, step: number) => run.records.findLast((record) => record.step === step)!;

it("pairs what runs from one seed were asked and drew", () => {
  const first = groupsInCommon(at(a, 1), at(b, 1));
  expect(first).toHaveLength(3);
  for (const { rows } of first) for (const { left, shared } of rows) expect(shared).toBe(tokensOf(at(a, 1), left!).length);

  const third = groupsInCommon(at(a, 3), at(b, 3));
  expect(third).toHaveLength(3);
  const rows = third.flatMap((group) => group.rows);
  expect(rows.some(({ left, shared }) => shared < tokensOf(at(a, 3), left!).length)).toBe(true);
  for (const { left, right, shared } of rows) {
    const [x, y] = [tokensOf(at(a, 3), left!), tokensOf(at(b, 3), right!)];
    expect(decode(x.subarray(0, shared))).toBe(decode(y.subarray(0, shared)));
    expect(x[shared] === y[shared] && x[shared] !== undefined).toBe(false);
  }
});

it("finds nothing in common where the questions differ", () => {
  expect(groupsInCommon(at(a, 1), at(other, 1))).toEqual([]);
});

it("leaves a gap where one run draws fewer answers", async () => {
  const wide = await recordedRun({ "sampler.groupSize": 6 }, 1);
  const [group] = groupsInCommon(at(a, 1), at(wide, 1));
  expect(group.rows.map(({ left }) => left === undefined)).toEqual([false, false, false, false, true, true]);
  expect(group.rows.every(({ right }) => right !== undefined)).toBe(true);
});
