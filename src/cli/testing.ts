import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, vi } from "vitest";
import { commandLine } from "./command-line.ts";

/** For the tests of a file: a folder of their own, and what commands print, caught instead of shown. */
export async function openFolder(name: string) {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const out = vi.spyOn(console, "log").mockImplementation(() => {});
  const err = vi.spyOn(console, "error").mockImplementation(() => {});
  afterEach(() => {
    out.mockClear();
    err.mockClear();
  });
  return {
    folder,
    out,
    err,
    /** Runs a command that must be refused: its line on standard error names what is wrong. It may have printed some lines before. */
    async refused(args: readonly string[], names: RegExp, printed = 0): Promise<void> {
      const status = await commandLine(args);
      const lines = err.mock.calls.map(([line]) => line);
      expect({ status, lines }).toEqual({ status: 2, lines: [expect.stringMatching(names)] });
      expect(lines[0]).toMatch(/^rlvr: .+$/);
      expect(lines[0]).not.toContain("\n");
      expect(out).toHaveBeenCalledTimes(printed);
      err.mockClear();
    },
    /** A file with this content in a folder of its own. */
    async file(called: string, content: string): Promise<string> {
      const path = join(await mkdtemp(join(folder, "file-")), called);
      await writeFile(path, content);
      return path;
    },
  };
}
