import { parseArgs } from "node:util";
import { recipeById } from "../recipes/index.ts";
import { differences, grpo, pluginOf, settingsOf } from "../recipes/recipe.ts";
import { SLOT_NAMES, SLOTS } from "../recipes/slots.ts";
import { readRecipe } from "./train.ts";
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
  const resolved = await readRecipe(id);
  const diff = differences(grpo(), resolved);
  const written = /[./\\]/.test(id) ? undefined : recipeById(id);
  if (values.json) {
    const formulas = Object.fromEntries(SLOTS.map((slot) => [slot, pluginOf(slot, resolved.slots[slot].plugin).explanation.latex]));
    console.log(
      JSON.stringify({ id: resolved.id, name: resolved.name, recipe: written ?? null, diff, settings: settingsOf(resolved), formulas }),
    );
    return;
  }
  console.log(`${resolved.name}${written ? `: ${written.summary}` : ""}`);
  if (written?.source) console.log(`${written.source.title}, ${written.source.url}`);
  console.log(diff.length === 0 ? "\nno difference from GRPO (grpo@1)" : "\ndifference from GRPO (grpo@1):");
  for (const { path, from, to } of diff) console.log(`  ${path}: ${from ?? "–"} → ${to ?? "–"}`);
  console.log("");
  for (const slot of SLOTS) {
    const { name, explanation } = pluginOf(slot, resolved.slots[slot].plugin);
    console.log(`${SLOT_NAMES[slot]}: ${name}\n  ${explanation.sentence}\n  ${explanation.latex}`);
  }
}
