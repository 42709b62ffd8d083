/**
 * `npm test`: types, lint and every test, in one command. Prints each part as it runs; the last line is "N passed, N failed",
 * where types and lint count as one check each.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "rlvr-checks-"));
let passed = 0;
let failed = 0;
const npx = (...args) =>
  spawnSync("npx", ["--no-install", ...args], { stdio: "inherit", shell: process.platform === "win32" }).status === 0;
const check = (name, ok) => {
  console.log(`${ok ? "✓" : "✗"} ${name}`);
  if (ok) passed++;
  else failed++;
};

check("types", npx("tsc", "--noEmit", "-p", "."));
check("lint", npx("biome", "ci", "--colors=off", "."));

const report = join(folder, "vitest.json");
const ok = npx("vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`);
try {
  const result = JSON.parse(readFileSync(report, "utf8"));
  passed += result.numPassedTests;
  failed += result.numFailedTests;
  // A file that fails to load, or an error outside a test, has no failed test of its own.
  if (!ok && result.numFailedTests === 0) failed++;
} catch {
  failed++;
}
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
