import { endAllRivals } from "../compare/rivals.ts";
import { stopWorker } from "../worker-client.ts";

/** Deletes whatever this page has stored in the browser, and loads it anew from its plain address. */
export async function resetEverything(): Promise<void> {
  // Workers would write their runs again, and hold the database open.
  stopWorker();
  endAllRivals();
  const quietly = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch {
      // What a browser forbids holds nothing to delete.
    }
  };
  await quietly(async () => {
    const databases = (await indexedDB.databases?.()) ?? [];
    await Promise.all([...new Set(["rlvr-playground", ...databases.flatMap(({ name }) => name ?? [])])].map(deleteDatabase));
  });
  await quietly(async () => Promise.all((await caches.keys()).map((name) => caches.delete(name))));
  await quietly(async () => {
    const root = await navigator.storage.getDirectory();
    for await (const name of (root as unknown as { keys(): AsyncIterable<string> }).keys())
      await root.removeEntry(name, { recursive: true });
  });
  await quietly(async () => {
    const registrations = await navigator.serviceWorker.getRegistrations();
    await Promise.all(registrations.map((registration) => registration.unregister()));
  });
  await quietly(async () => localStorage.clear());
  await quietly(async () => sessionStorage.clear());
  location.replace(new URL("./", document.baseURI));
}

/** Resolves once it is gone, or after a while if another tab holds it open; it goes when that tab does. */
function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onerror = () => resolve();
    setTimeout(resolve, 3000);
  });
}
