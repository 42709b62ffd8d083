import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parameters } from "../algorithm/plugin.ts";
import { treeSampler } from "../algorithm/samplers/tree.ts";
import type { GenerateRequest, Generation } from "../policy/engine.ts";
import { uniform } from "../policy/random.ts";
import { EOS } from "../policy/tokenizer.ts";
import { type GrowthDrawing, growTrees } from "./tree.ts";

const params: Parameters = {
  ...Object.fromEntries(Object.entries(treeSampler.parameters).map(([name, { default: value }]) => [name, value])),
  groupSize: 8,
  segment: 4,
};
const drawing: GrowthDrawing = { maxNewTokens: 16, temperature: 1, stopTokens: [EOS], alternatives: 1 };
const keysOf = (prompts: number, groupSize: number, first = 0) =>
  Uint32Array.from({ length: 2 * prompts * groupSize }, (_, i) => 1000 + 2 * groupSize * first + i);

/**
 * A policy whose next token depends on position and key only: end-of-text with a given chance, else one of five. Its log-prob is
 * minus the token's number, so that rows can be checked against what was drawn.
 */
function fake(stopChance: number) {
  const requests: GenerateRequest[] = [];
  const generate = async (request: GenerateRequest): Promise<Generation> => {
    requests.push(request);
    const rows = request.prompts.map((prompt, r) => {
      const tokens: number[] = [];
      while (tokens.length < request.maxNewTokens && tokens.at(-1) !== EOS) {
        const u = uniform(request.keys[2 * r], request.keys[2 * r + 1], prompt.length + tokens.length);
        tokens.push(u < stopChance ? EOS : 10 + Math.floor(u * 5));
      }
      return tokens;
    });
    const tokens = rows.flat();
    const offsets = Int32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]);
    const numbers = Float32Array.from(tokens, (token) => -token);
    return {
      offsets,
      tokens: Int32Array.from(tokens),
      finished: Uint8Array.from(rows, (row) => Number(row.at(-1) === EOS)),
      samplerLogProb: numbers,
      logProb: numbers,
      entropy: numbers,
      alternativeTokens: Int32Array.from(tokens),
      alternativeLogProbs: numbers,
    };
  };
  return { requests, generate };
}
const grow = (policy: ReturnType<typeof fake>, prompts: number, changes: Parameters = {}, draw = drawing, first = 0) => {
  const groupSize = (changes.groupSize ?? params.groupSize) as number;
  return growTrees(
    policy,
    treeSampler.tree!,
    { ...params, ...changes },
    Array.from({ length: prompts }, (_, p) => Int32Array.from([1, 20 + first + p])),
    groupSize,
    draw,
    keysOf(prompts, groupSize, first),
  );
};

describe("growing trees", () => {
  it("gives each prompt as many rollouts as its group has, whatever the tree looks like", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          stop: fc.constantFrom(0, 0.05, 0.3, 1),
          groupSize: fc.integer({ min: 1, max: 9 }),
          segment: fc.integer({ min: 1, max: 6 }),
          depth: fc.integer({ min: 1, max: 6 }),
          branching: fc.integer({ min: 1, max: 4 }),
          firstBranching: fc.integer({ min: 1, max: 12 }),
          forks: fc.constantFrom("even", "low", "high"),
        }),
        async ({ stop, ...changes }) => {
          const policy = fake(stop);
          const { rows, generated } = await grow(policy, 2, changes);
          expect(rows).toHaveLength(2 * changes.groupSize);
          expect(generated).toBeLessThanOrEqual(rows.reduce((sum, row) => sum + row.tokens.length, 0));
          const unique = new Map(
            rows.flatMap((row, r) => row.path.map(({ node, tokens }) => [`${Math.floor(r / changes.groupSize)}/${node}`, tokens])),
          );
          expect(generated).toBe([...unique.values()].reduce((a, b) => a + b, 0));
          for (const row of rows) {
            expect(row.path.reduce((sum, step) => sum + step.tokens, 0)).toBe(row.tokens.length);
            expect(row.path.length).toBeLessThanOrEqual(changes.depth);
            expect(row.tokens.length).toBeLessThanOrEqual(drawing.maxNewTokens);
            expect(row.finished).toBe(row.tokens.at(-1) === EOS);
            expect(row.tokens.indexOf(EOS)).toBe(row.finished ? row.tokens.length - 1 : -1);
            expect(Array.from(row.logProb)).toEqual(Array.from(row.tokens, (token) => -token));
            expect(Array.from(row.alternativeTokens)).toEqual(Array.from(row.tokens));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("shares beginnings: rows that name the same node have the same tokens up to it, and fewer tokens are generated than rows hold", async () => {
    const { rows, generated } = await grow(fake(0.02), 3);
    expect(generated).toBeLessThan(rows.reduce((sum, row) => sum + row.tokens.length, 0));
    const seen = new Map<string, string>();
    rows.forEach((row, r) => {
      let at = 0;
      for (const { node, tokens } of row.path) {
        at += tokens;
        const place = `${Math.floor(r / 8)}/${node}`;
        const beginning = row.tokens.slice(0, at).join(" ");
        expect(seen.get(place) ?? beginning).toBe(beginning);
        seen.set(place, beginning);
      }
    });
  });

  it("grows a prompt's tree the same whatever other prompts there are", async () => {
    const all = await grow(fake(0.1), 3);
    const last = await grow(fake(0.1), 1, {}, drawing, 2);
    expect(last.rows).toEqual(all.rows.slice(16));
  });

  it("draws every continuation with a key of its own", async () => {
    const policy = fake(0.1);
    await grow(policy, 3);
    const keys = policy.requests.flatMap(({ keys }) =>
      Array.from({ length: keys.length / 2 }, (_, i) => `${keys[2 * i]}/${keys[2 * i + 1]}`),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("hands a segment the temperatures of its own positions", async () => {
    const policy = fake(0.3);
    const temperature = Float32Array.from({ length: 16 }, (_, t) => 1 + t / 16);
    await grow(policy, 2, {}, { ...drawing, temperature });
    for (const request of policy.requests) {
      const starts = new Set(request.prompts.map((prompt) => prompt.length - 2));
      expect(starts.size).toBe(1);
      const [start] = starts;
      expect(Array.from(request.temperature as Float32Array)).toEqual(Array.from(temperature.slice(start, start + request.maxNewTokens)));
    }
    expect(policy.requests.some((request) => request.prompts[0].length > 2)).toBe(true);
  });

  it("refuses samplers that continue what has ended, or grow another number of rollouts", async () => {
    const policy = fake(1);
    const always = (parents: number[]) => ({
      segmentLength: () => 4,
      grow: (t: { nodes: readonly unknown[] }) => (t.nodes.length < 3 ? parents : []),
    });
    const run = (parents: number[]) => growTrees(policy, always(parents), params, [Int32Array.of(1)], 1, drawing, keysOf(1, 1));
    await expect(run([-1, -1, -1])).rejects.toThrow(/3 rollouts for a group of 1/);
    await expect(run([0])).rejects.toThrow(RangeError);
  });
});
