import { type RefObject, useMemo, useRef, useState } from "react";
import type { CalibrationBin, EvaluationRecord, StepRecord } from "../../../loop/record.ts";
import { sampleAnswers } from "../../actions.ts";
import { AsTable, type Table } from "../../as-table.tsx";
import { count, percent } from "../../format.ts";
import { type PageState, usePage } from "../../state.ts";
import { distributionOf } from "./answers.ts";
import { type CurvePointWithInterval, curveOf } from "./intervals.ts";
import { ProblemPicture } from "./problem-picture.tsx";

const SAMPLES = 64;

/** pass@k against the policy before training, calibration, and the answers to one held-out problem. */
export function EvaluationView({ record }: { record: StepRecord }) {
  const start = usePage((state) => state.start);
  const now = usePage((state) => measuredBy(record, state.measurements));
  const problems = usePage((state) => (state.run?.recipe.slots.evaluation.params.passAtKProblems as number | undefined) ?? 1);
  const live = usePage((state) => state.lookBack === undefined);
  const playing = usePage((state) => state.playing);
  const busy = usePage((state) => state.progress !== undefined);
  const sampled = usePage((state) => state.sampled);
  const [at, setAt] = useState(sampled?.at ?? 0);
  const answers = useRef<HTMLElement>(null);
  const shown = sampled?.at === at ? sampled : undefined;
  const go = (by: number) => setAt((at + by + problems) % problems);
  return (
    <>
      <div className="channel-bar evaluation-bar">
        <span className="legend">
          <span className="key base">before training</span> <span className="key now">{whenOf(record, now, live)}</span>
        </span>
        <span className="problem-picker">
          <button type="button" className="quiet" aria-label="Problem before" onClick={() => go(-1)}>
            ‹
          </button>
          problem {at + 1}
          <button type="button" className="quiet" aria-label="Next problem" onClick={() => go(1)}>
            ›
          </button>
        </span>
        <button
          type="button"
          className="primary draw"
          disabled={busy || playing}
          onClick={() => {
            sampleAnswers(at, SAMPLES);
            answers.current?.scrollIntoView?.({ block: "nearest" });
          }}
          data-tip={playing ? "Pause first: the policy draws the answers" : `${SAMPLES} answers before training, and ${SAMPLES} now`}
        >
          {shown ? "Draw again" : `Draw ${SAMPLES} answers`}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className="rows evaluation" tabIndex={0} aria-label="Evaluation on held-out problems">
        <div className="curves">
          <PassAtK start={start} now={now?.evaluation} />
          <Calibration start={start?.calibration} now={now?.evaluation.calibration} />
        </div>
        <Answers place={answers} at={at} shown={shown} />
      </section>
    </>
  );
}

type Measurement = PageState["measurements"][number];

/**
 * What was known of the policy at a step: the newest measurement by then. The step's own has one sample a problem, and so pass@1 only: the
 * better one is shown if it is of this step, or there is no other.
 */
export function measuredBy(record: StepRecord, all: readonly Measurement[]): Measurement | undefined {
  const last = all.findLast(({ step }) => step <= record.step);
  if (!record.evaluation || last?.step === record.step) return last;
  return ownMeasurement(record);
}

const own = new WeakMap<StepRecord, Measurement>();

/** The same object for the same record, so that nothing is drawn anew for it. */
function ownMeasurement(record: StepRecord): Measurement {
  const known = own.get(record) ?? { step: record.step, evaluation: record.evaluation! };
  own.set(record, known);
  return known;
}

/** Of which step the newer curve tells; of an older one than the stage shows it says so. */
function whenOf(record: StepRecord, now: Measurement | undefined, live: boolean): string {
  if (!now) return live ? "now: measured when the run stands still" : `none kept from before step ${record.step}`;
  return now.step === record.step ? `step ${now.step}` : `step ${now.step}, the last measured by step ${record.step}`;
}

/** Sizes of the pictures (units of their viewBox, which are pixels at the usual width). */
const W = 430;
const H = 150;
const [LEFT, RIGHT, TOP, BOTTOM] = [38, 10, 10, 26] as const;
const y = (share: number) => TOP + (1 - share) * (H - TOP - BOTTOM);

interface PassAtKProps {
  readonly start: EvaluationRecord | undefined;
  readonly now: EvaluationRecord | undefined;
}

