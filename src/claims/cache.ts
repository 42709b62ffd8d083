import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, writeWhole } from "../policy/checkpoint-folder.ts";
import type { FinishedRun } from "./measure.ts";

/** Finished runs by content: what decides a run's numbers is its key. */
export interface RunCache {
  get(key: string): Promise<FinishedRun | undefined>;
  put(key: string, run: FinishedRun): Promise<void>;
}

/** JSON with the keys of objects sorted, so that equal data has equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** SHA-256 of plain data, in hexadecimal. */
export const contentHash = (value: unknown): string => createHash("sha256").update(canonicalJson(value)).digest("hex");

/** SHA-256 of an array's bytes. */
export const bytesHash = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/** Runs as files `KEY.json` of a folder, which is made when it is needed. A file that cannot be read as a run counts as absent. */
export function folderCache(folder: string): RunCache {
  const path = (key: string) => join(folder, `${key}.json`);
  return {
    async get(key) {
      const text = await readFile(path(key), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        const run = JSON.parse(text) as FinishedRun;
        return Array.isArray(run.steps) && typeof run.end === "object" && typeof run.tokens === "number" ? run : undefined;
      } catch {
        return undefined;
      }
    },
    async put(key, run) {
      await makeFolder(folder);
      await writeWhole(path(key), JSON.stringify(run));
    },
  };
}
