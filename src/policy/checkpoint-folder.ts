import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/**
 * Makes a folder and those above it (Node only). Node's own recursive `mkdir` never returns where a folder exists but refuses any entry, as
 * /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/**
 * Writes a file beside its place and moves it there (Node only): a crash or a full disk leaves the old one whole.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const part = `${path}.part`;
  try {
    await writeFile(part, content);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
}

/** Writes a folder's files, each whole, making the folder if needed (Node only). */
export async function writeCheckpointFolder(folder: string, files: CheckpointFiles): Promise<void> {
  await makeFolder(folder);
  for (const [name, content] of Object.entries(files)) await writeWhole(join(folder, name), content);
}
