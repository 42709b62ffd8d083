import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { folderCache } from "../claims/cache.ts";
import { armsOf, type ClaimProgress, claimOf, runClaim } from "../claims/run-claim.ts";
import { makeFolder } from "../policy/checkpoint-folder.ts";
import { RECIPES } from "../recipes/index.ts";
import type { RecordedOutcome } from "../recipes/outcomes.ts";
import { claimLines, reportLines } from "./claim-text.ts";
import { engineByName } from "./engines.ts";
import { loadPolicyFolder } from "./policies.ts";
import { readWritten } from "./train.ts";
import { integerFlag, UsageError } from "./usage.ts";

const OPTIONS = {
  seeds: { type: "string" },
  cache: { type: "string", default: ".rlvr-cache" },
  out: { type: "string" },
  record: { type: "boolean", default: false },
  reason: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const HELP = `usage: rlvr claim ID|FILE… [flags]

  --seeds K            pairs of runs in place of the claim's number
  --cache DIR          where finished runs are kept (.rlvr-cache)
  --out FILE           write what was found as JSON: a list, one entry a claim
  --record             put it on record: src/recipes/outcomes/ID.json
  --reason TEXT        why, probably, it came out so; goes with the record
  --json               print what was found as JSON

Trains the method and its baseline from the same seeds until both have generated
the same number of tokens, and says whether the claim holds, does not hold, or
stays open. A claim that was interrupted goes on when it is asked for again.`;

const OUTCOMES_FOLDER = fileURLToPath(new URL("../recipes/outcomes", import.meta.url));

/** Tells of runs on standard error: a line for each that ended, and on a terminal how far the current one is. */
function progressLine(budget: number): (progress: ClaimProgress) => void {
  return ({ name, seed, step, tokens, state }) => {
    const clear = process.stderr.isTTY ? "\r\x1b[K" : "";
    if (state !== "running") process.stderr.write(`${clear}${name}, seed ${seed}: ${state}, ${step} steps, ${tokens} tokens\n`);
    else if (clear) process.stderr.write(`${clear}${name}, seed ${seed}: step ${step}, ${Math.round((100 * tokens) / budget)} %`);
  };
}

/** `rlvr claim`: checks the claims of recipes. */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (positionals.length === 0) {
    const ids = RECIPES.filter(({ claim }) => claim).map(({ id }) => id);
    throw new UsageError(`say whose claim to check: ${ids.join(", ")}`);
  }
  const seeds = values.seeds === undefined ? undefined : integerFlag("seeds", values.seeds, 1, 1000);
  const recipes = await Promise.all(positionals.map(readWritten));
  // What is wrong is said before anything is written or run.
  for (const recipe of recipes) armsOf(recipe);
  await makeFolder(values.cache);
  // The portable engine with one thread gives the same numbers everywhere, so that kept runs can be shared.
  const engine = await engineByName("portable");
  const outcomes: RecordedOutcome[] = [];
  const write = async () => {
    if (values.out) await writeFile(values.out, `${JSON.stringify(outcomes, null, 2)}\n`);
  };
  try {
    await write();
    for (const recipe of recipes) {
      const claim = claimOf(recipe);
      if (!values.json) console.log(`${recipe.name}: ${claimLines(claim).join("\n")}`);
      const report = await runClaim(recipe, {
        engine,
        base: loadPolicyFolder,
        cache: folderCache(values.cache),
        ...(seeds === undefined ? {} : { seeds }),
        onProgress: progressLine(claim.budget.tokens),
      });
      const outcome: RecordedOutcome = {
        ...report,
        command: `npm run -s rlvr -- claim ${recipe.id} --seeds ${report.seeds}`,
        date: new Date().toISOString().slice(0, 10),
        ...(values.reason ? { reason: values.reason } : {}),
      };
      outcomes.push(outcome);
      await write();
      if (values.record) {
        await makeFolder(OUTCOMES_FOLDER);
        await writeFile(join(OUTCOMES_FOLDER, `${recipe.id}.json`), `${JSON.stringify(outcome, null, 2)}\n`);
      }
      if (!values.json) console.log(reportLines(report).join("\n"));
    }
  } finally {
    engine.dispose();
  }
  if (values.json) console.log(JSON.stringify(outcomes));
}
