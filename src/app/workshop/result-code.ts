import { settingsOf } from "../../recipes/recipe.ts";
import { type Course, setupAtEnd } from "../compare/words.ts";

/**
 * What a run came to, as a code that can be pasted into a chat or read aloud: `RLVR1-XXXX-…`, base 32 without letters that look like digits.
 * Bytes: version, setup (4), seed (4), pass@1 before and after in ten-thousandths (2 each), steps (2), checksum (2).
 */

export interface Result {
  /** Of everything but the seed: results with the same number are runs of one experiment. */
  readonly setup: number;
  readonly seed: number;
  /** pass@1 on held-out problems, before the first step and after the last. */
  readonly before: number;
  readonly after: number;
  readonly steps: number;
}

const VERSION = 1;
const PREFIX = `RLVR${VERSION}-`;
const BYTES = 17;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SHARES = 10_000;

/** A text that is no result code, in one sentence. */
export class ResultCodeError extends Error {}

/** A number for the recipe as it was turned, the policy and when knobs were turned; FNV-1a of 32 bits. */
export function setupNumber(course: Course): number {
  const { recipe, policy } = setupAtEnd(course);
  const settings = Object.entries(settingsOf(recipe)).sort(([a], [b]) => (a < b ? -1 : 1));
  const turned = course.edits.filter((edit) => edit.step > 1 && edit.path !== "seed").map(({ step, path, value }) => [step, path, value]);
  return fnv(JSON.stringify([policy, settings, turned]));
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** CRC-16/CCITT-FALSE. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

export function writeResultCode({ setup, seed, before, after, steps }: Result): string {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, setup);
  view.setUint32(5, seed);
  view.setUint16(9, Math.round(before * SHARES));
  view.setUint16(11, Math.round(after * SHARES));
  view.setUint16(13, Math.min(0xffff, steps));
  view.setUint16(15, checksum(bytes.subarray(0, 15)));
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  const letters = bits.match(/.{1,5}/g)!.map((five) => ALPHABET[Number.parseInt(five.padEnd(5, "0"), 2)]);
  return (
    PREFIX +
    letters
      .join("")
      .match(/.{1,4}/g)!
      .join("-")
  );
}

/**
 * Reads a code as people write it: in small letters, with spaces, an O for a zero.
 * @throws ResultCodeError with one sentence for what is no code, a mistyped one, or one of another version.
 */
export function readResultCode(text: string): Result {
  const tidy = text.toUpperCase().replace(/[\s–—]/g, "");
  const version = /^RLVR(\d+)-/.exec(tidy)?.[1];
  if (version === undefined) throw new ResultCodeError("a result code begins with RLVR1-");
  if (version !== String(VERSION)) throw new ResultCodeError(`this code has version ${version}, and this page reads version ${VERSION}`);
  const letters = tidy.slice(PREFIX.length).replaceAll("-", "").replaceAll("O", "0").replaceAll("I", "1").replaceAll("L", "1");
  if (letters.length !== Math.ceil((BYTES * 8) / 5)) throw new ResultCodeError("this code is too long or too short");
  let bits = "";
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) throw new ResultCodeError(`no result code contains ${JSON.stringify(letter)}`);
    bits += value.toString(2).padStart(5, "0");
  }
  const bytes = Uint8Array.from({ length: BYTES }, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2));
  const view = new DataView(bytes.buffer);
  const [before, after] = [view.getUint16(9) / SHARES, view.getUint16(11) / SHARES];
  const sound = view.getUint16(15) === checksum(bytes.subarray(0, 15)) && bytes[0] === VERSION && /^0*$/.test(bits.slice(8 * BYTES));
  if (!sound) throw new ResultCodeError("a letter of this code is wrong");
  if (before > 1 || after > 1) throw new ResultCodeError("this code tells of a pass@1 above 100 %");
  return { setup: view.getUint32(1), seed: view.getUint32(5), before, after, steps: view.getUint16(13) };
}

/** A result with the code that brought it. */
export interface Entry extends Result {
  readonly code: string;
}

/** The most results on one board. */
export const MOST_RESULTS = 500;

/** Adds every code of a pasted text to the board; each only once. `problems` names what is no code, one sentence each. */
export function addCodes(board: readonly Entry[], text: string): { board: Entry[]; added: number; problems: string[] } {
  const entries = [...board];
  const problems: string[] = [];
  for (const piece of text.split(/[\s,;]+/).filter((p) => p !== "")) {
    try {
      const result = readResultCode(piece);
      const code = writeResultCode(result);
      if (entries.some((entry) => entry.code === code)) continue;
      if (entries.length >= MOST_RESULTS) throw new ResultCodeError(`the board is full (${MOST_RESULTS} results)`);
      entries.push({ ...result, code });
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error;
      const shown = piece.length > 40 ? `${piece.slice(0, 40)}…` : piece;
      problems.push(`${shown}: ${error.message}`);
    }
  }
  return { board: entries, added: entries.length - board.length, problems };
}

/** The board as it was kept; what is no result any more is left out. */
export function readBoard(kept: string | null): Entry[] {
  try {
    const codes: unknown = JSON.parse(kept ?? "[]");
    return Array.isArray(codes) && codes.every((code) => typeof code === "string") ? addCodes([], codes.join(" ")).board : [];
  } catch {
    return [];
  }
}
