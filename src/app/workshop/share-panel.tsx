import { useState } from "react";
import { setupNow } from "../actions.ts";
import { useCompare } from "../compare/state.ts";
import { percent } from "../format.ts";
import { usePlayer } from "../lessons/player.ts";
import { writeLink } from "../link.ts";
import { usePage } from "../state.ts";
import { CopyField } from "./copy.tsx";
import { HIDEABLE, HIDEABLE_SLOTS, useLayout } from "./layout.ts";
import { togglePresenter } from "./presenter.tsx";
import { Qr } from "./qr.tsx";
import { resetEverything } from "./reset.ts";
import { setupNumber, writeResultCode } from "./result-code.ts";

/** Links to this run, its result as a code, and the tools of a workshop. */
export default function SharePanel() {
  const run = usePage((state) => state.run);
  if (!run) return <p>There is no run yet.</p>;
  return (
    <div className="share-panel">
      <LinkToRun />
      <ResultCode />
      <Workshop />
    </div>
  );
}

function LinkToRun() {
  const run = usePage((state) => state.run)!;
  const step = usePage((state) => state.lookBack?.step ?? state.step);
  // Knobs turned after the place that is looked back at are no part of it; what is set ahead of the run is.
  const complete = usePage((state) => state.step);
  const phase = usePage((state) => state.viewPhase);
  const { presenting, hidden: hiddenHere } = useLayout();
  const comparing = useCompare((state) => state.open);
  const lesson = usePlayer((state) => state.lesson?.id);
  const [here, setHere] = useState(false);
  const [hidden, setHidden] = useState<readonly string[]>(hiddenHere);
  const layout = { hidden, presenting, comparing, lesson };
  const link =
    here && step > 0
      ? writeLink(run.setup, { ...layout, edits: run.edits.filter((edit) => edit.step <= step || edit.step > complete), step, phase })
      : writeLink(setupNow()!, layout);
  const address = new URL(link, document.baseURI).href;
  return (
    <>
      <h2>Share this run</h2>
      <fieldset className="share-what">
        <legend className="unseen">What the link opens</legend>
        <label>
          <input type="radio" name="share-what" checked={!here} onChange={() => setHere(false)} /> the beginning, with the knobs as they
          stand now
        </label>
        <label>
          <input type="radio" name="share-what" checked={here} disabled={step === 0} onChange={() => setHere(true)} /> this very place:
          {step > 0 ? ` ${step === 1 ? "step 1" : `all ${step} steps`} run again on the other machine` : " once there is a step"}
        </label>
      </fieldset>
      <div className="share-both">
        <div>
          <CopyField text={address} label="Link to this run" />
          <p className="dim">
            Recipe, knobs, formulas, task, policy and seed are in it. On another GPU the numbers may differ in the last digits; exact state
            travels as a file (“Runs”).
          </p>
          <details>
            <summary>Hide controls for whoever opens it{hidden.length > 0 && ` (${hidden.length})`}</summary>
            <div className="hideable">
              {[...Object.entries(HIDEABLE), ...HIDEABLE_SLOTS].map(([name, label]) => (
                <label key={name}>
                  <input
                    type="checkbox"
                    checked={hidden.includes(name)}
                    onChange={({ target }) => setHidden(target.checked ? [...hidden, name] : hidden.filter((other) => other !== name))}
                  />{" "}
                  {label}
                </label>
              ))}
            </div>
          </details>
        </div>
        <Qr text={address} label="The link as a QR code" />
      </div>
    </>
  );
}

/** What the run came to, for the class board. */
function ResultCode() {
  const { run, start, measured, history } = usePage();
  const [shown, setShown] = useState(false);
  const last = history.findLast((metrics) => "pass@1" in metrics);
  const before = start?.passAtK[1];
  const after = measured?.evaluation.passAtK[1] ?? last?.["pass@1"];
  const steps = measured?.step ?? last?.step;
  const ready = before !== undefined && after !== undefined && steps !== undefined;
  const code = ready ? writeResultCode({ setup: setupNumber(run!), seed: run!.setup.seed, before, after, steps }) : "";
  return (
    <>
      <h3>Result code</h3>
      {!ready ? (
        <p className="dim">
          Train some steps and pause for a moment: pass@1 is measured while the run stands still, and then there is a code.
        </p>
      ) : !shown ? (
        <p>
          <button type="button" onClick={() => setShown(true)}>
            Make a result code
          </button>{" "}
          <span className="dim">for the class board: setup, seed, pass@1 before and after, steps</span>
        </p>
      ) : (
        <div className="share-both">
          <div>
            <CopyField text={code} label="Result code" />
            <p className="dim">
              Seed {run!.setup.seed}, {steps} steps, pass@1 {percent(before)} → {percent(after)}. No name is in it.
            </p>
          </div>
          <Qr text={code} label="The result code as a QR code" />
        </div>
      )}
    </>
  );
}

function Workshop() {
  const [sure, setSure] = useState(false);
  return (
    <>
      <h3>Workshop</h3>
      <p className="share-tools">
        <a href="?selfcheck" target="_blank" rel="noreferrer">
          Self-check
        </a>
        <a href="?board" target="_blank" rel="noreferrer">
          Class board
        </a>
        <button type="button" onClick={togglePresenter} data-tip="Large type and fewer panels (P)">
          Presenter mode
        </button>
        {!sure && (
          <button type="button" onClick={() => setSure(true)}>
            Reset everything…
          </button>
        )}
      </p>
      {sure && (
        <div role="alert" className="reset">
          <p>All runs, lessons’ progress, settings and offline files of this page are deleted from this browser. This cannot be undone.</p>
          <div className="buttons">
            <button type="button" className="primary" onClick={() => void resetEverything()}>
              Delete everything
            </button>
            <button type="button" onClick={() => setSure(false)}>
              Keep it
            </button>
          </div>
        </div>
      )}
    </>
  );
}
