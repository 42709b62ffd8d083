import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const SOURCE = fileURLToPath(new URL("service-worker.ts", import.meta.url));
const NAME = "service-worker.js";

/**
 * At later visits, when nothing has to come over the line, the document itself makes the worker that computes, with the engine's name, so that
 * the engine starts while the page's scripts are still being read (`worker-client.ts` takes it over). A recording and the pages beside the
 * playground have no use for it.
 */
const aheadOf = (worker: string) => `
      if (crossOriginIsolated && navigator.serviceWorker?.controller && !/[?&](recording|selfcheck|board|weights)\\b/.test(location.search)) {
        workerAhead = new Worker("./${worker}", { type: "module", name: new URLSearchParams(location.search).get("engine") ?? "auto" });
        // The page makes another one, and says so if that fails as well.
        workerAhead.onerror = () => (workerAhead = undefined);
      }
    `;

/** Builds the service worker, and tells it every other file of the build. */
export function offline(): Plugin {
  let publicDir = "";
  return {
    name: "rlvr:offline",
    apply: "build",
    configResolved(config) {
      publicDir = config.publicDir;
    },
    buildStart() {
      // Beside index.html, because a worker serves its own folder and those below.
      this.emitFile({ type: "chunk", id: SOURCE, fileName: NAME });
    },
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const worker = Object.keys(bundle ?? {}).find((name) => /^assets\/worker-[^/]*\.js$/.test(name));
        if (!worker) throw new Error("The worker that computes was not built.");
        return [{ tag: "script", children: aheadOf(worker), injectTo: "head-prepend" }];
      },
    },
    generateBundle: {
      // After the page itself is there.
      order: "post",
      handler(_, bundle) {
        const worker = bundle[NAME];
        if (worker?.type !== "chunk") throw new Error("The service worker was not built.");
        const contents = new Map<string, string | Uint8Array>();
        for (const [name, output] of Object.entries(bundle)) {
          if (output !== worker) contents.set(name, output.type === "chunk" ? output.code : output.source);
        }
        for (const entry of readdirSync(publicDir, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue;
          const path = join(entry.parentPath, entry.name);
          contents.set(path.slice(publicDir.length + 1).replaceAll("\\", "/"), readFileSync(path));
        }
        const files = [...contents]
          .sort(([, a], [, b]) => a.length - b.length)
          .map(([name, content]) => [name, createHash("sha256").update(content).digest("hex").slice(0, 16)]);
        if (!worker.code.includes("__FILES__")) throw new Error("The service worker has no place for the list of files.");
        worker.code = worker.code.replaceAll("__FILES__", () => JSON.stringify(Object.fromEntries(files)));
      },
    },
  };
}
