import { useState } from "react";
import { PHASES } from "../loop/record.ts";
import { onePhase, pause, reset, setPace, steps, togglePlay, viewPhase } from "./actions.ts";
import { leaveRun } from "./confirm.tsx";
import { Icon } from "./icons.tsx";
import { chooseView } from "./stage/views/store.ts";
import { phaseIndex, shownPhase, shownRecord, usePage } from "./state.ts";

/** Play, pause, one phase, one step, many, reset; the speed; the phases of the step. */
export function Transport() {
  return (
    <nav className="transport" aria-label="Run">
      <Buttons />
      <Speed />
      <PhaseRail />
    </nav>
  );
}

function Buttons() {
  const playing = usePage((state) => state.playing);
  const pausing = usePage((state) => state.pausing);
  const ready = usePage((state) => state.run !== undefined);
  return (
    <div className="buttons">
      <button
        type="button"
        className="primary play"
        disabled={!ready || pausing}
        onClick={togglePlay}
        data-tip="Train step after step (Space)"
      >
        {pausing ? (
          "Pausing…"
        ) : (
          <>
            <Icon name={playing ? "pause" : "play"} /> {playing ? "Pause" : "Play"}
          </>
        )}
      </button>
      <button type="button" disabled={!ready} onClick={onePhase} data-tip="Run one phase of the step, then stand still ( . )">
        Phase
      </button>
      <button type="button" disabled={!ready} onClick={() => steps(1)} data-tip="Run to the end of this step ( → )">
        Step
      </button>
      <ManySteps ready={ready} />
      <button
        type="button"
        disabled={!ready}
        onClick={() => leaveRun("Reset", reset)}
        data-tip="Back to the beginning: same weights, same seed, the knobs as they are (R)"
      >
        Reset
      </button>
    </div>
  );
}

const MOST_STEPS = 9999;

/** As many steps as are asked for: ten, unless somebody says otherwise. */
function ManySteps({ ready }: { ready: boolean }) {
  const [text, setText] = useState("10");
  const under = usePage((state) => state.until !== undefined);
  const left = usePage((state) => (state.until === undefined ? 0 : state.until - state.step));
  const wanted = Math.min(MOST_STEPS, Math.max(1, Math.round(Number(text)) || 1));
  return (
    <span className="many-steps">
      {under ? (
        <button type="button" className="stop" onClick={pause} aria-label={`Stop, ${left} steps are left`} data-tip={`Stop (${left} left)`}>
          <Icon name="stop" />
        </button>
      ) : (
        <button
          type="button"
          disabled={!ready}
          onClick={() => steps(wanted)}
          aria-label={wanted === 10 ? "Ten steps" : `${wanted} steps`}
          data-tip={`Run ${wanted} steps, then stand still`}
        >
          <Icon name="times" size={11} />
        </button>
      )}
      <input
        inputMode="numeric"
        value={text}
        onChange={(event) => setText(event.target.value.replace(/\D/g, "").slice(0, 4))}
        onBlur={() => setText(String(wanted))}
        onKeyDown={(event) => {
          if (event.key === "Enter" && ready) steps(wanted);
        }}
        aria-label="How many steps"
        data-tip="How many steps × runs; Enter runs them"
      />
    </span>
  );
}

/** Pauses between phases (milliseconds), by what they are called. */
const SPEEDS: readonly (readonly [pause: number, name: string])[] = [
  [0, "full speed"],
  [250, "¼ s a phase"],
  [1000, "1 s a phase"],
  [2500, "2½ s a phase"],
  [6000, "6 s a phase"],
];

function Speed() {
  const pace = usePage((state) => state.pace);
  return (
    <select
      className="speed-choice"
      value={pace}
      onChange={(event) => setPace(Number(event.target.value))}
      aria-label="Speed"
      data-tip="Slow motion: stand still after each phase, and after each of a step’s updates"
    >
      {SPEEDS.map(([pause, name]) => (
        <option key={pause} value={pause}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** The step as a line with seven stations. A station that was passed can be looked at again. */
function PhaseRail() {
  const current = usePage((state) => (state.lookBack ? shownRecord(state)?.phase : state.latest?.phase));
  const shown = usePage(shownPhase);
  const busy = usePage((state) => state.busy);
  const reached = current ? phaseIndex(current) : -1;
  return (
    <ol className={`rail ${busy ? "busy" : ""}`} aria-label="Phases of a step">
      {PHASES.map((phase, i) => (
        <li key={phase} className={`${i <= reached ? "done" : ""} ${i === reached ? "current" : ""} ${phase === shown ? "shown" : ""}`}>
          <button
            type="button"
            disabled={i > reached}
            aria-current={phase === shown ? "step" : undefined}
            onClick={() => {
              viewPhase(i === reached ? undefined : phase);
              // It brings its own view, also where it was shown already.
              chooseView(undefined);
            }}
          >
            <span className="station" aria-hidden="true" />
            {phase}
          </button>
        </li>
      ))}
    </ol>
  );
}
