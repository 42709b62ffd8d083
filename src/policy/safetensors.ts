import { CheckpointError } from "./checkpoint-error.ts";
import { isObject } from "./llama-config.ts";

/** A tensor by name; float32, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Tensors as a safetensors file (https://github.com/huggingface/safetensors#format): header length, JSON header, data; all little-endian. */
export function writeSafetensors(tensors: readonly NamedTensor[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // data begins at a multiple of 8
  const file = new Uint8Array(8 + padded + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + padded);
  let at = 8 + padded;
  for (const { data } of tensors) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  const whole = (x: unknown) => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && n >= 0);
  return typeof entry?.dtype === "string" && whole(entry.shape) && whole(entry.data_offsets) && entry.data_offsets?.length === 2;
}

/**
 * The tensors of a safetensors file, by name.
 * @throws CheckpointError if the file is cut off or malformed, or holds anything but float32.
 */
export function readSafetensors(file: Uint8Array): Map<string, NamedTensor> {
  const fail = (problem: string): never => {
    throw new CheckpointError(`model.safetensors is broken: ${problem}`);
  };
  if (file.length < 8) fail(`it has only ${file.length} bytes`);
  const headerLength = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const start = 8 + headerLength;
  if (start > file.length) fail("its header is longer than the file");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  } catch {
    fail("its header is not JSON");
  }
  if (!isObject(header)) return fail("its header is not an object");
  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!isEntry(entry)) return fail(`its entry for ${name} is malformed`);
    if (entry.dtype !== "F32") fail(`${name} has type ${entry.dtype}, only F32 is supported`);
    const [from, to] = entry.data_offsets;
    const size = entry.shape.reduce((a, b) => a * b, 1);
    if (to - from !== 4 * size) fail(`${name} of shape [${entry.shape}] has ${to - from} bytes`);
    if (start + to > file.length) fail(`it ends before the data of ${name}`);
    // A copy, because the file's data need not be aligned in memory.
    const copy = new Uint8Array(file.subarray(start + from, start + to));
    tensors.set(name, { name, shape: entry.shape, data: new Float32Array(copy.buffer) });
  }
  return tensors;
}
