import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, createLogger } from "vite";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder with the built page. */
    dist: string;
    /** What the build warned of. */
    buildWarnings: string[];
  }
}

/** Builds the page once, before the browser tests; they find it by `inject("dist")`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dist = await mkdtemp(join(tmpdir(), "rlvr-dist-"));
  const logger = createLogger("warn", { allowClearScreen: false });
  const warnings: string[] = [];
  logger.warn = logger.warnOnce = (message) => warnings.push(message);
  // Vitest runs in a "test" environment; people get a production build.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    await build({
      root: project.config.root,
      mode: "production",
      logLevel: "warn",
      customLogger: logger,
      build: { outDir: dist, emptyOutDir: true },
    });
  } finally {
    process.env.NODE_ENV = environment;
  }
  project.provide("dist", dist);
  project.provide("buildWarnings", warnings);
  return () => rm(dist, { recursive: true, force: true });
}
