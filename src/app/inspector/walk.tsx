import { type FocusEvent, type KeyboardEvent, type PointerEvent, type ReactNode, useLayoutEffect, useRef } from "react";
import { goTo } from "./go.ts";
import { light, useLit } from "./lit.ts";
import { PLACES, type Place } from "./places.ts";
import type { Lamp } from "./provenance.ts";
import type { NamedNumber } from "./terms.ts";

const keyOf = (target: EventTarget) => (target instanceof Element ? target.closest<HTMLElement>("[data-term]")?.dataset.term : undefined);

export interface WalkProps {
  readonly lamps: readonly Lamp[];
  readonly terms: ReadonlyMap<string, NamedNumber>;
  readonly children: ReactNode;
}

/**
 * The lines of the formula. Passing over a term lights it, and a click goes to where it comes from; on a touch screen the first tap lights it.
 * For the keyboard they are one tab stop: arrow keys go from term to term, Enter goes to where it comes from.
 */
export function Walk({ lamps, terms, children }: WalkProps) {
  const box = useRef<HTMLDivElement>(null);
  const tapped = useRef(false);
  const lit = useLit();
  // A term that the stage has lit comes into view, without any motion.
  useLayoutEffect(() => {
    if (lit.from !== "stage" || lit.keys.length === 0) return;
    box.current?.querySelector(`[data-term="${lit.keys[0]}"]`)?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [lit]);
  const stops = () => [...box.current!.querySelectorAll<HTMLElement>("button[data-term]")];
  // Tab reaches the term that was reached last, or the first.
  useLayoutEffect(() => {
    const all = stops();
    const reached = all.find((stop) => stop.tabIndex === 0) ?? all[0];
    for (const stop of all) {
      stop.tabIndex = stop === reached ? 0 : -1;
      const term = terms.get(stop.dataset.term!);
      const lamp = lamps.find(({ key }) => key === stop.dataset.term);
      if (!term || !lamp) continue;
      stop.ariaDescription = cameFrom(term, lamp);
      // A number alone says nothing to those who do not see where it stands.
      if (stop.className === "piece" && !stop.hasAttribute("aria-label")) stop.ariaLabel = `${term.meaning}: ${stop.textContent}`;
    }
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const all = stops();
    const at = all.indexOf(event.target as HTMLElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = all[Math.min(all.length - 1, Math.max(0, to))];
    for (const stop of all) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
  };
  const passed = (event: PointerEvent | FocusEvent) => {
    // A finger passes over nothing: it taps.
    if ("pointerType" in event && event.pointerType === "touch") return;
    const key = keyOf(event.target);
    if (key) light([key], "formula");
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form, and no fields in it
    <div
      ref={box}
      className="walk"
      role="group"
      aria-label="The formula with this token’s numbers: arrow keys go from term to term"
      onPointerOver={passed}
      onFocus={passed}
      onKeyDown={onKeyDown}
      onPointerDownCapture={(event) => {
        const key = keyOf(event.target);
        tapped.current = event.pointerType === "touch" && key !== undefined && !useLit.getState().keys.includes(key);
      }}
      onClick={(event) => {
        const key = keyOf(event.target);
        const lamp = lamps.find((l) => l.key === key);
        if (!lamp) return;
        light([lamp.key], "formula");
        if (!tapped.current) goTo(lamp);
        tapped.current = false;
      }}
    >
      {children}
    </div>
  );
}

/** Where a term comes from, in short sentences. */
export function cameFrom({ meaning }: NamedNumber, { place, at }: Lamp): string {
  const { from, phase }: Place = PLACES[place];
  const begin = meaning.charAt(0).toUpperCase() + meaning.slice(1);
  return `${begin}. ${from(at)}${place === "knob" ? "" : ` Phase: ${phase}.`}`;
}
