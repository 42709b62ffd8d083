import { useLayoutEffect, useRef, useState } from "react";
import type { StepRecord } from "../../../loop/record.ts";
import { checkOf, ProblemPicture } from "./problem-picture.tsx";

/** Pixels: a card's least width and its height, which depends on the task's picture and on what else is told. */
const LEAST = 216;
const GAP = 8;
const HEIGHTS: Readonly<Record<string, number>> = { countdown: 122, addition: 172, compose: 168 };
const USUAL = 144;
const LINE = 22;

/** The step's problems as cards; only those in view exist. */
export function PromptsView({ record }: { record: StepRecord }) {
  const list = useRef<HTMLElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, width: 680 });
  useLayoutEffect(() => {
    const element = list.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight || 600, width: element.clientWidth || 680 });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { groups, twins, demonstrations } = record;
  const columns = Math.max(1, Math.floor((view.width - GAP) / (LEAST + GAP)));
  const extra = (twins ? LINE : 0) + (demonstrations.length > 0 ? LINE : 0);
  const height = (HEIGHTS[groups[0]?.problem.task] ?? USUAL) + extra + GAP;
  const lines = Math.ceil(groups.length / columns);
  const width = (view.width - GAP) / columns;
  const from = Math.max(0, Math.floor(view.top / height) - 1);
  const to = Math.min(lines, Math.ceil((view.top + view.height) / height) + 1);
  return (
    <section
      ref={list}
      className="rows cards"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
      tabIndex={0}
      aria-label={`${groups.length} problems`}
      onScroll={({ currentTarget: t }) => setView({ top: t.scrollTop, height: t.clientHeight, width: t.clientWidth })}
    >
      <div className="rows-inner" style={{ height: lines * height + GAP }}>
        {groups.slice(from * columns, to * columns).map(({ problem }, i) => {
          const group = from * columns + i;
          const twin = twins?.[group] ?? -1;
          const shown = demonstrations.filter((d) => d.group === group);
          const left = GAP + (group % columns) * width;
          const top = GAP + Math.floor(group / columns) * height;
          return (
            <article
              key={group}
              className="card"
              style={{ left, top, width: width - GAP, height: height - GAP }}
              aria-label={problem.prompt}
            >
              <header>
                <span className="dim">{group + 1}</span>
                <code>{problem.prompt}</code>
              </header>
              <ProblemPicture problem={problem} />
              <p className="checks">{checkOf(problem)}</p>
              <p className="checks">
                <span className="dim">right: </span>
                <code>{problem.truth}</code>
              </p>
              {twins && <p className="checks dim">{twin < 0 ? "asked once" : `the same as problem ${twin + 1}, in other words`}</p>}
              {demonstrations.length > 0 && (
                <p className="checks shown">
                  <span className="dim">shown: </span>
                  {shown.length > 0 ? shown.map(({ text }) => <code key={text}>{text.replaceAll("\n", "⏎")} </code>) : "nothing"}
                </p>
              )}
            </article>
          );
        })}
      </div>
    </section>
  );
}
