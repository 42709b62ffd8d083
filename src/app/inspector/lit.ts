import { create } from "zustand";
import { type Lamp, type Light, lampsAt, lightsOf, litBy } from "./provenance.ts";

/** The terms that are lit, by their keys, and from which side: hovered in the formula, or on the stage. */
interface LitState {
  readonly keys: readonly string[];
  readonly from: "formula" | "stage";
}

const DARK: LitState = { keys: [], from: "formula" };

export const useLit = create<LitState>()(() => DARK);

export function light(keys: readonly string[], from: LitState["from"]): void {
  const now = useLit.getState();
  if (now.from !== from || now.keys.length !== keys.length || keys.some((key, i) => key !== now.keys[i])) useLit.setState({ keys, from });
}

/** Puts the lights out that one side has lit. */
export function dark(from: LitState["from"]): void {
  if (useLit.getState().from === from) useLit.setState(DARK);
}

/**
 * The style rules that mark what is lit: rows come and go while a list scrolls, and rules find them all. A term that was hovered marks the
 * stage; what was hovered on the stage marks its terms alone, so that nothing flickers under the pointer.
 */
export function rulesOf({ keys, from }: LitState, lamps: readonly Lamp[]): string {
  if (keys.length === 0) return "";
  const rule = (selectors: readonly string[], look: string) => (selectors.length > 0 ? `${selectors.join(",\n")} {${look}}` : "");
  const lights = from === "formula" ? lamps.filter(({ key }) => keys.includes(key)).map(litBy) : [];
  return [
    rule(
      lights.flatMap(({ sources }) => sources),
      "outline: 2px dashed var(--ink); outline-offset: -1px;",
    ),
    rule(
      lights.flatMap(({ itself }) => itself),
      "opacity: 1; outline: 3px solid var(--ink); outline-offset: -1px; box-shadow: 0 0 0 5px var(--lit); background-color: var(--lit); color: var(--on-lit);",
    ),
    rule(
      keys.map((key) => `.chain [data-term="${key}"]`),
      "outline: 2px solid var(--ink); outline-offset: 1px; background-color: var(--lit); color: var(--on-lit);",
    ),
  ]
    .filter(Boolean)
    .join("\n");
}

/** Lights the terms of what the pointer passes on the stage; returns what ends it. */
export function watchStage(lamps: readonly Lamp[]): () => void {
  let lights: readonly Light[] | undefined;
  const over = (event: Event) => {
    const target = event.target instanceof Element ? event.target : undefined;
    const view = target?.closest("#stage-view");
    if (view) lights ??= lightsOf(lamps);
    const found = target && view ? lampsAt(target, lights!) : [];
    if (found.length > 0) light([...new Set(found.map(({ key }) => key))], "stage");
    else dark("stage");
  };
  document.addEventListener("pointerover", over);
  return () => {
    document.removeEventListener("pointerover", over);
    dark("stage");
  };
}
