import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtoWriter, readFields } from "./protobuf.ts";

describe("protobuf", () => {
  test("what is written reads back", () => {
    const field = fc.oneof(
      fc.tuple(fc.constant("integer" as const), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
      fc.tuple(fc.constant("data" as const), fc.uint8Array({ maxLength: 400 })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), field)), (fields) => {
        const writer = new ProtoWriter();
        for (const [number, [kind, value]] of fields) {
          if (kind === "integer") writer.integer(number, value);
          else writer.data(number, value);
        }
        const read = [...readFields(writer.finish())];
        expect(read.length).toBe(fields.length);
        read.forEach(({ field: number, integer, data }, i) => {
          const [expectedNumber, [kind, value]] = fields[i];
          expect(number).toBe(expectedNumber);
          if (kind === "integer") expect(integer).toBe(value);
          else expect(Array.from(data)).toEqual(Array.from(value));
        });
      }),
    );
  });

  test("negative integers are 64-bit two's complement, floats four bytes", () => {
    const bytes = new ProtoWriter().integer(1, -1).float(2, 0.5).text(3, "é").finish();
    const [a, b, c] = [...readFields(bytes)];
    expect(BigInt.asIntN(64, a.integer)).toBe(-1n);
    expect(b.integer).toBe(0x3f000000n);
    expect(new TextDecoder().decode(c.data)).toBe("é");
  });

  test("a message that is cut off is refused", () => {
    const bytes = new ProtoWriter().text(1, "hello").integer(2, 3).float(3, 1).finish();
    for (const length of [1, 3, 8, bytes.length - 1]) expect(() => [...readFields(bytes.subarray(0, length))]).toThrow("cut off");
  });
});
