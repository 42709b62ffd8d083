/** Weights too large for a database, as files in the browser's origin-private file system. */
export interface WeightFiles {
  /** @throws Error if the browser has no such files, or no room for them. */
  write(name: string, arrays: readonly Float32Array<ArrayBuffer>[]): Promise<void>;
  /** The arrays, one after the other; undefined if there is no such file. */
  read(name: string): Promise<Float32Array<ArrayBuffer> | undefined>;
  /** Quietly, whether it is there or not. */
  remove(name: string): Promise<void>;
  /** All that there are, with the time of their last change (milliseconds since 1970). */
  list(): Promise<readonly { readonly name: string; readonly changed: number }[]>;
}

const FOLDER = "weights";

export function browserWeightFiles(): WeightFiles {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  const quietly = <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);
  return {
    async write(name, arrays) {
      const stream = await (await (await folder()).getFileHandle(name, { create: true })).createWritable();
      try {
        for (const array of arrays) await stream.write(array);
        // Only now does the file have any of it.
        await stream.close();
      } catch (error) {
        await quietly(stream.abort());
        await this.remove(name);
        throw error;
      }
    },
    async read(name) {
      const file = await quietly((await folder()).getFileHandle(name).then((handle) => handle.getFile()));
      return file && new Float32Array(await file.arrayBuffer());
    },
    async remove(name) {
      await quietly(folder().then((at) => at.removeEntry(name)));
    },
    async list() {
      const all: { name: string; changed: number }[] = [];
      for await (const handle of (await folder()).values())
        if (handle.kind === "file")
          all.push({ name: handle.name, changed: (await (handle as FileSystemFileHandle).getFile()).lastModified });
      return all;
    },
  };
}
