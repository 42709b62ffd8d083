import { useDeferredValue, useEffect, useRef, useState } from "react";
import type { ExportKind, KeptRun } from "../../worker/protocol.ts";
import { exportRun, forget, giveUp, rename, resume } from "../actions.ts";
import { leaveRun } from "../confirm.tsx";
import { count, percent } from "../format.ts";
import { Icon } from "../icons.tsx";
import { nameOfTask } from "../knobs/describe.ts";
import { Popover } from "../popover.tsx";
import { usePage } from "../state.ts";
import { Toasts } from "../toasts.tsx";
import { takeFile } from "./file.ts";
import { closeRuns } from "./open.ts";
import "./kept.css";

/** Time in which a deletion can be taken back (milliseconds); closing the list ends it. */
const UNDO_TIME = 12_000;

export const nameOf = (run: KeptRun) => run.name ?? run.recipe;

/** Everything that a person may look for. */
const textOf = (run: KeptRun) =>
  [nameOf(run), run.recipe, run.policy, nameOfTask(run.task), `seed ${run.seed}`, run.parent?.name ?? ""].join(" ").toLowerCase();

/** The runs that this browser keeps: search, open, name, export, import, delete. */
export default function Runs() {
  const kept = usePage((state) => state.keptRuns);
  const current = usePage((state) => state.run?.id);
  const [query, setQuery] = useState("");
  const words = useDeferredValue(query)
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const dialog = useRef<HTMLDialogElement>(null);
  const deletions = useDeletions();
  useEffect(() => dialog.current?.showModal(), []);
  const runs = kept.filter((run) => words.every((word) => textOf(run).includes(word)));
  return (
    <dialog ref={dialog} className="kept-runs" onClose={closeRuns} aria-label="Kept runs">
      <header>
        <h2>Kept runs</h2>
        <input
          type="search"
          value={query}
          placeholder="Search by name, recipe, task or seed"
          onChange={(event) => setQuery(event.target.value)}
          aria-label="Search kept runs"
        />
        <ImportButton />
        <button type="button" className="quiet" aria-label="Close the kept runs" onClick={() => dialog.current?.close()}>
          <Icon name="times" size={12} />
        </button>
      </header>
      <div className="list">
        {kept.length === 0 && (
          <p className="dim">Runs are kept in this browser as they go. There is none yet: a run appears here after its first step.</p>
        )}
        {kept.length > 0 && runs.length === 0 && <p className="dim">No kept run is called that.</p>}
        {runs.length > 0 && (
          <table>
            <thead>
              <tr>
                {["Name", "Recipe", "Task", "Policy", "Seed", "Steps", "pass@1", "Kept", "Size"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
                <th scope="col">
                  <span className="hidden">What to do with it</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) =>
                deletions.pending.has(run.id) ? (
                  <Deleted key={run.id} run={run} onUndo={() => deletions.takeBack(run.id)} />
                ) : (
                  <Row key={run.id} run={run} current={run.id === current} onDelete={() => deletions.remove(run.id)} />
                ),
              )}
            </tbody>
          </table>
        )}
      </div>
      <UnderWay />
      <Storage changed={kept} />
      {/* What is outside of an open dialog can be neither seen nor touched. */}
      <Toasts />
    </dialog>
  );
}

/** A deleted run is gone for good after a while, or when the list closes. */
function useDeletions() {
  const [pending, setPending] = useState<ReadonlySet<string>>(new Set());
  const timers = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useEffect(() => {
    const waiting = timers.current;
    return () => {
      for (const [id, timer] of waiting) {
        clearTimeout(timer);
        forget(id);
      }
      waiting.clear();
    };
  }, []);
  const without = (id: string) => {
    clearTimeout(timers.current.get(id));
    timers.current.delete(id);
    setPending((all) => new Set([...all].filter((other) => other !== id)));
  };
  return {
    pending,
    takeBack: without,
    remove(id: string) {
      setPending((all) => new Set([...all, id]));
      const timer = setTimeout(() => {
        without(id);
        forget(id);
      }, UNDO_TIME);
      timers.current.set(id, timer);
    },
  };
}

