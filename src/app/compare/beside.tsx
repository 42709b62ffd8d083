import { useEffect, useRef, useState } from "react";
import { useShallow } from "zustand/react/shallow";
import { Icon } from "../icons.tsx";
import { usePage } from "../state.ts";
import { Branching } from "./branching.tsx";
import { LOOKS, Swatch } from "./curves.tsx";
import { endRival, MOST_LIVE, useLine, useLook, useRivals, WHY_NO_MORE } from "./rivals.ts";
import { SameGroup } from "./same-group.tsx";
import { pauseAll, runnerOf, stepAll, trainAll, useTogether } from "./together.ts";

/** Runs from a common seed: what differs, how far each is, and the same group of answers in each. */
export function Beside() {
  const count = useRivals(({ rivals }) => rivals.length);
  const there = useRivals(({ rivals }) => rivals.some(({ page }) => page.run));
  // How many there were when one more was asked for: with it, or without one of them, that is answered.
  const [addingTo, setAddingTo] = useState<number>();
  if (count === 0) return <Branching />;
  const full = count === MOST_LIVE - 1;
  const adding = addingTo === count;
  return (
    <>
      <div className="compare-line live-runs">
        <div className="live-controls">
          <Transport />
          {full ? (
            <p className="dim">{WHY_NO_MORE}</p>
          ) : (
            <button type="button" aria-expanded={adding} onClick={() => setAddingTo(adding ? undefined : count)}>
              {adding ? "Not now" : "Add a run"}
            </button>
          )}
        </div>
        <Names />
      </div>
      {adding && !full && <Branching />}
      {there && <SameGroup />}
    </>
  );
}

/** What the button that trains them says before "both" or "all". While they end their step it stops them at once. */
const VERB = { apart: "Train", together: "Pause", ending: "Pause" } as const;

function Transport() {
  const mode = useTogether((state) => state.mode);
  const mainBusy = usePage((state) => state.busy);
  const { two, fit, busy } = useRivals(
    useShallow(({ rivals }) => ({
      two: rivals.length === 1,
      // Whoever stopped may be told to try again.
      fit: rivals.some(({ page }) => runnerOf(page).fit),
      busy: rivals.some(({ page }) => runnerOf(page).fit && page.busy),
    })),
  );
  const all = two ? "both" : "all";
  return (
    <div className="buttons">
      <button type="button" className="primary both" disabled={!fit} onClick={mode === "apart" ? trainAll : pauseAll}>
        <Icon name={mode === "apart" ? "play" : "pause"} /> {VERB[mode]} {mode === "ending" ? "now" : all}
      </button>
      <button type="button" disabled={!fit || mode !== "apart" || mainBusy || busy} onClick={stepAll}>
        Step {all}
      </button>
    </div>
  );
}

function Names() {
  const ids = useRivals(useShallow(({ rivals }) => rivals.map(({ id }) => id)));
  const step = usePage((state) => state.step);
  const list = useRef<HTMLUListElement>(null);
  // Who added or ended a run by keyboard goes on from here: the button that did it is gone.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever one comes or goes
  useEffect(() => {
    if (document.activeElement === document.body) list.current?.focus();
  }, [ids]);
  return (
    <ul ref={list} tabIndex={-1} className="both-names" aria-label="Runs side by side">
      <li>
        <Swatch look={LOOKS[0]} />
        <span className="name">on screen</span> <span>step {step}</span>
      </li>
      {ids.map((id) => (
        <Name key={id} id={id} />
      ))}
    </ul>
  );
}

function Name({ id }: { id: string }) {
  const line = useLine(id);
  const rival = useRivals(
    useShallow(({ rivals }) => {
      const one = rivals.find((other) => other.id === id);
      return one && { there: one.page.run !== undefined, step: one.page.step, problem: one.problem };
    }),
  );
  const progress = useRivals(({ rivals }) => rivals.find((other) => other.id === id)?.page.progress);
  const look = useLook(id);
  if (!rival) return null;
  const { there, step, problem } = rival;
  // The engine's start says what it does itself; until then it is the run that is on its way.
  const what = progress?.what ?? "Starting";
  return (
    <li>
      {look === undefined ? <span className="not-drawn" /> : <Swatch look={LOOKS[look]} />}
      {there ? (
        <>
          <b className="name" title={line}>
            {line}
          </b>{" "}
          <span>step {step}</span>
        </>
      ) : (
        <span className="name" role="status">
          {what}… <progress value={progress?.fraction} aria-label={what} />
        </span>
      )}
      <button type="button" className="quiet" aria-label={`End: ${there ? line : what}`} onClick={() => endRival(id)}>
        End
      </button>
      {problem && <p className="stopped">It stopped: {problem}</p>}
    </li>
  );
}
