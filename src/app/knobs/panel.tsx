import { useState } from "react";
import type { ResolvedRecipe } from "../../recipes/recipe.ts";
import { pluginOf } from "../../recipes/recipe.ts";
import { PLUGINS, SLOT_NAMES, SLOTS, type Slot } from "../../recipes/slots.ts";
import { edit } from "../actions.ts";
import { type RunView, usePage } from "../state.ts";
import { labelOf, original, parameterAt, showValue, type Value } from "./describe.ts";
import "./knobs.css";
import { Knob } from "./knob.tsx";

/** The knobs that are turned most; the others of their slot are folded away under them. */
const FIRST: readonly string[] = [
  "sampler.promptsPerStep",
  "sampler.groupSize",
  "sampler.temperature",
  "advantage.scale",
  "objective.clipLow",
  "objective.clipHigh",
  "kl.coefficient",
  "optimizer.learningRate",
  "optimizer.miniBatches",
  "optimizer.epochs",
];
/** These have their place in the header. */
const ELSEWHERE: readonly string[] = ["task.level"];

/** Every parameter of the recipe, by slot. */
export function KnobPanel() {
  const run = usePage((state) => state.run);
  const begun = usePage((state) => Math.max(state.step, state.latest?.step ?? 0));
  if (!run) return <section className="knobs" aria-label="Knobs" />;
  const pending = pendingEdits(run, begun);
  const isFirst = (slot: Slot) => FIRST.some((path) => path.startsWith(`${slot}.`));
  const order = [...SLOTS.filter(isFirst), ...SLOTS.filter((slot) => !isFirst(slot))];
  return (
    <section className="knobs" aria-label="Knobs">
      <div className="knob-list">
        {order.map((slot) => (
          <SlotKnobs key={slot} slot={slot} recipe={run.recipe} pending={pending} />
        ))}
      </div>
      <p className="pending-list" aria-live="polite">
        {pending.size === 0 ? "A knob turned during a run is felt from the next step on." : pendingText(run, pending)}
      </p>
    </section>
  );
}

/** "From step 12: Group size 4, Divide by nothing". */
function pendingText(run: RunView, pending: ReadonlyMap<string, number>): string {
  const value = (path: string) => showValue(run.recipe, path, run.edits.findLast((e) => e.path === path)?.value);
  const name = (path: string) => parameterAt(run.recipe, path)?.label ?? labelOf(run.recipe, path);
  return `From step ${Math.max(...pending.values())}: ${[...pending.keys()].map((path) => `${name(path)} ${value(path)}`).join(", ")}`;
}

/** Path → step, for edits whose step has not begun. A step before which nothing was run shows its edits at once. */
export function pendingEdits(run: RunView, begun: number): ReadonlyMap<string, number> {
  return new Map(run.edits.filter((e) => e.step > begun && e.step > 1).map((e) => [e.path, e.step]));
}

function SlotKnobs({ slot, recipe, pending }: { slot: Slot; recipe: ResolvedRecipe; pending: ReadonlyMap<string, number> }) {
  const [open, setOpen] = useState(false);
  const drafts = usePage((state) => state.drafts);
  const { plugin, params } = recipe.slots[slot];
  const shipped = original(recipe).slots[slot];
  const paths = Object.keys(params)
    .map((name) => `${slot}.${name}`)
    .filter((path) => !ELSEWHERE.includes(path));
  const first = paths.filter((path) => FIRST.includes(path));
  const more = paths.filter((path) => !FIRST.includes(path));
  const choice = slot !== "task" && PLUGINS[slot].length > 1;
  const knob = (path: string) => {
    const name = path.split(".")[1];
    return (
      <Knob
        key={path}
        path={path}
        parameter={parameterAt(recipe, path)!}
        value={drafts[path] ?? params[name]}
        original={shipped.plugin === plugin ? shipped.params[name] : undefined}
        pendingFrom={pending.get(path)}
        onChange={(value) => edit(path, value)}
      />
    );
  };
  const changedInside = more.filter(
    (path) => shipped.plugin === plugin && params[path.split(".")[1]] !== shipped.params[path.split(".")[1]],
  );
  const pluginChanged = shipped.plugin !== plugin;
  return (
    <fieldset className="slot">
      <legend data-tip={pluginOf(slot, plugin).explanation.sentence}>{SLOT_NAMES[slot]}</legend>
      {more.length > 0 || choice ? (
        <button
          type="button"
          className="quiet more"
          aria-expanded={open}
          aria-label={`More of ${SLOT_NAMES[slot]}`}
          onClick={() => setOpen(!open)}
        >
          {changedInside.length > 0 || pluginChanged ? <span className="changed-dot" role="img" aria-label="changed" /> : null}
          {open ? "less" : first.length > 0 ? "more" : "show"} {open ? "▴" : "▾"}
        </button>
      ) : null}
      {first.map(knob)}
      {open && choice && (
        <Knob
          path={slot}
          parameter={{
            kind: "choice",
            label: "Method",
            effect: pluginOf(slot, plugin).explanation.sentence,
            default: PLUGINS[slot][0].id,
            options: PLUGINS[slot].map((p) => ({ value: p.id, label: p.name })),
          }}
          value={drafts[slot] ?? plugin}
          original={shipped.plugin}
          pendingFrom={pending.get(slot)}
          onChange={(value) => choosePlugin(slot, value, shipped)}
        />
      )}
      {open && more.map(knob)}
    </fieldset>
  );
}

/** Another plug-in for a slot. Going back to the recipe's own brings the recipe's parameters back too. */
function choosePlugin(slot: Slot, value: Value, shipped: ResolvedRecipe["slots"][Slot]): void {
  edit(slot, value);
  if (value !== shipped.plugin) return;
  for (const [name, parameter] of Object.entries(pluginOf(slot, shipped.plugin).parameters)) {
    if (shipped.params[name] !== parameter.default) edit(`${slot}.${name}`, shipped.params[name]);
  }
}