function Row({ run, current, onDelete }: { run: KeptRun; current: boolean; onDelete: () => void }) {
  const open = () => {
    closeRuns();
    leaveRun("Open the other run", () => resume(run.id));
  };
  return (
    <tr className={current ? "current" : ""}>
      <td>
        <Name run={run} />
        {run.parent && (
          <span className="from dim">
            from “{run.parent.name}” at step {run.parent.step}
          </span>
        )}
      </td>
      <td>{run.recipe}</td>
      <td>{nameOfTask(run.task)}</td>
      <td>{run.policy}</td>
      <td className="number">{run.seed}</td>
      <td className="number">{run.steps}</td>
      <td className="number">{run.passAt1 === undefined ? "–" : percent(run.passAt1)}</td>
      <td className="date">{dateOf(run.savedAt)}</td>
      <td className="number">{size(run.bytes)}</td>
      <td className="actions">
        {current ? (
          <span className="dim">on screen</span>
        ) : (
          <button type="button" onClick={open}>
            Open
          </button>
        )}
        <Popover label="Export" title={`Export ${nameOf(run)}`} align="right">
          <div className="exports">
            {EXPORTS.filter(({ ofRecords }) => !ofRecords || current).map(({ what, label, about }) => (
              <button key={what} type="button" onClick={() => exportRun(run.id, what)}>
                {label} <span className="dim">{about}</span>
              </button>
            ))}
            {!current && (
              <p className="dim">
                Of its answers only the numbers are kept, so they are computed again. A recording can be made once it is open.
              </p>
            )}
          </div>
        </Popover>
        {!current && (
          <button type="button" className="quiet" aria-label={`Delete ${nameOf(run)}`} onClick={onDelete}>
            Delete
          </button>
        )}
      </td>
    </tr>
  );
}

/** `ofRecords` is what needs the records in memory, which only the run on screen has. */
const EXPORTS: readonly { readonly what: ExportKind; readonly label: string; readonly about: string; readonly ofRecords?: true }[] = [
  { what: "run", label: "Run file", about: "all of it, to go on elsewhere" },
  { what: "metrics", label: "Metrics", about: "CSV, a line a step" },
  { what: "rollouts", label: "Answers", about: "JSONL, of the steps at hand", ofRecords: true },
  { what: "rolloutsAgain", label: "All answers", about: "JSONL, every step computed again" },
  { what: "recording", label: "As a recording", about: "all there is to see, for machines too slow to train", ofRecords: true },
];

function Deleted({ run, onUndo }: { run: KeptRun; onUndo: () => void }) {
  return (
    <tr className="deleted">
      <td colSpan={9}>“{nameOf(run)}” is deleted.</td>
      <td className="actions">
        <button type="button" onClick={onUndo} aria-label={`Undo deleting ${nameOf(run)}`}>
          Undo
        </button>
      </td>
    </tr>
  );
}

/** A name to be changed in place. */
function Name({ run }: { run: KeptRun }) {
  const [draft, setDraft] = useState<string>();
  const commit = () => {
    const name = draft?.trim();
    setDraft(undefined);
    if (name && name !== nameOf(run)) rename(run.id, name);
  };
  return (
    <input
      value={draft ?? nameOf(run)}
      maxLength={120}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape" && draft !== undefined) {
          event.preventDefault();
          setDraft(undefined);
        }
      }}
      aria-label={`Name of ${nameOf(run)}`}
      data-tip="A run with a name of its own is kept until it is deleted"
    />
  );
}

function ImportButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        onClick={() => input.current?.click()}
        data-tip="A run’s file or a recording; it can also be dropped anywhere on the page"
      >
        Import a run file
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json,.rlvr-recording"
        className="hidden"
        aria-label="Run file to import"
        tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void takeFile(file);
        }}
      />
    </>
  );
}

/** What takes its time while the list is open, such as an export. */
function UnderWay() {
  const progress = usePage((state) => state.progress);
  if (!progress?.cancel) return null;
  return (
    <p className="under-way">
      {progress.what}…
      <progress value={progress.fraction} max={1} aria-label={progress.what} />
      <button type="button" onClick={giveUp}>
        Give up
      </button>
    </p>
  );
}

/** How much of the browser's storage the page uses, if the browser says so. */
function Storage({ changed }: { changed: readonly KeptRun[] }) {
  const [estimate, setEstimate] = useState<StorageEstimate>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked anew whenever the list changes
  useEffect(() => {
    let wanted = true;
    void navigator.storage?.estimate?.().then(
      (answer) => wanted && setEstimate(answer),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [changed]);
  const runs = changed.reduce((sum, run) => sum + run.bytes, 0);
  return (
    <footer className="dim">
      {count(changed.length, "run")}, about {size(runs)}.{" "}
      {estimate?.usage !== undefined && estimate.quota !== undefined && (
        <>
          This page uses {size(estimate.usage)} of the {size(estimate.quota)} that the browser allows it.{" "}
        </>
      )}
      Of runs without a name of their own the newest 40 are kept.
    </footer>
  );
}

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** The time of today's, the day of others. */
function dateOf(time: number): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
