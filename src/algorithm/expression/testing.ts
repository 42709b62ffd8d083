import fc from "fast-check";
import type { UpdateBatch } from "../batch.ts";

/** Thousandths, so that nothing underflows. */
const number = (min: number, max: number) => fc.integer({ min: min * 1000, max: max * 1000 }).map((x) => x / 1000);

/** Any small mini-batch: uneven groups, empty answers, masked tokens, rewards that repeat. */
export const anyBatch: fc.Arbitrary<UpdateBatch> = fc
  .array(
    fc.record({
      group: fc.integer({ min: 0, max: 2 }),
      reward: fc.oneof(fc.constantFrom(0, 1), number(-2, 2)),
      finished: fc.boolean(),
      tokens: fc.array(
        fc.record({
          logProb: number(-3, -0.1),
          oldLogProb: number(-3, -0.1),
          refLogProb: number(-3, -0.1),
          entropy: number(0, 3),
          advantage: number(-2, 2),
          weight: fc.oneof({ weight: 4, arbitrary: number(0.01, 1) }, fc.constant(0)),
        }),
        { maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((rows) => {
    const tokens = rows.flatMap((row) => row.tokens);
    const offsets = [0];
    for (const row of rows) offsets.push(offsets[offsets.length - 1] + row.tokens.length);
    const of = (name: "logProb" | "oldLogProb" | "refLogProb" | "entropy" | "advantage" | "weight") =>
      Float64Array.from(tokens, (token) => token[name]);
    return {
      rows: rows.length,
      offsets,
      group: rows.map((row) => row.group),
      groups: [0, 1, 2].map((g) => rows.flatMap((row, r) => (row.group === g ? [r] : []))),
      reward: rows.map((row) => row.reward),
      parts: { correct: rows.map((row) => Number(row.reward === 1)), format: rows.map((row) => row.reward / 2) },
      finished: rows.map((row) => row.finished),
      maxLength: 4,
      scores: { oldLogProb: of("oldLogProb"), samplerLogProb: of("oldLogProb"), refLogProb: of("refLogProb"), entropy: of("entropy") },
      step: 3,
      logProb: of("logProb"),
      oldLogProb: of("oldLogProb"),
      advantage: of("advantage"),
      entropy: of("entropy"),
      weight: of("weight"),
      temperature: 1,
    };
  });

/** Two groups: answers of 2, 0 and 1 tokens, and of 3. */
export function smallBatch(changes: Partial<UpdateBatch> = {}): UpdateBatch {
  const logProb = [-0.5, -1, -1.5, -2, -2.5, -3];
  return {
    rows: 4,
    offsets: [0, 2, 2, 3, 6],
    group: [0, 0, 0, 1],
    groups: [[0, 1, 2], [3]],
    reward: [1, 0, 0.5, 2],
    parts: { correct: [1, 0, 0, 1], format: [0, 0, 0.5, 1] },
    finished: [true, true, false, true],
    maxLength: 8,
    scores: { oldLogProb: logProb, entropy: [1, 2, 3, 4, 5, 6] },
    step: 7,
    logProb,
    oldLogProb: logProb,
    advantage: [1, 1, -1, 2, 2, 2],
    weight: [1, 1, 1, 1, 1, 1],
    temperature: 1,
    ...changes,
  };
}
