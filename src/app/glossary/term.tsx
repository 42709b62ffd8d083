import { type ReactNode, useEffect, useId, useState } from "react";
import type { Concept } from "../../lessons/concepts.ts";
import { openLearn } from "../lessons/open.ts";
import "./glossary.css";

/** A word that the glossary explains in place: on hover, on keyboard focus and on a tap. */
export function Term({ id, children }: { id: string; children?: ReactNode }) {
  const [place, setPlace] = useState<{ x: number; y: number; below: boolean }>();
  const concept = useConcept(id, place !== undefined);
  const bubble = useId();
  const show = (element: Element) => {
    const box = element.getBoundingClientRect();
    const below = box.bottom + 170 < innerHeight;
    setPlace({ x: Math.min(Math.max(box.left + box.width / 2, 160), innerWidth - 160), y: below ? box.bottom : box.top, below });
  };
  const hide = () => setPlace(undefined);
  useEffect(() => {
    if (!place) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setPlace(undefined);
    };
    const onScroll = () => setPlace(undefined);
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("scroll", onScroll, true);
    return () => {
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("scroll", onScroll, true);
    };
  }, [place]);
  return (
    <span
      className="glossary-term"
      onPointerEnter={(event) => event.pointerType !== "touch" && show(event.currentTarget)}
      onPointerLeave={hide}
    >
      <button
        type="button"
        aria-describedby={concept ? bubble : undefined}
        onFocus={(event) => show(event.currentTarget)}
        onBlur={hide}
        onClick={(event) => show(event.currentTarget)}
      >
        {children ?? concept?.title ?? id}
      </button>
      {place && concept && (
        <span className={`term-bubble ${place.below ? "" : "above"}`} role="tooltip" id={bubble} style={{ left: place.x, top: place.y }}>
          <b>{concept.title}</b>
          <span>{concept.text}</span>
          <span
            className="more"
            onPointerDown={(event) => {
              event.preventDefault();
              hide();
              openLearn("glossary", id);
            }}
          >
            in the glossary
          </span>
        </span>
      )}
    </span>
  );
}

/** The concept, once it is wanted: the words are loaded when the first of them is asked for. */
function useConcept(id: string, wanted: boolean): Concept | undefined {
  const [concept, setConcept] = useState<Concept>();
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    void import("../../lessons/concepts.ts").then(({ CONCEPTS }) => current && setConcept(CONCEPTS[id]));
    return () => {
      current = false;
    };
  }, [id, wanted]);
  return concept;
}
