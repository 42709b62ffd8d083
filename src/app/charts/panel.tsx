import { memo, useEffect, useMemo, useRef, useState } from "react";
import { evaluationMetrics } from "../../loop/metrics.ts";
import type { Metrics } from "../../loop/record.ts";
import { Legend, overlaysOf } from "../compare/pins.tsx";
import { useCompare } from "../compare/state.ts";
import { count, percent } from "../format.ts";
import { passAtK } from "../stage/facts.ts";
import { usePage } from "../state.ts";
import "./charts.css";
import { Chart } from "./chart.tsx";
import { useCursor } from "./cursor.ts";
import { SaveChart } from "./save.tsx";
import { type ChartSpec, MAIN_CHART, pointsOf, recipeCharts, SMALL_CHARTS } from "./series.ts";

/** Time between two charts' renderings (milliseconds): they take turns, so that no frame carries all of them. At rest they catch up. */
const TURN = 110;
const TURN_WHILE_PLAYING = 150;
/** What a chart draws; undefined until its first turn, when its axes appear. */
type Seen = { readonly history: readonly Metrics[]; readonly start: Metrics } | undefined;

/** Live charts over one axis of steps. */
export default function ChartsPanel() {
  const further = useRecipeCharts();
  const all = useMemo(() => [MAIN_CHART, ...SMALL_CHARTS, ...further], [further]);
  // The large one moves while one looks: it comes again after every third.
  const turns = useMemo(() => all.slice(1).flatMap((chart, i) => (i % 3 === 0 ? [MAIN_CHART, chart] : [chart])), [all]);
  const seen = useTurns(turns);
  const lookedAt = usePage((state) => state.lookBack?.step);
  useEffect(() => useCursor.setState({ lookedAt }), [lookedAt]);
  const chart = (spec: ChartSpec) => <LiveChart key={spec.id} spec={spec} seen={seen.get(spec.id)} />;
  return (
    <>
      {chart(MAIN_CHART)}
      <Legend />
      <PassAtK />
      <Skipped />
      <div className="small-charts">{SMALL_CHARTS.map(chart)}</div>
      {further.length > 0 && (
        <>
          <h3 className="further">Of this recipe</h3>
          <div className="small-charts">{further.map(chart)}</div>
        </>
      )}
      <SaveChart specs={all} />
    </>
  );
}

/** Updates that were left out since the run began, because a number was not finite. */
function Skipped() {
  const skipped = usePage((state) => state.history.reduce((sum, metrics) => sum + (metrics.updates_skipped ?? 0), 0));
  if (skipped === 0) return null;
  return (
    <p className="skipped" role="status">
      {count(skipped, "update")} skipped, because a number was not finite.
    </p>
  );
}

const NO_CHARTS: readonly ChartSpec[] = [];

/** Charts that the recipe calls for; the same ones as long as it calls for the same. */
function useRecipeCharts(): readonly ChartSpec[] {
  const recipe = usePage((state) => state.run?.recipe);
  const names = usePage((state) => {
    const newest = state.history.at(-1);
    return newest
      ? Object.keys(newest)
          .filter((name) => newest[name] !== 0)
          .join(" ")
      : "";
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: which metrics there are matters, not their values
  return useMemo(() => {
    const newest = usePage.getState().history.at(-1);
    const charts = recipe && newest ? recipeCharts(recipe, newest) : NO_CHARTS;
    return charts.length > 0 ? charts : NO_CHARTS;
  }, [recipe, names]);
}

const LiveChart = memo(function LiveChart({ spec, seen }: { spec: ChartSpec; seen: Seen }) {
  const points = useMemo(() => seen && pointsOf(seen.history, spec.lines, seen.start), [seen, spec]);
  const pins = useCompare((state) => state.pins);
  const overlays = useMemo(() => overlaysOf(pins, spec), [pins, spec]);
  return <Chart spec={spec} points={points} overlays={overlays} wide={spec === MAIN_CHART} />;
});

/**
 * The history as each chart has last seen it: whenever there is something new, one chart after the other takes it over. The first round
 * draws the empty axes, so that what is slow the first time is over before the run begins.
 */
function useTurns(turns: readonly ChartSpec[]): ReadonlyMap<string, Seen> {
  const [seen, setSeen] = useState<ReadonlyMap<string, Seen>>(new Map());
  const run = usePage((state) => state.run?.setup);
  // Another run: what was seen of the one before goes at once, and there is little yet to draw.
  // biome-ignore lint/correctness/useExhaustiveDependencies: for the sake of the run
  useEffect(() => setSeen((before) => new Map([...before.keys()].map((id) => [id, current()]))), [run]);
  const next = useRef(0);
  // Begins anew after each rendering: on a busy machine turns come later, never two at once.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const wait = () => {
      const turn = usePage.getState().playing ? TURN_WHILE_PLAYING : TURN;
      timer = setTimeout(() => {
        const now = current();
        for (let tried = 0; tried < turns.length; tried++) {
          const i = (next.current + tried) % turns.length;
          const last = seen.get(turns[i].id);
          if (last?.history !== now.history || last?.start !== now.start) {
            next.current = i + 1;
            setSeen(new Map(seen).set(turns[i].id, now));
            return;
          }
        }
        wait();
      }, turn);
    };
    wait();
    return () => clearTimeout(timer);
  }, [turns, seen]);
  return seen;
}

const NOTHING: Metrics = {};
let startCache: { evaluation: unknown; metrics: Metrics } | undefined;

function current(): NonNullable<Seen> {
  const { history, start } = usePage.getState();
  if (startCache?.evaluation !== start) startCache = { evaluation: start, metrics: start ? evaluationMetrics(start) : NOTHING };
  return { history, start: startCache?.metrics ?? NOTHING };
}

/** pass@k of the base policy and, once measured, of the policy now. */
function PassAtK() {
  const start = usePage((state) => state.start);
  const measured = usePage((state) => state.measured);
  const ks = start && passAtK(start);
  // Between two updates the policy is neither the old one nor the new.
  const between = usePage(({ busy, latest }) => !busy && latest?.phase === "update");
  return (
    <div
      className="pass-at-k"
      data-tip="The chance that at least one of k answers to a held-out problem is right. Measured while the run stands still."
    >
      <table>
        <thead>
          <tr>
            <th scope="row">pass@</th>
            {ks ? (
              ks
                .filter(({ k }) => SHOWN_KS.includes(k))
                .map(({ k }) => (
                  <th key={k} scope="col">
                    {k}
                  </th>
                ))
            ) : (
              <td className="dim">measured while paused</td>
            )}
          </tr>
        </thead>
        <tbody>
          {(
            [
              ["base", start],
              [measured ? `step ${measured.step}` : "now", measured?.evaluation],
            ] as const
          ).map(([name, evaluation], i) => (
            <tr key={i === 0 ? "base" : "now"}>
              <th scope="row">{name}</th>
              {evaluation ? (
                passAtK(evaluation)
                  .filter(({ k }) => SHOWN_KS.includes(k))
                  .map(({ k, value }) => <td key={k}>{percent(value)}</td>)
              ) : i === 1 && ks && between ? (
                <td className="dim" colSpan={SHOWN_KS.length}>
                  once this step is complete
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHOWN_KS = [1, 4, 16];
