/**
 * `npm test`: everything that must hold, in one command. Prints each part as it runs; the last line is "N passed, N failed", where types,
 * lint and the build count as one check each. `npm test -- --only unit,browser` runs only the parts named.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** Checks that are a command, and projects of tests as vite.config.ts names them. */
const CHECKS = new Map([
  ["types", ["tsc", "--noEmit", "-p", "."]],
  ["lint", ["biome", "ci", "--colors=off", "--error-on-warnings", "."]],
  ["build", ["vite", "build"]],
]);
const PROJECTS = ["unit", "page", "kernels", "browser"];
const PARTS = [...CHECKS.keys(), ...PROJECTS];

/** @returns {string[]} the parts to run */
function wanted() {
  try {
    const { values } = parseArgs({ options: { only: { type: "string" } } });
    const only = values.only?.split(",") ?? PARTS;
    const unknown = only.find((part) => !PARTS.includes(part));
    if (unknown === undefined) return only;
    throw new Error(`there is no part ${JSON.stringify(unknown)}; there are ${PARTS.join(", ")}`);
  } catch (error) {
    console.error(`npm test: ${/** @type {Error} */ (error).message}`);
    process.exit(2);
  }
}

/** Runs a command of an installed package. @param {string[]} command */
const succeeds = (command) =>
  spawnSync("npx", ["--no-install", ...command], { stdio: "inherit", shell: process.platform === "win32" }).status === 0;

const only = wanted();
let passed = 0;
let failed = 0;

for (const [name, command] of CHECKS) {
  if (!only.includes(name)) continue;
  const ok = succeeds(command);
  console.log(`${ok ? "✓" : "✗"} ${name}`);
  if (ok) passed++;
  else failed++;
}

const projects = PROJECTS.filter((project) => only.includes(project));
if (projects.length > 0) {
  const folder = mkdtempSync(join(tmpdir(), "rlvr-checks-"));
  const report = join(folder, "vitest.json");
  const ok = succeeds([
    "vitest",
    "run",
    ...projects.flatMap((project) => ["--project", project]),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
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
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
