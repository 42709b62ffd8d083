import { type CSSProperties, memo, useMemo } from "react";
import { backToLive, fork, lookAt } from "../actions.ts";
import { count } from "../format.ts";
import { Icon } from "../icons.tsx";
import { Popover } from "../popover.tsx";
import { useRecording } from "../recording/state.ts";
import { usePage } from "../state.ts";
import { editInWords, marksOf, measuredSteps, placeOf, stretches, timelineEnd } from "./marks.ts";
import "./timeline.css";

/** The run as a line of steps: look back at any of them, see where knobs were turned, and fork from there. */
export function Timeline() {
  const step = usePage((state) => state.step);
  const lookBack = usePage((state) => state.lookBack?.step);
  const current = usePage((state) => state.latest?.step ?? state.step);
  const shown = lookBack ?? current;
  const end = timelineEnd(current);
  const about = useAbout(shown);
  return (
    <section className={`timeline ${lookBack === undefined ? "" : "past"}`} aria-label="Timeline">
      <output aria-label="Step" aria-live="off">
        step <b>{shown}</b>
      </output>
      <div className="track">
        <Marks end={end} />
        <input
          type="range"
          min={1}
          max={end}
          value={shown}
          disabled={step < 1}
          onChange={(event) => lookAt(Number(event.target.value))}
          aria-label="Look back at a step"
          aria-valuetext={about}
        />
      </div>
      <Fork step={lookBack ?? step} />
      <button
        type="button"
        className="quiet live"
        disabled={lookBack === undefined}
        onClick={backToLive}
        data-tip="Back to the newest step (End)"
      >
        {lookBack === undefined ? "now" : "back to now"}
      </button>
      <MemoryUse />
    </section>
  );
}

/** The step in words, for those who do not see the marks. */
function useAbout(step: number): string {
  const run = usePage((state) => state.run);
  const kept = usePage((state) => state.keptRuns);
  return useMemo(() => {
    const marks = run ? marksOf(run, kept).filter((mark) => mark.step === step) : [];
    return [`step ${step}`, ...marks.map((mark) => mark.text)].join(". ");
  }, [run, kept, step]);
}

const at = (place: number): CSSProperties => ({ left: `${100 * place}%` });
/** Drawn, because few fonts have such a sign. */
const Branch = () => (
  <svg viewBox="0 0 12 14" width="10" height="12" aria-hidden="true">
    <path d="M3 1v12M3 8.5C3 6 9 7 9 3.5V1" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
  </svg>
);

/** Drawn once a step at most: what is done and at hand, edits and forks above the line, snapshots and measurements below. */
const Marks = memo(function Marks({ end }: { end: number }) {
  const step = usePage((state) => state.step);
  const run = usePage((state) => state.run);
  const kept = usePage((state) => state.keptRuns);
  const memory = usePage((state) => state.memory);
  const history = usePage((state) => state.history);
  const marks = useMemo(() => (run ? marksOf(run, kept) : []), [run, kept]);
  const measured = useMemo(() => measuredSteps(history), [history]);
  // What was completed since then is at hand, too.
  const newer = Array.from({ length: Math.max(0, step - memory.step) }, (_, i) => memory.step + 1 + i);
  const atHand = stretches([...memory.records, ...newer]);
  return (
    <div className="marks">
      <div className="line done" style={{ width: `${100 * placeOf(step, end)}%` }} />
      {atHand.map(([from, to]) => (
        <div
          key={from}
          className="line at-hand"
          style={{ left: `${100 * placeOf(from, end)}%`, width: `${100 * (placeOf(to, end) - placeOf(from, end))}%` }}
        />
      ))}
      {memory.snapshots.map((s) => (
        <i key={s} className="snapshot" style={at(placeOf(s, end))} />
      ))}
      {measured.map((s) => (
        <i key={s} className="measured" style={at(placeOf(s, end))} />
      ))}
      {marks.map(({ kind, step: s, text }) => (
        <button
          key={`${kind}${s}${text}`}
          type="button"
          tabIndex={-1}
          className={`mark-at ${kind}`}
          style={at(placeOf(s, end))}
          data-tip={text}
          aria-label={text}
          onClick={() => lookAt(s)}
        >
          {kind === "edit" ? "◆" : <Branch />}
        </button>
      ))}
    </div>
  );
});

