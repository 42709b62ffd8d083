import { parseArgs } from "node:util";
import { claimHash } from "../claims/run-claim.ts";
import { OUTCOMES } from "../recipes/outcomes.ts";
import { differences, formulaOf, grpo, missingFor, pluginOf, type Recipe, resolveRecipe, settingsOf } from "../recipes/recipe.ts";
import { LIST_SLOTS, SLOT_NAMES, SLOTS } from "../recipes/slots.ts";
import { claimLines, recordedLines } from "./claim-text.ts";
import { readWritten } from "./train.ts";
import { UsageError } from "./usage.ts";

/** `rlvr show recipe ID`: the recipe's difference from GRPO, and the formulas of its slots. */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    console.log("usage: rlvr show recipe ID|FILE [--json]");
    return;
  }
  const [kind, id, ...rest] = positionals;
  if (kind !== "recipe" || id === undefined || rest.length > 0) throw new UsageError("show wants: recipe ID");
  const written = await readWritten(id);
  const missing = missingFor(written);
  if (missing.length > 0) {
    if (values.json) console.log(JSON.stringify({ id: written.id, name: written.name, recipe: written, missing }));
    else {
      for (const line of heading(written)) console.log(line);
      console.log(`\nnot runnable yet: needs ${missing.join(", ")}\n\n${JSON.stringify(structure(written), null, 2)}`);
    }
    return;
  }
  const resolved = resolveRecipe(written);
  const diff = differences(grpo(), resolved);
  const used = [
    ...SLOTS.map((slot) => ({ slot, use: resolved.slots[slot] })),
    ...LIST_SLOTS.flatMap((slot) => resolved.lists[slot].map((use) => ({ slot, use }))),
  ];
  const recorded = written.claim && OUTCOMES[written.id];
  if (values.json) {
    const formulas = Object.fromEntries(SLOTS.map((slot) => [slot, formulaOf(slot, resolved.slots[slot])]));
    const lists = Object.fromEntries(LIST_SLOTS.map((slot) => [slot, resolved.lists[slot].map((use) => formulaOf(slot, use))]));
    console.log(
      JSON.stringify({
        id: resolved.id,
        name: resolved.name,
        recipe: written,
        diff,
        settings: settingsOf(resolved),
        formulas: { ...formulas, ...lists },
        ...(recorded ? { outcome: recorded, outcomeUpToDate: recorded.hash === claimHash(written) } : {}),
      }),
    );
    return;
  }
  for (const line of heading(written)) console.log(line);
  console.log(diff.length === 0 ? "\nno difference from GRPO (grpo@1)" : "\ndifference from GRPO (grpo@1):");
  for (const { path, from, to } of diff) console.log(`  ${path}: ${from ?? "–"} → ${to ?? "–"}`);
  console.log("");
  for (const { slot, use } of used) {
    const { name, explanation } = pluginOf(slot, use.plugin);
    console.log(`${SLOT_NAMES[slot]}: ${name}\n  ${explanation.sentence}\n  ${formulaOf(slot, use)}`);
  }
  if (!written.claim) return;
  console.log("");
  for (const line of claimLines(written.claim)) console.log(line);
  for (const line of recorded ? recordedLines(recorded, claimHash(written)) : ["not checked yet: rlvr claim checks it"]) console.log(line);
}

function heading({ name, summary, source, explanation }: Recipe): string[] {
  return [
    `${name}${summary ? `: ${summary}` : ""}`,
    ...(source ? [`${source.title}, ${source.url}`] : []),
    ...(explanation ? ["", explanation] : []),
  ];
}

/** A recipe without its words. */
function structure({ id, name, summary, source, explanation, ...rest }: Recipe): object {
  return rest;
}
