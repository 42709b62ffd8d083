import type { Anchor, LessonStep } from "../../lessons/lesson.ts";

/** Where on the screen a step points. A view may name places itself with `data-lesson-anchor`; else they are found by what they are. */

const PLACES: Readonly<Record<Anchor, string>> = {
  transport: ".transport .buttons",
  phases: ".rail",
  timeline: ".timeline",
  stage: ".stage",
  rows: ".stage",
  facts: ".stage .facts",
  inspector: ".inspector",
  knobs: ".knobs",
  charts: ".charts",
  header: ".header",
};

const find = (anchor: Anchor): Element | null =>
  document.querySelector(`[data-lesson-anchor="${anchor}"]`) ?? document.querySelector(PLACES[anchor]);

/** The row of a knob in its panel, by the path that it turns. */
const findKnob = (path: string): Element | null => document.querySelector(`[data-knob="${CSS.escape(path)}"]`);

export function placeOf(step: Pick<LessonStep, "highlight" | "knob">): Element | null {
  if (step.knob) return findKnob(step.knob) ?? find("knobs");
  return step.highlight ? find(step.highlight) : null;
}

/** The side on which the panel covers nothing that the step talks about. */
export const sideOf = (step: Pick<LessonStep, "highlight" | "knob">): "left" | "right" =>
  step.knob || step.highlight === "knobs" ? "right" : "left";
