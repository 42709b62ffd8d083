import { parseArgs } from "node:util";
import { RECIPES } from "../recipes/index.ts";
import { PLANNED } from "../recipes/planned.ts";
import { missingFor } from "../recipes/recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../recipes/slots.ts";
import { TASKS } from "../tasks/index.ts";
import { shippedPolicies } from "./policies.ts";
import { UsageError } from "./usage.ts";

const LISTS: Readonly<Record<string, () => unknown[] | Promise<unknown[]>>> = {
  recipes: () =>
    [...RECIPES, ...PLANNED].map((recipe) => {
      const { id, name, summary, source } = recipe;
      const missing = missingFor(recipe);
      const about = missing.length > 0 ? `${summary} (not runnable yet: needs ${missing.join(", ")})` : summary;
      return { id, name, about, ...(source ? { source } : {}), ...(missing.length > 0 ? { missing } : {}) };
    }),
  tasks: () => TASKS.map(({ id, name, description, levels, defaultLevel }) => ({ id, name, about: description, levels, defaultLevel })),
  policies: shippedPolicies,
  plugins: () =>
    [...SLOTS, ...LIST_SLOTS].flatMap((slot) =>
      PLUGINS[slot].map(({ id, name, explanation, parameters }) => ({
        id: `${slot}=${id}`,
        name,
        about: explanation.sentence,
        parameters,
      })),
    ),
};

/** `rlvr list recipes|tasks|policies|plugins`. */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  const what = positionals[0] ?? "";
  if (values.help) {
    console.log(`usage: rlvr list ${Object.keys(LISTS).join("|")} [--json]`);
    return;
  }
  if (positionals.length !== 1 || !Object.hasOwn(LISTS, what)) throw new UsageError(`list wants one of ${Object.keys(LISTS).join(", ")}`);
  const entries = (await LISTS[what]()) as {
    id: string;
    name: string;
    about?: string;
    parameters?: Record<string, unknown>;
    levels?: { id: string }[];
  }[];
  if (values.json) {
    console.log(JSON.stringify(entries));
    return;
  }
  const width = Math.max(...entries.map((e) => e.id.length));
  for (const { id, name, about, parameters, levels } of entries) {
    console.log(`${id.padEnd(width)}  ${name}${about ? `: ${about}` : ""}`);
    if (levels) console.log(`${" ".repeat(width)}  levels: ${levels.map((l) => l.id).join(", ")}`);
    if (parameters && Object.keys(parameters).length > 0) console.log(`${" ".repeat(width)}  ${Object.keys(parameters).join(", ")}`);
  }
}
