import { useState } from "react";
import type { PluginDeclaration } from "../../algorithm/plugin.ts";
import { changesBetween } from "../../recipes/changes.ts";
import { pluginOf, type ResolvedRecipe, type Use, withChange } from "../../recipes/recipe.ts";
import { type ListSlot, PLUGINS, SLOT_NAMES, type Slot } from "../../recipes/slots.ts";
import { edit, turn } from "../actions.ts";
import { Icon } from "../icons.tsx";
import { isList, parameterAt, showValue, type Value } from "./describe.ts";
import { Knob } from "./knob.tsx";
import { PluginMenu } from "./plugin-menu.tsx";

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

export const isFirst = (slot: string) => FIRST.some((path) => path.startsWith(`${slot}.`));

/** What the knobs stand on, and what "changed" refers to. */
export interface Standing {
  readonly recipe: ResolvedRecipe;
  readonly shipped: ResolvedRecipe;
  /** Path → the step from which it holds, for edits whose step has not begun. */
  readonly pending: ReadonlyMap<string, number>;
  /** The words looked for; none: everything. */
  readonly words: readonly string[];
}

const has = (words: readonly string[], ...texts: readonly string[]) => {
  const text = texts.join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
};

const aboutPlugin = (plugin: PluginDeclaration) => `${plugin.name} ${plugin.id} ${plugin.explanation.sentence}`;

/** The knobs of a plug-in in use, by path; of those looked for only the ones that are meant. */
function pathsOf({ recipe, words }: Standing, slot: Slot | ListSlot, { plugin, params }: Use): string[] {
  const prefix = isList(slot) ? `${slot}.${plugin}` : slot;
  const paths = Object.keys(params)
    .map((name) => `${prefix}.${name}`)
    .filter((path) => !ELSEWHERE.includes(path));
  if (words.length === 0 || has(words, SLOT_NAMES[slot], pluginOf(slot, plugin).name)) return paths;
  return paths.filter((path) => {
    const { label, effect } = parameterAt(recipe, path)!;
    return has(words, SLOT_NAMES[slot], pluginOf(slot, plugin).name, label, effect, path);
  });
}

/** Plug-ins of a slot that are looked for and not in use. */
function foundPlugins({ recipe, words }: Standing, slot: Slot | ListSlot): readonly PluginDeclaration[] {
  if (words.length === 0 || slot === "task") return [];
  const used = isList(slot) ? recipe.lists[slot].map((use) => use.plugin) : [recipe.slots[slot].plugin];
  return PLUGINS[slot].filter((plugin) => !used.includes(plugin.id) && has(words, aboutPlugin(plugin)));
}

/** Whether a slot has anything to turn: one whose plug-in has no parameters and is the recipe's own is of little interest. */
export function isIdle({ recipe, shipped }: Standing, slot: Slot): boolean {
  const { plugin, params } = recipe.slots[slot];
  return plugin === shipped.slots[slot].plugin && Object.keys(params).every((name) => ELSEWHERE.includes(`${slot}.${name}`));
}

function KnobAt({ path, value, original, standing }: { path: string; value: Value; original: Value | undefined; standing: Standing }) {
  return (
    <Knob
      path={path}
      parameter={parameterAt(standing.recipe, path)!}
      value={value}
      original={original}
      pendingFrom={standing.pending.get(path)}
      onChange={(next) => edit(path, next)}
    />
  );
}

/** A slot that holds one plug-in. */
export function SlotSection({ slot, standing }: { slot: Slot; standing: Standing }) {
  const [opened, setOpen] = useState(false);
  const { recipe, shipped, pending, words } = standing;
  const { plugin, params } = recipe.slots[slot];
  const own = shipped.slots[slot].plugin === plugin ? shipped.slots[slot].params : undefined;
  const searching = words.length > 0;
  const open = opened || searching;
  const paths = pathsOf(standing, slot, recipe.slots[slot]);
  const isFirstPath = (path: string) => FIRST.includes(path) || parameterAt(recipe, path)!.kind === "text";
  const first = paths.filter(isFirstPath);
  const more = paths.filter((path) => !isFirstPath(path));
  const choice = slot !== "task" && PLUGINS[slot].length > 1;
  const found = foundPlugins(standing, slot);
  if (searching && paths.length === 0 && found.length === 0) return null;
  const nameOf = (path: string) => path.slice(path.indexOf(".") + 1);
  const changedInside = own !== undefined && more.some((path) => params[nameOf(path)] !== own[nameOf(path)]);
  const declaration = pluginOf(slot, plugin);
  const knob = (path: string) => (
    <KnobAt key={path} path={path} value={params[nameOf(path)]} original={own?.[nameOf(path)]} standing={standing} />
  );
  return (
    <fieldset className="slot" data-slot={slot}>
      <legend data-tip={declaration.explanation.sentence}>
        {SLOT_NAMES[slot]}
        {choice && plugin !== PLUGINS[slot][0].id && <span className="slot-plugin"> {declaration.name}</span>}
      </legend>
      {!searching && (more.length > 0 || choice) ? (
        <button
          type="button"
          className="quiet more"
          aria-expanded={open}
          aria-label={`${open ? "Less" : first.length > 0 ? "More" : "Show more"} of ${SLOT_NAMES[slot]}`}
          onClick={() => setOpen(!open)}
        >
          {changedInside || own === undefined ? <span className="changed-dot" role="img" aria-label="changed" /> : null}
          {open ? "less" : first.length > 0 ? "more" : "show"} <span aria-hidden="true">{open ? "▴" : "▾"}</span>
        </button>
      ) : null}
      {first.map(knob)}
      {open && choice && !searching && (
        <Knob
          path={slot}
          parameter={{
            kind: "choice",
            label: "Method",
            effect: declaration.explanation.sentence,
            default: PLUGINS[slot][0].id,
            options: PLUGINS[slot].map((p) => ({ value: p.id, label: p.name })),
          }}
          value={plugin}
          original={shipped.slots[slot].plugin}
          pendingFrom={pending.get(slot)}
          onChange={(value) => choosePlugin(standing, slot, String(value))}
        />
      )}
      {open && more.map(knob)}
      {found.map((p) => (
        <Found key={p.id} plugin={p} verb="use" onClick={() => choosePlugin(standing, slot, p.id)} />
      ))}
    </fieldset>
  );
}