/** Forks from the step looked at; knobs turned there are what the fork changes. */
function Fork({ step }: { step: number }) {
  const run = usePage((state) => state.run);
  const changes = usePage((state) => state.forkChanges);
  const recorded = useRecording((state) => state.shown !== undefined);
  const past = usePage((state) => state.lookBack !== undefined);
  const complete = usePage((state) => state.step);
  const words = run ? changes.map(([path, value]) => editInWords(run, { path, value })) : [];
  const ahead = run
    ? run.edits.filter((edit) => edit.step > complete).map((edit) => `${editInWords(run, edit)} from step ${edit.step}`)
    : [];
  const keeps = ahead.length > 0 ? ` What is set ahead holds there, too: ${ahead.join(", ")}.` : "";
  const name = words.length === 0 ? `Fork at step ${step}` : `Fork at step ${step}: ${words.join(", ")}`;
  return (
    <button
      type="button"
      className={changes.length > 0 ? "primary fork" : "fork"}
      disabled={!run || step < 1 || recorded}
      onClick={() => fork(name.slice(0, 120))}
      data-tip={`${
        words.length > 0
          ? `A new run with the weights after step ${step}, and from there ${words.join(", ")}.`
          : past
            ? `A new run with the weights after step ${step}. Turn knobs first to change them from there on.`
            : `A new run that goes on from step ${step}, so that this one can be compared with it.`
      }${keeps} This run stays kept.`}
    >
      <Branch />
      {past ? `Fork at ${step}` : "Fork"}
      {changes.length > 0 && <span className="fork-changes">{changes.length}</span>}
    </button>
  );
}

const megabytes = (bytes: number) => `${bytes < 10e6 ? (bytes / 1e6).toFixed(1) : Math.round(bytes / 1e6)} MB`;

/** What looking back costs, and what the marks mean. */
function MemoryUse() {
  const memory = usePage((state) => state.memory);
  const step = usePage((state) => state.step);
  // The worker tells now and then; steps completed since are at hand, too.
  const atHand = memory.records.length + Math.max(0, step - memory.step);
  return (
    <Popover className="memory" align="right" label={<>{memory.thinned && <Icon name="info" />} marks</>} title="The timeline’s marks">
      <h2>The timeline</h2>
      <dl className="keys">
        <div>
          <dt>
            <span className="sample edit">◆</span> edit
          </dt>
          <dd>a knob was turned; it holds from that step on</dd>
        </div>
        <div>
          <dt>
            <span className="sample">
              <Branch />
            </span>{" "}
            fork
          </dt>
          <dd>another run branches off, or this one did</dd>
        </div>
        <div>
          <dt>
            <span className="sample measured" /> pass@1
          </dt>
          <dd>measured on held-out problems</dd>
        </div>
        <div>
          <dt>
            <span className="sample snapshot" /> snapshot
          </dt>
          <dd>the weights are kept: every ten steps and at every edit</dd>
        </div>
        <div>
          <dt>
            <span className="sample at-hand" /> at hand
          </dt>
          <dd>these steps’ records are in memory; others are computed again from the snapshot before them</dd>
        </div>
      </dl>
      <p>
        {step === 0 ? "No step is complete yet." : `${count(atHand, "step")} at hand, ${count(memory.snapshots.length, "snapshot")}: `}
        {step > 0 && <b>{megabytes(memory.bytes)}</b>}
      </p>
      {memory.thinned && <p>{memory.thinned}</p>}
    </Popover>
  );
}
