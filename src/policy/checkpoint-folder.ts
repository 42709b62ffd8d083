import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, type CheckpointFiles, HUGGING_FACE_FILES } from "./checkpoint.ts";

/**
 * The files of a Hugging Face folder on disk (Node only).
 * @throws CheckpointError naming the first file that is missing or unreadable.
 */
export async function readCheckpointFolder(folder: string): Promise<CheckpointFiles> {
  const files: Record<string, Uint8Array> = {};
  for (const name of HUGGING_FACE_FILES) {
    try {
      files[name] = new Uint8Array(await readFile(join(folder, name)));
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT" ? "is missing" : `cannot be read (${(error as Error).message})`;
      throw new CheckpointError(`the checkpoint's ${join(folder, name)} ${missing}`);
    }
  }
  return files;
}

/** Writes a folder's files, making the folder if needed (Node only). */
export async function writeCheckpointFolder(folder: string, files: CheckpointFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}
