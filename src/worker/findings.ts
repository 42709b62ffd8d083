import { type DBSchema, openDB } from "idb";
import type { Finding, Findings } from "../policy/choose.ts";

interface Schema extends DBSchema {
  findings: { key: string; value: Finding };
}

/**
 * What earlier visits found out about adapters, in the browser's IndexedDB. It holds for one build of the page in one version of the
 * browser: another may compile other kernels. Where nothing can be stored, every visit finds out anew.
 * @param build names the build, such as the hashed address of the script that the kernels come in.
 */
export function browserFindings(build: string): Findings {
  const open = () =>
    openDB<Schema>("rlvr-playground-engine", 1, {
      upgrade: (db) => void db.createObjectStore("findings"),
      blocking: (_, __, event) => (event.target as IDBDatabase).close(),
    });
  const keyOf = (adapter: string) => JSON.stringify([adapter, navigator.userAgent, build]);
  return {
    async recall(adapter) {
      try {
        const db = await open();
        try {
          return await db.get("findings", keyOf(adapter));
        } finally {
          db.close();
        }
      } catch {
        return undefined;
      }
    },
    async remember(adapter, finding) {
      try {
        const db = await open();
        try {
          const transaction = db.transaction("findings", "readwrite");
          // What was found with another build or browser is of no use any more.
          for (const key of await transaction.store.getAllKeys())
            if (key !== keyOf(adapter) && (JSON.parse(key) as string[])[0] === adapter) await transaction.store.delete(key);
          await transaction.store.put(finding, keyOf(adapter));
          await transaction.done;
        } finally {
          db.close();
        }
      } catch {
        // The next visit finds out by itself.
      }
    },
  };
}
