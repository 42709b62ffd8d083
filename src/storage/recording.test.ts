import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { StepRecord } from "../loop/record.ts";
import { Run } from "../loop/run.ts";
import { runSteps, shippedBase, smallSetup } from "../loop/testing.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { isPacked, pack, type Recording, readRecording, unpack, writeRecording } from "./recording.ts";
import { RunFileError } from "./run-file.ts";

const SETUPS = [
  smallSetup({ task: "countdown", "sampler.promptsPerStep": 2, "sampler.maxNewTokens": 12 }),
  smallSetup({ "sampler.promptsPerStep": 2 }, "dapo"),
  smallSetup({ "sampler.promptsPerStep": 2 }, "chord"),
  smallSetup({ "sampler.promptsPerStep": 2 }, "treepo"),
];

async function record(setup: Run["setup"]): Promise<Recording> {
  const engine = await createPortableEngine({ threads: 1 });
  const run = await Run.open(engine, setup, await shippedBase("nano"), { inspect: true });
  const records = await runSteps(run, 2);
  const made = { engine: engine.label, at: 1.7e12 };
  const metrics = records.map((one) => one.metrics!);
  const head = { id: "an-id", setup, edits: [], plan: engine.plan, steps: 2, savedAt: 1.7e12 };
  run.dispose();
  engine.dispose();
  return { made, run: head, metrics, records };
}

/** A copy with floats as a recording keeps them. */
function rounded<T>(value: T): T {
  if (value instanceof Float32Array) return value.map((x) => Number(x.toPrecision(5))) as T;
  if (ArrayBuffer.isView(value) || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(rounded) as T;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [key, rounded(entry)]),
  ) as T;
}

let recordings: Recording[];
beforeAll(async () => {
  recordings = [];
  for (const setup of SETUPS) recordings.push(await record(setup));
}, 60_000);

const floats = (record: StepRecord) => [record.tokens!.oldLogProb, record.updates[0].ratio, record.updates[0].coefficient];

describe("a recording", () => {
  it("gives real runs back, the per-token floats to five digits and all else exactly", async () => {
    for (const original of recordings) {
      const bytes = await pack(writeRecording(original));
      expect(isPacked(bytes)).toBe(true);
      const read = readRecording(await unpack(bytes), "an-id");
      expect(read).toEqual({ ...original, records: rounded(original.records) });
      read.records.forEach((one, i) => {
        floats(one).forEach((array, j) => {
          const exact = floats(original.records[i])[j];
          expect(array.every((x, k) => Math.abs(x - exact[k]) <= 5.1e-5 * Math.abs(exact[k]))).toBe(true);
        });
      });
      // What was rounded once stays as it is.
      expect(JSON.parse(writeRecording(read))).toEqual(JSON.parse(writeRecording(original)));
    }
  });

  it("needs the records of all steps", () => {
    const [{ records, ...rest }] = recordings;
    expect(() => writeRecording({ ...rest, records: records.slice(1) })).toThrow(/1 of 2 are at hand/);
  });

  it("that is cut off, of another kind or version, or a bomb is refused in a sentence", async () => {
    const bytes = await pack(writeRecording(recordings[0]));
    await expect(unpack(bytes.slice(0, bytes.length / 2))).rejects.toThrow(/damaged or cut off/);
    const refuse = (text: string) => {
      expect(() => readRecording(text, "id")).toThrow(RunFileError);
    };
    for (const text of ["", "[]", "null", '{"format":"x"}', writeRecording(recordings[0]).replace('"version":1', '"version":9')])
      refuse(text);
  });

  it("that lost or swapped any one value is read or refused in a sentence, and nothing else happens", () => {
    const text = writeRecording(recordings[0]);
    const anything = fc.constantFrom<unknown>(null, -1, 1e308, 0.5, "", "<script>", [], {}, true, "NaN", [[[]]]);
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(), anything, (pick, value) => {
        const file = JSON.parse(text);
        // A walk down to a leaf, or to a branch.
        let at: Record<string, unknown> = file;
        let seed = pick;
        for (;;) {
          const keys = Object.keys(at);
          const key = keys[seed % keys.length];
          seed = Math.imul(seed, 1_664_525) + 1_013_904_223;
          seed >>>= 0;
          const next = at[key];
          if (typeof next !== "object" || next === null || Object.keys(next).length === 0 || seed % 7 === 0) {
            at[key] = value;
            break;
          }
          at = next as Record<string, unknown>;
        }
        try {
          readRecording(JSON.stringify(file), "id");
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(RunFileError);
          expect((error as Error).message).toMatch(/^[^\n]{1,500}\.$/);
        }
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
