import { expect, it } from "vitest";
import { decode } from "../../policy/tokenizer.ts";
import { recordedRun } from "../testing.ts";
import { groupsInCommon, tokensOf } from "./groups.ts";

const [a, b, c, other] = await Promise.all([
  recordedRun({}, 3),
  recordedRun({ "optimizer.learningRate": 0.003 }, 3),
  recordedRun({ "optimizer.learningRate": 0.01 }, 3),
  recordedRun({ "task.level": "6" }, 1),
]);
const at = (run: typeof a, step: number) => run.records.findLast((record) => record.step === step)!;

it("pairs what runs from one seed were asked and drew", () => {
  const runs = [a, b, c];
  const [first, ...rest] = runs.map((run) => at(run, 1));
  const early = groupsInCommon(first, rest);
  expect(early).toHaveLength(3);
  for (const { rows } of early)
    for (const answers of rows) for (const answer of answers) expect(answer!.shared).toBe(tokensOf(first, answers[0]!.row).length);

  const third = groupsInCommon(at(a, 3), [at(b, 3), at(c, 3)]);
  expect(third).toHaveLength(3);
  const rows = third.flatMap((group) => group.rows);
  expect(rows.some(([own]) => own!.shared < tokensOf(at(a, 3), own!.row).length)).toBe(true);
  for (const [own, ...theirs] of rows) {
    const x = tokensOf(at(a, 3), own!.row);
    theirs.forEach((answer, i) => {
      const { row, shared } = answer!;
      const y = tokensOf(at(runs[i + 1], 3), row);
      expect(decode(x.subarray(0, shared))).toBe(decode(y.subarray(0, shared)));
      expect(x[shared] === y[shared] && x[shared] !== undefined).toBe(false);
    });
    expect(own!.shared).toBe(Math.min(...theirs.map((answer) => answer!.shared)));
  }
});

it("finds nothing in common where the questions differ, and leaves the column empty of a run that was asked something else", () => {
  expect(groupsInCommon(at(a, 1), [at(other, 1)])).toEqual([]);
  expect(groupsInCommon(at(a, 1), [undefined])).toEqual([]);
  const groups = groupsInCommon(at(a, 1), [at(other, 1), at(b, 1), undefined]);
  expect(groups.map(({ groups: [, ...theirs] }) => theirs)).toEqual([0, 1, 2].map((i) => [undefined, i, undefined]));
  for (const [own, wrong, right, missing] of groups.flatMap(({ rows }) => rows)) {
    expect([wrong, missing]).toEqual([undefined, undefined]);
    expect(right!.shared).toBe(own!.shared);
  }
});

it("leaves a gap where one run draws fewer answers", async () => {
  const wide = await recordedRun({ "sampler.groupSize": 6 }, 1);
  const [group] = groupsInCommon(at(a, 1), [at(wide, 1), at(b, 1)]);
  expect(group.rows.map((answers) => answers.map((answer) => answer !== undefined))).toEqual([
    ...Array(4).fill([true, true, true]),
    ...Array(2).fill([false, true, false]),
  ]);
});
