import { useEffect, useMemo, useState } from "react";
import { LOOKS } from "../compare/curves.tsx";
import { csv } from "../compare/tried.ts";
import { download } from "../download.ts";
import { count, percent, signed } from "../format.ts";
import { type Dot, dotsOf, experimentsOf, type Measured } from "./dots.ts";
import { addCodes, type Entry, readBoard } from "./result-code.ts";
import { Scan } from "./scan.tsx";
import "./workshop.css";

/** `?board`: the class's result codes, and the distribution over their seeds. */

const KEPT = "rlvr-class-board";

export default function Board() {
  const [entries, setEntries] = useState<readonly Entry[]>(() => readBoard(kept()));
  const [text, setText] = useState("");
  const [told, setTold] = useState("");
  const [what, setWhat] = useState<Measured>("after");
  const [clearing, setClearing] = useState(false);
  useEffect(() => keep(entries), [entries]);
  const experiments = useMemo(() => experimentsOf(entries, what), [entries, what]);
  const add = (pasted: string) => {
    const { board, added, problems } = addCodes(entries, pasted);
    setEntries(board);
    setText(problems.length > 0 ? text : "");
    setTold([`${count(added, "result")} added.`, ...problems.slice(0, 5)].join(" "));
  };
  const remove = (code: string) => setEntries(entries.filter((entry) => entry.code !== code));
  const shown = (value: number) => (what === "after" ? percent(value) : `${signed(100 * value, 1)} points`);
  return (
    <main className="sheet board">
      <h1>Class board</h1>
      <p>
        Every run has a result code under <b>Share</b>. Paste codes here, any number at once: same recipe, many seeds, and luck becomes
        visible.
      </p>
      <form
        className="board-form"
        onSubmit={(event) => {
          event.preventDefault();
          add(text);
        }}
      >
        <textarea rows={3} value={text} placeholder="RLVR1-…" onChange={(event) => setText(event.target.value)} aria-label="Result codes" />
        <button type="submit" className="primary" disabled={text.trim() === ""}>
          Add
        </button>
        <Scan onCodes={add} />
      </form>
      <p aria-live="polite" className="board-told">
        {told}
      </p>
      <div className="board-line">
        <div className="buttons" role="radiogroup" aria-label="What is shown">
          {(
            [
              ["after", "pass@1 after training"],
              ["gain", "gain over the base"],
            ] as const
          ).map(([id, name]) => (
            <label key={id}>
              <input type="radio" name="what" checked={what === id} onChange={() => setWhat(id)} /> {name}
            </label>
          ))}
        </div>
        <output>{count(entries.length, "result")}</output>
        <button type="button" disabled={entries.length === 0} onClick={() => download("class-board.csv", "text/csv", asCsv(entries))}>
          CSV
        </button>
        {clearing ? (
          <>
            <button
              type="button"
              onClick={() => {
                setEntries([]);
                setClearing(false);
              }}
            >
              Clear it
            </button>
            <button type="button" onClick={() => setClearing(false)}>
              Keep it
            </button>
          </>
        ) : (
          <button type="button" disabled={entries.length === 0} onClick={() => setClearing(true)}>
            Clear…
          </button>
        )}
      </div>
      <Plot
        dots={dotsOf(entries, what)}
        what={what}
        colours={new Map(experiments.map(({ setup }, i) => [setup, LOOKS[i % LOOKS.length].colour]))}
      />
      <ul className="board-setups">
        {experiments.map(({ setup, name, entries: own, mean, interval }, i) => (
          <li key={setup}>
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
              <circle cx="6" cy="6" r="5" fill={LOOKS[i % LOOKS.length].colour} />
            </svg>
            <b>setup {name}</b> {count(own.length, "run")}, mean {shown(mean)}
            {interval && ` (95 % interval ${shown(interval[0])} to ${shown(interval[1])})`}
          </li>
        ))}
      </ul>
      {entries.length > 0 && (
        <table>
          <thead>
            <tr>
              {["Setup", "Seed", "Steps", "pass@1 before", "after", "gain"].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              <th scope="col">
                <span className="unseen">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.code}>
                <td>{experiments.find(({ setup }) => setup === entry.setup)?.name}</td>
                <td>{entry.seed}</td>
                <td>{entry.steps}</td>
                <td>{percent(entry.before)}</td>
                <td>{percent(entry.after)}</td>
                <td>{signed(100 * (entry.after - entry.before), 1)}</td>
                <td>
                  <button type="button" className="quiet" aria-label={`Remove seed ${entry.seed}`} onClick={() => remove(entry.code)}>
                    ×
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </main>
  );
}

const WIDTH = 900;
const RADIUS = 9;
const LEFT = 24;

function Plot({ dots, what, colours }: { dots: readonly Dot[]; what: Measured; colours: ReadonlyMap<number, string> }) {
  const highest = Math.max(4, ...dots.map(({ height }) => height));
  const floor = highest * 2 * RADIUS + 2 * RADIUS + 6;
  const [least, most] = what === "after" ? [0, 1] : [-1, 1];
  const x = (value: number) => LEFT + ((value - least) / (most - least)) * (WIDTH - 2 * LEFT);
  const ticks = what === "after" ? [0, 0.25, 0.5, 0.75, 1] : [-1, -0.5, 0, 0.5, 1];
  return (
    <svg
      className="dot-plot"
      viewBox={`0 0 ${WIDTH} ${floor + 26}`}
      role="img"
      aria-label={`${count(dots.length, "result")} as dots over ${what === "after" ? "pass@1" : "the gain in pass@1"}; the table below has the numbers`}
    >
      <line x1={LEFT} x2={WIDTH - LEFT} y1={floor} y2={floor} stroke="var(--dim)" />
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={x(tick)} x2={x(tick)} y1={floor} y2={floor + 5} stroke="var(--dim)" />
          <text x={x(tick)} y={floor + 21} textAnchor="middle" fontSize="15" fill="var(--dim)">
            {what === "after" ? percent(tick) : signed(100 * tick, 0)}
          </text>
        </g>
      ))}
      {dots.map(({ entry, value, height }) => (
        <circle key={entry.code} cx={x(value)} cy={floor - RADIUS - 1 - height * 2 * RADIUS} r={RADIUS - 1} fill={colours.get(entry.setup)}>
          <title>{`seed ${entry.seed}: ${percent(entry.before)} → ${percent(entry.after)}, ${count(entry.steps, "step")}`}</title>
        </circle>
      ))}
    </svg>
  );
}

const asCsv = (entries: readonly Entry[]) =>
  csv([
    ["setup", "seed", "steps", "pass@1 before", "pass@1 after", "code"],
    ...entries.map(({ setup, seed, steps, before, after, code }) => [setup.toString(16), seed, steps, before, after, code]),
  ]);

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(entries: readonly Entry[]): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(entries.map(({ code }) => code)));
  } catch {
    // Storage is full or forbidden: the board lasts as long as the page.
  }
}
