import { create } from "zustand";
import { type Change, changesBetween } from "../recipes/changes.ts";
import type { ResolvedRecipe } from "../recipes/recipe.ts";

/** Where the knobs stood before each gesture, for going back and forth. A new run begins without a past. */

/** All that a knob can turn. */
export interface Knobs {
  readonly recipe: ResolvedRecipe;
  readonly seed: number;
}

interface History {
  readonly past: readonly Knobs[];
  readonly future: readonly Knobs[];
}

const DEPTH = 100;

export const useHistory = create<History>()(() => ({ past: [], future: [] }));

/** Notes where the knobs stand before a gesture. */
export function remember(now: Knobs): void {
  useHistory.setState(({ past }) => ({ past: [...past, now].slice(-DEPTH), future: [] }));
}

export const forgetHistory = () => useHistory.setState({ past: [], future: [] });

export function knobChanges(from: Knobs, to: Knobs): Change[] {
  return [...changesBetween(from.recipe, to.recipe), ...(from.seed === to.seed ? [] : [["seed", to.seed] as const])];
}

/** The changes that undo (or redo) one gesture; none if there is none. Gestures that came to nothing are passed over. */
export function travel(direction: "back" | "forth", now: Knobs): Change[] {
  let { past, future } = useHistory.getState();
  let changes: Change[] = [];
  while (changes.length === 0) {
    const target = direction === "back" ? past.at(-1) : future.at(-1);
    if (!target) break;
    changes = knobChanges(now, target);
    const here = changes.length > 0 ? [now] : [];
    if (direction === "back") {
      past = past.slice(0, -1);
      future = [...future, ...here];
    } else {
      future = future.slice(0, -1);
      past = [...past, ...here];
    }
  }
  useHistory.setState({ past, future });
  return changes;
}