function PassAtK({ start, now }: PassAtKProps) {
  const base = useMemo(() => start && curveOf(start), [start]);
  const current = useMemo(() => now && curveOf(now), [now]);
  const ks = [...new Set([...(base ?? []), ...(current ?? [])].map(({ k }) => k))].sort((a, b) => a - b);
  const last = Math.log2(Math.max(2, ks.at(-1) ?? 16));
  const x = (k: number) => LEFT + 8 + (Math.log2(k) / last) * (W - LEFT - RIGHT - 16);
  return (
    <figure>
      <figcaption>
        <b data-tip="The chance that at least one of k answers to a held-out problem is right; bars: 95% by resampling the problems.">
          pass@k
        </b>
        {(base || current) && (
          <span className="dim">
            {count((now ?? start)!.problems, "held-out problem")}, {count((now ?? start)!.samples, "answer")} each
          </span>
        )}
        <AsTable title="pass@k" table={() => curveTable(base, current)} />
      </figcaption>
      <svg viewBox={`0 0 ${W} ${H}`} role="img" aria-label={spokenCurve(base, current)}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line className="axis" x1={LEFT} x2={W - RIGHT} y1={y(share)} y2={y(share)} />
            <text className="end" x={LEFT - 5} y={y(share) + 4}>
              {share * 100}%
            </text>
          </g>
        ))}
        {ks.map((k) => (
          <text key={k} className="middle" x={x(k)} y={H - 9}>
            {k}
          </text>
        ))}
        {base && <Curve points={base} x={x} kind="base" shift={-2.5} />}
        {current && <Curve points={current} x={x} kind="now" shift={2.5} />}
        {!base && !current && (
          <text className="middle" x={W / 2} y={H / 2}>
            measured when the run stands still
          </text>
        )}
      </svg>
    </figure>
  );
}

function Curve(props: { points: readonly CurvePointWithInterval[]; x: (k: number) => number; kind: string; shift: number }) {
  const { points, x, kind, shift } = props;
  return (
    <g className={`curve ${kind}`}>
      <path d={points.map(({ k, value }, i) => `${i === 0 ? "M" : "L"}${x(k) + shift} ${y(value)}`).join("")} />
      {points.map(({ k, value, low, high }) => (
        <g key={k}>
          {low !== undefined && high !== undefined && <line x1={x(k) + shift} x2={x(k) + shift} y1={y(low)} y2={y(high)} />}
          <circle cx={x(k) + shift} cy={y(value)} r="3.5">
            <title>
              pass@{k} {percent(value)}
              {low !== undefined && high !== undefined && ` (${percent(low)} to ${percent(high)})`}
            </title>
          </circle>
        </g>
      ))}
    </g>
  );
}

function curveTable(base: readonly CurvePointWithInterval[] = [], now: readonly CurvePointWithInterval[] = []): Table {
  const tell = (point: CurvePointWithInterval | undefined) =>
    point &&
    `${percent(point.value)}${point.low === undefined || point.high === undefined ? "" : ` (${percent(point.low)} to ${percent(point.high)})`}`;
  const ks = [...new Set([...base, ...now].map(({ k }) => k))].sort((a, b) => a - b);
  return {
    heads: ["k", "before training", "now"],
    rows: ks.map((k) => [String(k), tell(base.find((p) => p.k === k)), tell(now.find((p) => p.k === k))]),
    note: "In parentheses: 95% by resampling the problems.",
  };
}

function calibrationTable(start: readonly CalibrationBin[] = [], now: readonly CalibrationBin[] = []): Table {
  const rows = (when: string, bins: readonly CalibrationBin[]) =>
    bins.map((bin) => [`${when}, ${percent(bin.probability)}`, percent(bin.right), String(bin.count)]);
  return { heads: ["mean probability", "right", "answers"], rows: [...rows("before training", start), ...rows("now", now)] };
}

function spokenCurve(base: readonly CurvePointWithInterval[] | undefined, now: readonly CurvePointWithInterval[] | undefined): string {
  const tell = (name: string, points: readonly CurvePointWithInterval[] | undefined) =>
    points && `${name}: ${points.map(({ k, value }) => `pass@${k} ${percent(value)}`).join(", ")}`;
  return [tell("before training", base), tell("now", now)].filter(Boolean).join("; ") || "pass@k is not measured yet";
}

/** The calibration's width, in heights. */
const WIDER = 1.7;

