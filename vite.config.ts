import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { offline } from "./src/app/offline/plugin.ts";
import { shortShaders } from "./src/app/short-shaders.ts";
import { modernFontsOnly } from "./src/app/tex/fonts.ts";
import { ISOLATION } from "./src/cli/serve.mjs";

/** No test waits this long unless it fails: a busy machine may be many times slower than a quiet one (milliseconds). */
const SLOW = 240_000;

/** How long plug-ins took says something of the machine, not of the page; every other warning of a build fails a test. */
const checks = { bundlerTimings: false };

// A relative base lets the built page work from any sub-path.
export default defineConfig({
  base: "./",
  appType: "mpa",
  plugins: [react(), modernFontsOnly(), offline()],
  worker: { format: "es", plugins: () => [shortShaders()], rolldownOptions: { checks } },
  build: {
    target: "es2023",
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      checks,
      // What the first picture needs is one file: each more would be a request more. The service worker stands alone.
      output: { codeSplitting: { groups: [{ name: "page", tags: ["$initial"], test: (id) => !id.includes("service-worker") }] } },
    },
  },
  server: { headers: ISOLATION },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          environment: "node",
          include: ["src/**/*.test.ts"],
          exclude: ["src/policy/webgpu/**", "src/**/*.gpu.test.ts", "src/app/**"],
          testTimeout: SLOW,
          hookTimeout: SLOW,
        },
      },
      {
        extends: true,
        test: {
          name: "page",
          environment: "happy-dom",
          include: ["src/app/**/*.test.{ts,tsx}"],
          setupFiles: ["src/app/test-setup.ts"],
          testTimeout: SLOW,
          hookTimeout: SLOW,
        },
      },
      {
        extends: true,
        test: {
          name: "kernels",
          environment: "node",
          include: ["src/policy/webgpu/**/*.test.ts", "src/**/*.gpu.test.ts"],
          // One process, one device: software Vulkan drivers dislike being shared.
          pool: "forks",
          fileParallelism: false,
          testTimeout: SLOW,
          hookTimeout: SLOW,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          environment: "node",
          include: ["e2e/**/*.test.ts"],
          globalSetup: "e2e/build.ts",
          // One at a time and after the others, because a software GPU takes all cores.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: SLOW,
          hookTimeout: SLOW,
          // A browser has a timing of its own; who needed the second try is marked "retry" in the output, and is to be mended.
          retry: 1,
          // A busy machine may be slow; what is polled for is there at once on a quick one.
          expect: { poll: { timeout: 120_000 } },
        },
      },
    ],
  },
});