/** Another plug-in for a slot. Going back to the recipe's own brings the recipe's parameters back too. */
function choosePlugin({ recipe, shipped }: Standing, slot: Slot, plugin: string): void {
  const own = shipped.slots[slot];
  const target = plugin === own.plugin ? { ...recipe, slots: { ...recipe.slots, [slot]: own } } : withChange(recipe, slot, plugin);
  turn(changesBetween(recipe, target));
}

/** A slot that holds any number of plug-ins, applied in order. */
export function ListSection({ list, standing }: { list: ListSlot; standing: Standing }) {
  const { recipe, shipped, pending, words } = standing;
  const uses = recipe.lists[list];
  const searching = words.length > 0;
  const found = foundPlugins(standing, list);
  const shown = uses.filter((use) => !searching || pathsOf(standing, list, use).length > 0 || has(words, SLOT_NAMES[list], use.plugin));
  if (searching && shown.length === 0 && found.length === 0) return null;
  const ids = uses.map((use) => use.plugin);
  const hold = (next: readonly string[]) => edit(list, next.join(","));
  const own = shipped.lists[list];
  const changed = own.map((use) => use.plugin).join(",") !== ids.join(",");
  const others = PLUGINS[list].filter((plugin) => !ids.includes(plugin.id));
  return (
    <fieldset className={`slot list ${changed ? "changed" : ""} ${pending.has(list) ? "pending" : ""}`} data-slot={list}>
      <legend data-tip={LIST_MEANINGS[list]}>{SLOT_NAMES[list]}</legend>
      {changed && (
        <button
          type="button"
          className="quiet undo"
          aria-label={`Undo ${SLOT_NAMES[list]}`}
          data-tip={`Back to the recipe’s: ${showValue(shipped, list, own.map((use) => use.plugin).join(","))}`}
          onClick={() => turn(changesBetween(recipe, { ...recipe, lists: { ...recipe.lists, [list]: own } }))}
        >
          <Icon name="undo" />
        </button>
      )}
      {!searching && others.length > 0 && <PluginMenu title={SLOT_NAMES[list]} plugins={others} onChoose={(id) => hold([...ids, id])} />}
      {shown.map((use) => {
        const { plugin, params } = use;
        const declaration = pluginOf(list, plugin);
        const before = own.find((o) => o.plugin === plugin)?.params;
        const at = ids.indexOf(plugin);
        return (
          <div key={plugin} className="member">
            <div className="member-head">
              <h3>{declaration.name}</h3>
              {at > 0 && (
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Apply ${declaration.name} earlier`}
                  data-tip="Apply it before the one above"
                  onClick={() => hold([...ids.slice(0, at - 1), plugin, ids[at - 1], ...ids.slice(at + 1)])}
                >
                  ↑
                </button>
              )}
              <button
                type="button"
                className="quiet"
                aria-label={`Remove ${declaration.name}`}
                data-tip="Take it out of the recipe"
                onClick={() => hold(ids.filter((id) => id !== plugin))}
              >
                <Icon name="times" size={12} />
              </button>
            </div>
            <p className="dim">{declaration.explanation.sentence}</p>
            {pathsOf(standing, list, use).map((path) => {
              const name = path.split(".")[2];
              return <KnobAt key={path} path={path} value={params[name]} original={before?.[name]} standing={standing} />;
            })}
          </div>
        );
      })}
      {found.map((p) => (
        <Found key={p.id} plugin={p} verb="add" onClick={() => hold([...ids, p.id])} />
      ))}
    </fieldset>
  );
}

const LIST_MEANINGS: Readonly<Record<ListSlot, string>> = {
  rewards: "Parts of the reward beside the first; the reward is their sum.",
  shapers: "What is done to finished advantages, one after another.",
  tokenWeights: "What each token’s loss is multiplied with.",
  losses: "What is added to the policy’s loss.",
};

/** A plug-in that was looked for and is not in use. */
function Found({ plugin, verb, onClick }: { plugin: PluginDeclaration; verb: "use" | "add"; onClick: () => void }) {
  return (
    <div className="found">
      <button type="button" onClick={onClick} aria-label={`${verb === "use" ? "Use" : "Add"} ${plugin.name}`}>
        {verb}
      </button>
      <p>
        <b>{plugin.name}</b> <span className="dim">{plugin.explanation.sentence}</span>
      </p>
    </div>
  );
}
