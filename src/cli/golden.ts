import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { GoldenError, recomputeLlamaGolden } from "../policy/golden.ts";
import { engineByName } from "./engines.ts";
import { UsageError } from "./usage.ts";

const HELP = `usage: rlvr golden FILE [--engine portable|webgpu] [--out FILE] [--json]

Recomputes every case of a golden file and prints the largest error of each array. --out writes the document with the recomputed numbers.`;

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
  if (positionals.length !== 1) throw new UsageError("golden wants one file");
  let document: unknown;
  try {
    document = JSON.parse(await readFile(positionals[0], "utf8"));
  } catch (error) {
    throw new GoldenError(`${positionals[0]} cannot be read: ${(error as Error).message}`);
  }
  const { document: recomputed, differences } = await recomputeLlamaGolden(document, () => engineByName(values.engine));
  if (values.out) await writeFile(values.out, `${JSON.stringify(recomputed)}\n`);
  if (values.json) {
    console.log(JSON.stringify({ file: positionals[0], engine: values.engine, differences }));
    return;
  }
  for (const d of differences)
    console.log(`${d.case}: ${d.array}  absolute ${d.absolute.toExponential(2)}  relative ${d.relative.toExponential(2)}`);
  const worst = differences.reduce((a, b) => (b.relative > a.relative ? b : a), differences[0]);
  if (worst)
    console.log(
      `largest relative error ${worst.relative.toExponential(2)} (${worst.case}: ${worst.array}) over ${differences.length} arrays`,
    );
}
