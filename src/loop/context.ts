import type { PluginState } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import type { Engine, Policy } from "../policy/engine.ts";
import { type Random, randomSequence, STREAM, type Stream } from "../policy/random.ts";
import { pluginOf, type ResolvedRecipe } from "../recipes/recipe.ts";
import type { ListSlot, PLUGINS, Slot } from "../recipes/slots.ts";
import type { DrawnAhead } from "./ahead.ts";
import type { Pending } from "./pending.ts";

/** What plug-ins carry from step to step, under `slot.plugin`. */
export type PluginStates = Record<string, PluginState>;

/** What one step works with. */
export interface StepContext {
  readonly engine: Engine;
  readonly policy: Policy;
  /** What KL penalties measure against: the policy as it was before training, or as the recipe's reference follows it. */
  readonly reference: Policy;
  /** From 1. */
  readonly step: number;
  readonly seed: number;
  /** Held-out problems and draws are keyed by this, so that a turned seed leaves the yardstick alone. */
  readonly evaluationSeed: number;
  /** With the numbers in force at this step: no schedules. */
  readonly recipe: ResolvedRecipe;
  /** Plug-ins' states: the step changes its entries. */
  readonly states: PluginStates;
  /** Score the rollouts once more after the update, to show what it changed. */
  readonly inspect: boolean;
  /** Rollouts that were drawn before their step began. */
  readonly ahead: DrawnAhead;
  /** The next step begins at once: draws its rollouts ahead. */
  readonly drawNext?: () => void;
  /** What the record still lacks. */
  readonly pending: Pending;
  /** Leave what nothing on the host needs yet with the engine, until somebody settles `pending` or the step ends. */
  readonly lazy: boolean;
}

/** What a step has cost so far. */
export interface Cost {
  /** Tokens drawn, whatever became of them. */
  tokens: number;
  seconds: number;
}

/** A plug-in in use: its function, its parameters, and the name of its state. */
export interface InUse<P> {
  readonly key: string;
  readonly plugin: P;
  readonly params: Parameters;
}

/** The plug-in in a slot. */
export function inSlot<S extends Slot>(recipe: ResolvedRecipe, slot: S): InUse<(typeof PLUGINS)[S][number]> {
  const { plugin, params } = recipe.slots[slot];
  return { key: `${slot}.${plugin}`, plugin: pluginOf(slot, plugin), params };
}

/** The plug-ins of a list, in the recipe's order. */
export function inList<S extends ListSlot>(recipe: ResolvedRecipe, list: S): InUse<(typeof PLUGINS)[S][number]>[] {
  return recipe.lists[list].map(({ plugin, params }) => ({ key: `${list}.${plugin}`, plugin: pluginOf(list, plugin), params }));
}

/** A plug-in's own random numbers: the `call`th time that it is asked in this step. Independent of which other plug-ins there are. */
export function randomFor(
  { seed, step }: Pick<StepContext, "seed" | "step">,
  key: string,
  call = 0,
  stream: Stream = STREAM.plugin,
): Random {
  let hash = 2166136261;
  for (const character of `${key}/${call}`) hash = Math.imul(hash ^ character.codePointAt(0)!, 16777619);
  return randomSequence({ seed, stream, step }, hash >>> 0);
}

/** Keeps a plug-in's new state, if it has one. */
export function keepState(context: Pick<StepContext, "states">, key: string, state: PluginState | undefined): void {
  if (state !== undefined) context.states[key] = state;
}
