// @vitest-environment node
import fc from "fast-check";
import { expect, it } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import { addCodes, type Result, readBoard, readResultCode, setupNumber, writeResultCode } from "./result-code.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const share = fc.integer({ min: 0, max: 10_000 }).map((n) => n / 10_000);
const anyResult: fc.Arbitrary<Result> = fc.record({
  setup: uint32,
  seed: uint32,
  before: share,
  after: share,
  steps: fc.integer({ min: 0, max: 0xffff }),
});

it("comes back from its code, as it is or as people write it", () => {
  fc.assert(
    fc.property(anyResult, (result) => {
      const code = writeResultCode(result);
      expect(code).toMatch(/^RLVR1(-[0-9A-Z]{4}){7}$/);
      expect(readResultCode(code)).toEqual(result);
      const byHand = code.slice(6).toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
      expect(readResultCode(`rlvr1-${byHand}`)).toEqual(result);
    }),
  );
});

it("refuses every code with one wrong letter, and any other text", () => {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  fc.assert(
    fc.property(anyResult, fc.integer({ min: 0, max: 27 }), fc.integer({ min: 1, max: 31 }), (result, at, shift) => {
      const code = [...writeResultCode(result).slice(6).replaceAll("-", "")];
      code[at] = letters[(letters.indexOf(code[at]) + shift) % 32];
      expect(() => readResultCode(`RLVR1-${code.join("")}`)).toThrow(/wrong|above 100/);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void expect(() => readResultCode(text)).toThrow()));
  expect(() => readResultCode("RLVR2-0000")).toThrow(/version 2/);
});

it("numbers what was run, apart from the seed", () => {
  const course = { setup: smallSetup(), edits: [] };
  const number = setupNumber(course);
  expect(setupNumber({ ...course, setup: smallSetup({}, "grpo", 8) })).toBe(number);
  expect(setupNumber({ ...course, setup: smallSetup({ "sampler.groupSize": 5 }) })).not.toBe(number);
  const turned = { ...course, edits: [{ step: 5, path: "sampler.groupSize", value: 8 }] };
  expect(setupNumber(turned)).not.toBe(setupNumber({ ...turned, edits: [{ ...turned.edits[0], step: 6 }] }));
});

it("collects a class's codes, each once, and says what is none", () => {
  const codes = [1, 2, 3].map((seed) => writeResultCode({ setup: 5, seed, before: 0.25, after: 0.5, steps: 40 }));
  const first = addCodes([], `${codes[0]}, ${codes[1]}\n${codes[0]}\nhello <b>`);
  expect(first.added).toBe(2);
  expect(first.problems).toEqual(["hello: a result code begins with RLVR1-", "<b>: a result code begins with RLVR1-"]);
  const second = addCodes(first.board, codes.join(" "));
  expect(second).toMatchObject({ added: 1, problems: [] });
  expect(readBoard(JSON.stringify(second.board.map(({ code }) => code)))).toEqual(second.board);
  for (const broken of [null, "{", "{}", "[1]"]) expect(readBoard(broken)).toEqual([]);
});
