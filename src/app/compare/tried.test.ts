import { expect, it } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import { csv, rowsAsCsv, rowsOf, sorted, type TriedRun } from "./tried.ts";

const history = (steps: number, reward: number, pass?: number) =>
  Array.from({ length: steps }, (_, i) => ({ step: i + 1, reward, ...(pass !== undefined && i === 1 ? { "pass@1": pass } : {}) }));

const runs: TriedRun[] = [
  { id: "c", setup: smallSetup({}, "grpo", 8), edits: [], history: history(3, 0.4), savedAt: 3 },
  {
    id: "b",
    setup: smallSetup(),
    edits: [{ step: 12, path: "sampler.groupSize", value: 16 }],
    history: history(30, 0.6, 0.5),
    savedAt: 2,
  },
  { id: "a", name: "my first", setup: smallSetup(), edits: [], history: history(20, 0.5, 0.25), savedAt: 1 },
  { id: "d", setup: smallSetup({}, "dr-grpo"), edits: [], history: [], savedAt: 4 },
];

it("names runs by what tells them apart from the first", () => {
  const rows = rowsOf(runs);
  expect(rows.map((row) => row.id)).toEqual(["a", "b", "c", "d"]);
  expect(rows.map((row) => row.differences).slice(0, 3)).toEqual(["the first", "Group size 16 from step 12", "seed 8"]);
  expect(rows[3].differences).toMatch(/nothing|none/i);
  expect(rows[0]).toMatchObject({ run: "my first", seed: 7, steps: 20, passAt1: 0.25, reward: 0.5, task: "Reverse" });
  expect(rows[3]).toMatchObject({ run: "Dr. GRPO", steps: 0, passAt1: undefined, reward: undefined });
});

it("sorts by any column, the unmeasured last", () => {
  const ids = (by: "passAt1" | "run", descending: boolean) => sorted(rowsOf(runs), by, descending).map((row) => row.id);
  expect(ids("passAt1", true).slice(0, 2)).toEqual(["b", "a"]);
  expect(ids("passAt1", false).slice(0, 2)).toEqual(["a", "b"]);
  expect(ids("run", false)[0]).toBe("d");
});

it("exports what spreadsheets read", () => {
  expect(
    csv([
      ["a", 1.5],
      ['say "x", y', undefined],
      ["=1+1", "+2"],
    ]),
  ).toBe('a,1.5\r\n"say ""x"", y",\r\n\'=1+1,\'+2\r\n');
  expect(rowsAsCsv(rowsOf(runs)).split("\r\n")).toHaveLength(6);
});
