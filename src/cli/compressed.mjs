import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** Files as browsers like them best: compressed once, when first asked for, and kept. */

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** What is worth it; pictures, recordings and weights are as dense as they get. */
const DENSER = [".html", ".js", ".mjs", ".css", ".json", ".webmanifest", ".md", ".svg", ".wasm"];

/** @type {Readonly<Record<string, (content: Buffer) => Promise<Buffer>>>} */
const CODINGS = {
  // Higher levels take seconds for ONNX Runtime, and save little.
  br: (content) => brotli(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
  gzip: (content) => zip(content),
};

/** The codings, best first, that a request's Accept-Encoding allows. @param {string | undefined} accepted */
function codingsOf(accepted = "") {
  const named = new Map(
    accepted.split(",").map((part) => {
      const [name, ...params] = part.split(";").map((text) => text.trim().toLowerCase());
      return [name, !params.some((param) => /^q=0(\.0*)?$/.test(param))];
    }),
  );
  return Object.keys(CODINGS).filter((coding) => named.get(coding) ?? named.get("*") ?? false);
}

/** Compressed files of one site, in memory. */
export class Compressed {
  /** @type {Map<string, { version: number, content: Promise<Buffer> }>} */
  #kept = new Map();

  /**
   * A file's compressed content and its coding, or undefined if it is to be sent as it is.
   * @param {string} file
   * @param {string} extension
   * @param {number} version what changes when the file does
   * @param {string | undefined} accepted the request's Accept-Encoding
   * @returns {Promise<{ coding: string, content: Buffer } | undefined>}
   * @throws the system's error if the file cannot be read
   */
  async get(file, extension, version, accepted) {
    const [coding] = DENSER.includes(extension) ? codingsOf(accepted) : [];
    if (!coding) return undefined;
    const key = `${coding} ${file}`;
    let kept = this.#kept.get(key);
    if (kept?.version !== version) {
      // Visitors who ask meanwhile wait for the same work.
      kept = { version, content: readFile(file).then(CODINGS[coding]) };
      this.#kept.set(key, kept);
      kept.content.catch(() => this.#kept.delete(key));
    }
    return { coding, content: await kept.content };
  }
}

/** Whether a file's answer depends on the request's Accept-Encoding. @param {string} extension */
export const varies = (extension) => DENSER.includes(extension);
