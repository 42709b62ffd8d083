import { useState } from "react";
import { axisEnd } from "../charts/series.ts";
import { short } from "../format.ts";

/** Several runs in one picture: lines, with a band where the spread over seeds is known, over one axis of steps. */

export interface BandPoint {
  readonly step: number;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Curve {
  readonly name: string;
  /** A colour of the page, as `var(--pin-1)`, and with it a dash, so that no one has to tell colours apart. */
  readonly look: Look;
  readonly points: readonly BandPoint[];
  /** Measured now and then: points, joined. */
  readonly sparse?: boolean;
}

export interface Look {
  readonly colour: string;
  readonly dash: string;
}

export const LOOKS: readonly Look[] = [
  { colour: "var(--blue)", dash: "none" },
  { colour: "var(--orange)", dash: "7 3" },
  { colour: "var(--violet)", dash: "2 3" },
  { colour: "var(--pin-4)", dash: "9 3 2 3" },
  { colour: "var(--pin-5)", dash: "4 2" },
  { colour: "var(--pin-6)", dash: "1 2" },
];

export interface CurvesProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly domain?: readonly [number, number];
  readonly height?: number;
}

const WIDTH = 340;
const MARGIN = { left: 44, right: 8, top: 8, bottom: 22 };

export function Curves({ title, curves, domain, height = 200 }: CurvesProps) {
  const [table, setTable] = useState(false);
  const all = curves.flatMap(({ points }) => points);
  const end = axisEnd(Math.max(0, ...all.map(({ step }) => step)));
  const [least, most] = domain ?? extent(all);
  const x = (step: number) => MARGIN.left + (step / end) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    MARGIN.top + (1 - (Math.min(most, Math.max(least, value)) - least) / (most - least)) * (height - MARGIN.top - MARGIN.bottom);
  const line = (points: readonly (readonly [number, number])[]) =>
    points.map(([a, b], i) => `${i === 0 ? "M" : "L"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  return (
    <figure className="compare-curves" data-chart={title}>
      <figcaption>
        <b>{title}</b>
        <button type="button" className="quiet" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? "picture" : "numbers"}
        </button>
      </figcaption>
      {table ? (
        <CurveTable curves={curves} />
      ) : (
        <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={title}>
          {[least, (least + most) / 2, most].map((value) => (
            <g key={value}>
              <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(value)} y2={y(value)} stroke="var(--line)" />
              <text x={MARGIN.left - 6} y={y(value) + 4} textAnchor="end" fontSize="12" fill="var(--dim)">
                {short(value, 2)}
              </text>
            </g>
          ))}
          {[0, end / 2, end].map((step) => (
            <text key={step} x={x(step)} y={height - 5} textAnchor={step === end ? "end" : "middle"} fontSize="12" fill="var(--dim)">
              {step}
            </text>
          ))}
          {curves.map(({ name, look, points }) => {
            const band = points.filter((p) => p.low !== undefined);
            return (
              band.length > 1 && (
                <path
                  key={name}
                  d={`${line(band.map((p) => [p.step, p.high!]))}${line(band.toReversed().map((p) => [p.step, p.low!])).replace("M", "L")}Z`}
                  fill={look.colour}
                  opacity="0.16"
                />
              )
            );
          })}
          {curves.map(({ name, look, points, sparse }) => (
            <g key={name} stroke={look.colour}>
              <path d={line(points.map((p) => [p.step, p.value]))} fill="none" strokeWidth="2" strokeDasharray={look.dash} />
              {(sparse || points.length === 1) &&
                points.map((p) => <circle key={p.step} cx={x(p.step)} cy={y(p.value)} r="3" fill={look.colour} stroke="none" />)}
            </g>
          ))}
        </svg>
      )}
    </figure>
  );
}

/** The line and dash of a run, for legends. */
export function Swatch({ look }: { look: Look }) {
  return (
    <svg className="curve-swatch" viewBox="0 0 26 10" width="26" height="10" aria-hidden="true">
      <line x1="1" x2="25" y1="5" y2="5" stroke={look.colour} strokeWidth="2.5" strokeDasharray={look.dash} />
    </svg>
  );
}

function CurveTable({ curves }: { curves: readonly Curve[] }) {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const at = (curve: Curve, step: number) => curve.points.find((p) => p.step === step);
  const text = (p: BandPoint | undefined) =>
    p ? short(p.value) + (p.low === undefined ? "" : ` (${short(p.low, 2)} to ${short(p.high!, 2)})`) : "";
  return (
    <div className="curve-table">
      <table>
        <thead>
          <tr>
            <th scope="col">step</th>
            {curves.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step}>
              <th scope="row">{step}</th>
              {curves.map((curve) => (
                <td key={curve.name}>{text(at(curve, step))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** From 0, or lower where values are, to a little above the highest of values and bands. */
function extent(points: readonly BandPoint[]): [number, number] {
  if (points.length === 0) return [0, 1];
  const most = Math.max(1e-9, ...points.map(({ value, high = value }) => high));
  // A band below 0 around what is never negative says nothing.
  const least = Math.min(0, ...points.map(({ value }) => value));
  const unit = 10 ** Math.floor(Math.log10(most - least)) / 2;
  return [Math.floor(least / unit) * unit, Math.ceil(most / unit) * unit];
}
