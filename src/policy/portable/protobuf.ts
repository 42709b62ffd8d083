/** The protocol-buffers wire format, as much of it as an ONNX file needs (https://protobuf.dev/programming-guides/encoding/). */

/** A growing message. Field numbers come from `onnx.proto`. */
export class ProtoWriter {
  private bytes = new Uint8Array(256);
  private length = 0;

  private reserve(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, start));
      this.bytes = grown;
    }
    return start;
  }

  private raw(data: Uint8Array): void {
    const start = this.reserve(data.length); // may replace `bytes`
    this.bytes.set(data, start);
  }

  private byte(value: number): void {
    const start = this.reserve(1);
    this.bytes[start] = value;
  }

  private varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  integer(field: number, value: number | bigint): this {
    this.varint(field << 3);
    this.varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    const start = this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(start, value, true);
    return this;
  }

  data(field: number, value: Uint8Array): this {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    this.raw(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.data(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtoWriter): this {
    return this.data(field, value.finish());
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** One field of a parsed message: an integer (wire types 0, 1, 5 as raw bits) or a range of bytes (wire type 2). */
export interface ProtoField {
  readonly field: number;
  readonly integer: bigint;
  readonly data: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/**
 * The fields of one message, in file order.
 * @throws RangeError if the bytes end inside a field or hold an unknown wire type.
 */
export function* readFields(bytes: Uint8Array): Generator<ProtoField> {
  let at = 0;
  const fixed = (size: number): bigint => {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]);
    at += size;
    return value;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new RangeError("the protobuf message is cut off");
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) yield { field, integer: varint(), data: EMPTY };
    else if (wire === 2) {
      const size = Number(varint());
      if (at + size > bytes.length) throw new RangeError("the protobuf message is cut off");
      yield { field, integer: 0n, data: bytes.subarray(at, at + size) };
      at += size;
    } else if (wire === 1 || wire === 5) {
      const size = wire === 1 ? 8 : 4;
      if (at + size > bytes.length) throw new RangeError("the protobuf message is cut off");
      yield { field, integer: fixed(size), data: EMPTY };
    } else throw new RangeError(`the protobuf message has unknown wire type ${wire}`);
  }
}
