import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { commandLine } from "./command-line.ts";

const folder = await mkdtemp(join(tmpdir(), "golden-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
const out = vi.spyOn(console, "log").mockImplementation(() => {});
const err = vi.spyOn(console, "error").mockImplementation(() => {});
afterEach(() => {
  out.mockClear();
  err.mockClear();
});

const fixture = (name: string) => fileURLToPath(new URL(`../golden/fixtures/${name}.golden.json`, import.meta.url));
const dcpo = fixture("atlas/dcpo");
const read = async (path: string) => JSON.parse(await readFile(path, "utf8"));

async function written(name: string, document: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(document));
  return path;
}

/** Runs the command; returns its exit status and what it printed. */
async function golden(...args: string[]): Promise<{ status: number; lines: string[]; errors: string[] }> {
  const status = await commandLine(["golden", ...args]);
  return { status, lines: out.mock.calls.map(([line]) => String(line)), errors: err.mock.calls.map(([line]) => String(line)) };
}

describe("rlvr golden", () => {
  it("prints the largest error of each case or estimator, over all fixtures, and the worst", async () => {
    const { status, lines } = await golden(fixture("verl"));
    expect(status).toBe(0);
    expect(lines.filter((line) => line.startsWith("grpo: largest absolute error"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("gspo|token-mean: largest absolute error"))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^worst: absolute \d\.\d\de-\d+, relative .* in .*: .*; \d{4,} numbers compared$/);
  });

  it("reports a number that is wrong, and writes the right one in its place", async () => {
    const document = await read(dcpo);
    document.cases[0].output.ratioMin[1] += 0.25;
    const path = await written("wrong.json", document);
    const to = join(folder, "right.json");
    const { status, lines } = await golden(path, "--out", to);
    expect(status).toBe(0);
    expect(lines.at(-1)).toMatch(/^worst: absolute 2\.50e-1, .* in ratio bounds by old probability: ratioMin/);
    const right = await read(to);
    expect(right.cases[0].output.ratioMin[1]).toBeCloseTo((await read(dcpo)).cases[0].output.ratioMin[1], 8);
    expect({ ...right, cases: 0 }).toEqual({ ...document, cases: 0 });
    expect(right.cases.map((c: Record<string, unknown>) => ({ ...c, output: 0 }))).toEqual(
      document.cases.map((c: Record<string, unknown>) => ({ ...c, output: 0 })),
    );
  });

  it("computes outputs that are not given", async () => {
    const document = await read(dcpo);
    for (const one of document.cases) delete one.output;
    const to = join(folder, "filled.json");
    expect((await golden(await written("bare.json", document), "--out", to)).status).toBe(0);
    const { status, lines } = await golden(to, "--json");
    expect(status).toBe(0);
    expect(JSON.parse(lines.at(-1)!).worst.absolute).toBe(0);
    expect(JSON.parse(lines.at(-1)!).count).toBeGreaterThan(100);
  });

  it("lists what it does not know and goes on", async () => {
    const document = await read(dcpo);
    document.cases[0].output.mystery = [1];
    const part = await written("part.json", document);
    const none = await written("none.json", { ...document, id: "mystery-method" });
    const { status, lines } = await golden(none, part, "--out", join(folder, "several"));
    expect(status).toBe(0);
    expect(lines.join("\n")).toContain("not known, left as given: ratio bounds by old probability: mystery");
    expect(lines.at(-1)).toMatch(/^not known: .*none\.json: the method "mystery-method" is not implemented$/);
    expect(await read(join(folder, "several", "part.json"))).toHaveProperty("id", "dcpo");
  });

  it("refuses a file of which it knows nothing, malformed ones, and files that would overwrite each other", async () => {
    const none = await written("none.json", { id: "mystery-method", cases: [] });
    expect(await golden(none)).toEqual({
      status: 2,
      lines: [],
      errors: [expect.stringMatching(/^rlvr: .*none\.json: the method "mystery-method"/)],
    });
    err.mockClear();
    const document = await read(dcpo);
    document.cases[2].input.logProbs[1] = "low";
    const broken = await golden(await written("broken.json", document), dcpo);
    expect(broken).toEqual({ status: 2, lines: [], errors: [expect.stringMatching(/broken\.json: case "micro-batch.*logProbs must be/)] });
    err.mockClear();
    const twice = await golden(dcpo, dcpo, "--out", join(folder, "twice"));
    expect(twice).toEqual({ status: 2, lines: [], errors: [expect.stringMatching(/have the same/)] });
  });
});
