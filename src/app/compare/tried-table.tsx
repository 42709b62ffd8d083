import { useEffect, useMemo, useState } from "react";
import { useShallow } from "zustand/react/shallow";
import { download } from "../download.ts";
import { fixed, percent } from "../format.ts";
import { usePage } from "../state.ts";
import { putBeside } from "./branch.ts";
import { LOOKS, Swatch } from "./curves.tsx";
import { readTried, runOnScreen } from "./kept.ts";
import { useRivals } from "./rivals.ts";
import { togglePin, useCompare } from "./state.ts";
import { type Column, rowsAsCsv, rowsOf, sorted } from "./tried.ts";

const COLUMNS: readonly (readonly [Column, string])[] = [
  ["run", "Run"],
  ["differences", "From the first"],
  ["task", "Task"],
  ["seed", "Seed"],
  ["steps", "Steps"],
  ["passAt1", "pass@1"],
  ["reward", "Reward"],
];
const NUMBERS: readonly Column[] = ["seed", "steps", "passAt1", "reward"];

/** All runs that are kept, with what they differ in and what came of them. */
export function Tried() {
  const kept = usePage((state) => state.keptRuns);
  const step = usePage((state) => state.step);
  const tried = useCompare((state) => state.tried);
  const pins = useCompare((state) => state.pins);
  const live = useRivals(useShallow(({ rivals }) => rivals.map(({ page }) => page.run?.id)));
  const [{ by, descending }, sort] = useState<{ by: Column | undefined; descending: boolean }>({ by: undefined, descending: false });
  // The worker says when it has stored something.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list of kept runs is the signal to read
  useEffect(() => void readTried(), [kept]);
  const current = usePage((state) => state.run);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step is the signal to read the run on screen
  const runs = useMemo(() => {
    const here = runOnScreen();
    const others = (tried ?? []).filter((run) => run.id !== here?.id);
    const savedAt = tried?.find((run) => run.id === here?.id)?.savedAt;
    return here ? [...others, savedAt === undefined ? here : { ...here, savedAt }] : others;
  }, [tried, step, current]);
  const rows = useMemo(() => rowsOf(runs), [runs]);
  const shown = by ? sorted(rows, by, descending) : rows;
  return (
    <>
      <div className="compare-line">
        <p>
          Each run against the first, with its last measured pass@1 and the mean reward of its last ten steps. Pin some to see their curves.
        </p>
        <button type="button" onClick={() => download("runs.csv", "text/csv", rowsAsCsv(shown))}>
          CSV
        </button>
      </div>
      <table className="tried">
        <thead>
          <tr>
            <th scope="col">Pin</th>
            {COLUMNS.map(([column, name]) => (
              <th
                key={column}
                scope="col"
                className={NUMBERS.includes(column) ? "number" : ""}
                aria-sort={by !== column ? "none" : descending ? "descending" : "ascending"}
              >
                <button
                  type="button"
                  className="quiet"
                  onClick={() => sort({ by: column, descending: by === column ? !descending : NUMBERS.includes(column) })}
                >
                  {name} {by === column && (descending ? "↓" : "↑")}
                </button>
              </th>
            ))}
            <th scope="col">
              <span className="unseen">Beside</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => {
            const run = runs.find(({ id }) => id === row.id)!;
            const pinned = pins.find(({ id }) => id === row.id);
            const here = row.id === current?.id;
            return (
              <tr key={row.id} className={here ? "here" : ""}>
                <td>
                  {here ? (
                    <Swatch look={LOOKS[0]} />
                  ) : (
                    <button
                      type="button"
                      className="quiet pin"
                      aria-pressed={pinned !== undefined}
                      aria-label={`Pin ${row.run}, seed ${row.seed}, ${row.steps} steps`}
                      onClick={() => togglePin(run)}
                    >
                      {pinned ? <Swatch look={LOOKS[pinned.look]} /> : "+"}
                    </button>
                  )}
                </td>
                <th scope="row">{here ? `${row.run} (on screen)` : row.run}</th>
                <td className="differences" title={row.differences}>
                  {row.differences}
                </td>
                <td>{row.task}</td>
                <td className="number">{row.seed}</td>
                <td className="number">{row.steps}</td>
                <td className="number">{row.passAt1 === undefined ? "–" : percent(row.passAt1)}</td>
                <td className="number">{row.reward === undefined ? "–" : fixed(row.reward, 3)}</td>
                <td>
                  {!here && !live.includes(row.id) && (
                    <button
                      type="button"
                      className="quiet"
                      onClick={() => {
                        useCompare.setState({ tab: "beside" });
                        putBeside(row.id);
                      }}
                    >
                      beside
                    </button>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {runs.length < 2 && <p className="dim">Only one run so far. Start another, or turn a knob and try “Side by side”.</p>}
    </>
  );
}