/** How probable answers were against how often answers of that probability are right. */
function Calibration({ start, now }: { start: readonly CalibrationBin[] | undefined; now: readonly CalibrationBin[] | undefined }) {
  const side = H - TOP - BOTTOM;
  const x = (share: number) => LEFT + share * side * WIDER;
  const most = Math.max(1, ...[...(start ?? []), ...(now ?? [])].map((bin) => bin.count));
  const points = (bins: readonly CalibrationBin[] | undefined, kind: string) =>
    bins?.map(({ count: n, probability, right }) => (
      <circle key={probability} className={kind} cx={x(probability)} cy={y(right)} r={2.5 + 5 * Math.sqrt(n / most)}>
        <title>
          {count(n, "answer")} of probability {percent(probability)} on average: {percent(right)} right
        </title>
      </circle>
    ));
  return (
    <figure className="calibration">
      <figcaption>
        <b data-tip="Answers by the probability that the policy gave them. On the diagonal, an answer of 60% is right in 60 of 100 cases; above it, the policy is too modest.">
          Calibration
        </b>
        <span className="dim">share right</span>
        <AsTable title="Calibration" table={() => calibrationTable(start, now)} />
      </figcaption>
      <svg
        viewBox={`0 0 ${LEFT + side * WIDER + 22} ${H}`}
        role="img"
        aria-label={
          now ? now.map((b) => `probability ${percent(b.probability)}: ${percent(b.right)} right`).join(", ") : "not measured yet"
        }
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line className="axis" x1={x(0)} x2={x(1)} y1={y(share)} y2={y(share)} />
            <text className="end" x={LEFT - 5} y={y(share) + 4}>
              {share * 100}%
            </text>
            <text className="middle" x={x(share)} y={H - 9}>
              {share === 0.5 ? "probability" : `${share * 100}%`}
            </text>
          </g>
        ))}
        <line className="diagonal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
        {points(start, "base")}
        {points(now, "now")}
      </svg>
    </figure>
  );
}

/** Different answers that have a line of their own. */
const MOST = 7;

interface AnswersProps {
  readonly place: RefObject<HTMLElement | null>;
  readonly at: number;
  readonly shown: PageState["sampled"];
}

/** Many answers to one problem, before training and now, counted. */
function Answers({ place, at, shown }: AnswersProps) {
  const distribution = useMemo(() => shown && distributionOf(shown.before, shown.after, shown.samples, MOST), [shown]);
  const widest = distribution ? Math.max(...distribution.shown.map((answer) => Math.max(answer.before, answer.after))) : 1;
  return (
    <section ref={place} className="distribution" aria-label="Answers to one problem">
      {shown && distribution ? (
        <div className="answers-drawn">
          <div>
            <h3>Held-out problem {at + 1}</h3>
            <ProblemPicture problem={shown.problem} />
            <p className="dim">
              right: {percent(distribution.rightBefore)} ▸ <b>{percent(distribution.rightAfter)}</b>
            </p>
            <p className="dim">
              {shown.updating
                ? `between two updates of step ${shown.step + 1}`
                : shown.step === 0
                  ? "untrained"
                  : `after step ${shown.step}`}
            </p>
          </div>
          <table>
            <thead>
              <tr>
                <th scope="col">answer</th>
                <th scope="col">before</th>
                <th scope="col">now</th>
                <th scope="col">share</th>
              </tr>
            </thead>
            <tbody>
              {distribution.shown.map(({ text, right, reason, before, after }) => (
                <tr key={text} title={reason}>
                  <th scope="row">
                    <b className={right ? "right" : "wrong"}>{right ? "✓" : "✗"}</b>{" "}
                    <code>{text.replaceAll("\n", "⏎") || "(nothing)"}</code>
                  </th>
                  <td>{percent(before)}</td>
                  <td>{percent(after)}</td>
                  <td className="pair" aria-hidden="true">
                    <i className="base" style={{ width: `${(before / widest) * 100}%` }} />
                    <i className={right ? "right" : "wrong"} style={{ width: `${(after / widest) * 100}%` }} />
                  </td>
                </tr>
              ))}
              {distribution.others.different > 0 && (
                <tr>
                  <th scope="row" className="dim">
                    {count(distribution.others.different, "other answer")}
                  </th>
                  <td>{percent(distribution.others.before)}</td>
                  <td>{percent(distribution.others.after)}</td>
                  <td />
                </tr>
              )}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="dim">
          “Draw” takes {SAMPLES} answers to held-out problem {at + 1} from the policy before training, and as many from the policy now, and
          counts the equal ones.
        </p>
      )}
    </section>
  );
}
