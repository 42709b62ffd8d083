import { PHASES } from "../loop/record.ts";
import { backToLive, lookAt, onePhase, reset, steps, togglePlay, viewPhase } from "./actions.ts";
import { leaveRun } from "./confirm.tsx";
import { phaseIndex, shownPhase, shownRecord, usePage } from "./state.ts";

/** Play, pause, one phase, one step, ten, reset; the phases of the step; the steps behind. */
export function Transport() {
  return (
    <nav className="transport" aria-label="Run">
      <Buttons />
      <PhaseRail />
      <Timeline />
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
        {pausing ? "Pausing…" : playing ? "❚❚ Pause" : "▶ Play"}
      </button>
      <button type="button" disabled={!ready} onClick={onePhase} data-tip="Run one phase of the step, then stand still ( . )">
        Phase
      </button>
      <button type="button" disabled={!ready} onClick={() => steps(1)} data-tip="Run to the end of this step ( → )">
        Step
      </button>
      <button type="button" disabled={!ready} onClick={() => steps(10)} aria-label="Ten steps" data-tip="Run ten steps">
        ×10
      </button>
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
            onClick={() => viewPhase(i === reached ? undefined : phase)}
          >
            <span className="station" aria-hidden="true" />
            {phase}
          </button>
        </li>
      ))}
    </ol>
  );
}

function Timeline() {
  const step = usePage((state) => state.step);
  const lookBack = usePage((state) => state.lookBack?.step);
  const current = usePage((state) => state.latest?.step ?? state.step);
  const shown = lookBack ?? current;
  return (
    <div className="timeline">
      <output aria-label="Step">
        step <b>{shown}</b>
      </output>
      <input
        type="range"
        min={1}
        max={Math.max(2, current)}
        value={shown}
        disabled={step < 1}
        onChange={(event) => lookAt(Number(event.target.value))}
        aria-label="Look back at a step"
        aria-valuetext={`step ${shown}`}
      />
      <button
        type="button"
        className="quiet live"
        disabled={lookBack === undefined}
        onClick={backToLive}
        data-tip="Back to the newest step (End)"
      >
        {lookBack === undefined ? "live" : "to live"}
      </button>
    </div>
  );
}
