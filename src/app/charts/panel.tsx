import { memo, useEffect, useMemo, useState } from "react";
import { evaluationMetrics } from "../../loop/metrics.ts";
import type { Metrics } from "../../loop/record.ts";
import { percent } from "../format.ts";
import { passAtK } from "../stage/facts.ts";
import { usePage } from "../state.ts";
import "./charts.css";
import { Chart } from "./chart.tsx";
import { useCursor } from "./cursor.ts";
import { type ChartSpec, MAIN_CHART, pointsOf, SMALL_CHARTS } from "./series.ts";

/** Time between two charts' renderings (milliseconds): they take turns, so that no frame carries all of them. */
const TURN = 110;
const ALL = [MAIN_CHART, ...SMALL_CHARTS];

/** What a chart draws; undefined until its first turn, when its axes appear. */
type Seen = { readonly history: readonly Metrics[]; readonly start: Metrics } | undefined;

/** Live charts over one axis of steps. */
export default function ChartsPanel() {
  const seen = useTurns();
  const lookedAt = usePage((state) => state.lookBack?.step);
  useEffect(() => useCursor.setState({ lookedAt }), [lookedAt]);
  const chart = (spec: ChartSpec, i: number) => <LiveChart key={spec.id} spec={spec} seen={seen[i]} />;
  return (
    <>
      {chart(MAIN_CHART, 0)}
      <PassAtK />
      <div className="small-charts">{SMALL_CHARTS.map((spec, i) => chart(spec, i + 1))}</div>
    </>
  );
}

const LiveChart = memo(function LiveChart({ spec, seen }: { spec: ChartSpec; seen: Seen }) {
  const points = useMemo(() => seen && pointsOf(seen.history, spec.lines, seen.start), [seen, spec]);
  return <Chart spec={spec} points={points} wide={spec === MAIN_CHART} />;
});

/**
 * The history as each chart has last seen it: whenever there is something new, one chart after the other takes it over. The first round
 * draws the empty axes, so that what is slow the first time is over before the run begins.
 */
function useTurns(): readonly Seen[] {
  const [seen, setSeen] = useState<readonly Seen[]>(() => ALL.map(() => undefined));
  useEffect(() => {
    let next = 0;
    const timer = setInterval(() => {
      const now = current();
      setSeen((before) => {
        for (let tried = 0; tried < ALL.length; tried++) {
          const i = (next + tried) % ALL.length;
          if (before[i]?.history !== now.history || before[i]?.start !== now.start) {
            next = i + 1;
            return before.map((s, j) => (j === i ? now : s));
          }
        }
        return before;
      });
    }, TURN);
    return () => clearInterval(timer);
  }, []);
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
              {evaluation &&
                passAtK(evaluation)
                  .filter(({ k }) => SHOWN_KS.includes(k))
                  .map(({ k, value }) => <td key={k}>{percent(value)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHOWN_KS = [1, 4, 16];
