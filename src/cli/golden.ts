import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { bareName, compare, type Difference, worstOf } from "../golden/compare.ts";
import { recompute } from "../golden/index.ts";
import { UnknownMethodError } from "../golden/read.ts";
import { GoldenError } from "../policy/golden.ts";
import { engineByName } from "./engines.ts";
import { fileProblem, inputProblem, UsageError } from "./usage.ts";

const HELP = `usage: rlvr golden FILE… [--engine portable|webgpu|auto] [--out PATH] [--json]

Recomputes every case of golden files and prints the largest error of each estimator, loss or output, and what it does not know.
A file of which nothing is known is refused; among several it is listed.
--out writes the document with the recomputed numbers in place of the given ones; with several files, PATH is a folder.
A policy's cases run on the engine; everything else is computed in float64 and needs none.`;

interface Report {
  readonly file: string;
  /** The document with our numbers. */
  readonly document: unknown;
  readonly differences: readonly Difference[];
  readonly unknown: readonly string[];
  /** Numbers compared. */
  readonly count: number;
}

async function reportOf(file: string, engine: string): Promise<Report> {
  let given: unknown;
  try {
    given = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new GoldenError(fileProblem(error, file) ?? `${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    const { document, unknown } = await recompute(given, () => engineByName(engine));
    const { differences, count } = compare(given, document, unknown);
    if (differences.length === 0 && unknown.length > 0) throw new UnknownMethodError(`nothing of it is known: ${unknown.join("; ")}`);
    return { file, document, differences, unknown, count };
  } catch (error) {
    if (!(error instanceof GoldenError)) throw error;
    const Same = error instanceof UnknownMethodError ? UnknownMethodError : GoldenError;
    throw new Same(`${file}: ${inputProblem(error)}`);
  }
}

const number = (x: number) => x.toExponential(2);

/** One line for each estimator, loss or case over all fixtures, with its worst output; then the worst of all and what is not known. */
function linesOf({ differences, unknown, count }: Report): string[] {
  const names = [...new Set(differences.map(bareName))];
  const lines = names.map((name) => {
    const own = differences.filter((d) => bareName(d) === name);
    const worst = worstOf(own)!;
    const absolute = Math.max(...own.map((d) => d.absolute));
    const relative = Math.max(...own.map((d) => d.relative));
    const problem = worst.problem ? ` (${worst.name === name ? "" : `${worst.name}: `}${worst.problem})` : "";
    return `${name}: largest absolute error ${number(absolute)}, relative ${number(relative)}${problem}`;
  });
  const worst = worstOf(differences);
  if (worst) {
    const where = `${worst.name}: ${worst.output}`;
    lines.push(`worst: absolute ${number(worst.absolute)}, relative ${number(worst.relative)} in ${where}; ${count} numbers compared`);
  }
  if (unknown.length > 0) lines.push(`not known, left as given: ${unknown.join("; ")}`);
  return lines;
}

export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "portable" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (positionals.length === 0) throw new UsageError("golden wants one file, or more");
  const several = positionals.length > 1;
  if (several && values.out !== undefined && new Set(positionals.map((file) => basename(file))).size < positionals.length) {
    throw new UsageError("--out writes each file under its own name, and two of these files have the same");
  }
  const reports: Report[] = [];
  const left: UnknownMethodError[] = [];
  for (const file of positionals) {
    const report = await reportOf(file, values.engine).catch((error: unknown) => {
      if (!(error instanceof UnknownMethodError)) throw error;
      left.push(error);
    });
    if (report) reports.push(report);
  }
  if (reports.length === 0) throw left[0];

  if (values.out !== undefined) {
    if (several) await mkdir(values.out, { recursive: true });
    for (const { file, document } of reports)
      await writeFile(several ? join(values.out, basename(file)) : values.out, `${JSON.stringify(document)}\n`);
  }
  if (values.json) {
    const shown = reports.map(({ document: _, ...report }) => ({ ...report, engine: values.engine, worst: worstOf(report.differences) }));
    console.log(JSON.stringify(several ? { files: shown, unknown: left.map(({ message }) => message) } : shown[0]));
    return;
  }
  for (const report of reports) {
    if (several) console.log(`${report.file}`);
    for (const line of linesOf(report)) console.log(several ? `  ${line}` : line);
  }
  for (const { message } of left) console.log(`not known: ${message}`);
}
