import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = ["index.html", "package-lock.json", "vite.config.ts", "tsconfig.json", "public", "shaders", "src"];

/** When something at or below a path last changed, in milliseconds; a folder changes when a file comes or goes. @param {string} path @returns {number} */
function lastChange(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(found.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

/**
 * The folder with the built page, which is built first if it is missing or older than its sources.
 * @returns {Promise<string>}
 * @throws Error with Vite's complaint if the build fails
 */
export async function builtPage() {
  const dist = join(ROOT, "dist");
  const built = lastChange(join(dist, "index.html"));
  if (built > 0 && SOURCES.every((source) => lastChange(join(ROOT, source)) < built)) return dist;
  console.log("Building the page …");
  const { build } = await import("vite");
  // Whatever the shell says: anything else would bundle the development variant of React.
  process.env.NODE_ENV = "production";
  await build({ root: ROOT, logLevel: "warn" });
  return dist;
}
