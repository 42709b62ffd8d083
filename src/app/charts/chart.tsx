import { memo, useLayoutEffect, useRef, useState } from "react";
import { Line, LineChart, ReferenceLine, Tooltip, XAxis, YAxis } from "recharts";
import { lookAt } from "../actions.ts";
import { fixed, percent, rate, short } from "../format.ts";
import { axisEnd, type ChartSpec, type Point } from "./series.ts";

export interface ChartProps {
  readonly spec: ChartSpec;
  readonly points: readonly Point[];
  readonly height: number;
  /** Room for the lines' names. */
  readonly wide?: boolean;
  /** The step looked back at. */
  readonly cursor: number | undefined;
}

/** Without the space before the sign: axes are narrow. */
const narrowPercent = (value: number) => percent(value).replace(/(\.0)? %/, "%");

const show = (format: ChartSpec["format"], value: number) =>
  format === "percent" ? narrowPercent(value) : format === "rate" ? rate(value) : short(value);

/** One panel. A click looks back at the step under the pointer. */
export const Chart = memo(function Chart({ spec, points, height, wide, cursor }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const end = axisEnd(points.at(-1)?.step ?? 0);
  const last = spec.lines.map((line) => points.findLast((p) => line.metric in p)?.[line.metric]);
  return (
    <figure className="chart" data-chart={spec.id} aria-label={spec.title}>
      <figcaption data-tip={spec.meaning}>
        {!wide && <span className="chart-title">{spec.title}</span>}
        <span className="chart-values">
          {spec.lines.map((line, i) => (
            <span key={line.metric} className={`chart-value ${line.colour}`} title={line.name}>
              {wide && `${line.name} `}
              {last[i] === undefined ? "–" : show(spec.format, last[i])}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} className="chart-box" style={{ height }}>
        {width > 0 && points.length > 0 && (
          <LineChart
            width={width}
            height={height}
            data={points as Point[]}
            margin={{ top: 4, right: 6, bottom: 0, left: 0 }}
            syncId="steps"
            syncMethod="value"
            accessibilityLayer={false}
            onClick={(event) => event?.activeLabel !== undefined && lookAt(Number(event.activeLabel))}
          >
            <XAxis
              dataKey="step"
              type="number"
              domain={[0, end]}
              ticks={[0, end / 2, end]}
              height={18}
              tickLine={false}
              allowDecimals={false}
              stroke="var(--line)"
              tick={{ fill: "var(--dim)", fontSize: 12 }}
            />
            <YAxis
              width={40}
              domain={spec.domain ? [...spec.domain] : [0, (max: number) => Math.max(spec.least ?? 0, max)]}
              tickCount={3}
              tickLine={false}
              axisLine={false}
              stroke="var(--line)"
              tick={{ fill: "var(--dim)", fontSize: 12 }}
              tickFormatter={(value: number) => (spec.format === "number" ? short(value, 2) : show(spec.format, value))}
            />
            <Tooltip
              isAnimationActive={false}
              separator=" "
              offset={14}
              allowEscapeViewBox={{ x: false, y: true }}
              formatter={(value) => (spec.format === "number" ? fixed(Number(value), 3) : show(spec.format, Number(value)))}
              labelFormatter={(step) => `step ${step}`}
            />
            {cursor !== undefined && <ReferenceLine x={cursor} stroke="var(--ink)" strokeDasharray="3 3" />}
            {spec.lines.map((line) => (
              <Line
                key={line.metric}
                dataKey={line.metric}
                name={line.name}
                type="linear"
                stroke={`var(--${line.colour})`}
                strokeWidth={2}
                strokeDasharray={line.colour === "orange" && !line.sparse ? "5 3" : undefined}
                dot={line.sparse ? { r: 2.5, fill: `var(--${line.colour})` } : false}
                activeDot={{ r: 3 }}
                connectNulls
                isAnimationActive={false}
              />
            ))}
          </LineChart>
        )}
      </div>
    </figure>
  );
});
