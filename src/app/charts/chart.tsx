import { memo, type PointerEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Line, LineChart, XAxis, YAxis } from "recharts";
import { lookAt } from "../actions.ts";
import { percent, rate, short } from "../format.ts";
import { pointAt, useCursor } from "./cursor.ts";
import { axisEnd, type ChartSpec, type Overlay, type Point, withOverlays } from "./series.ts";

/** Room for the labels of the axes (pixels). */
const LEFT = 40;
const RIGHT = 6;
const BOTTOM = 18;

const show = (format: ChartSpec["format"], value: number, digits = 3) =>
  format === "percent"
    ? percent(value).replace(".0%", "%")
    : format === "rate"
      ? rate(value)
      : Math.abs(value) < 1e-9
        ? "0"
        : short(value, digits);

const NO_POINTS: readonly Point[] = [];
const NO_OVERLAYS: readonly Overlay[] = [];
/** Without data there would be no numbers at the axes. */
const NO_STEPS: Point[] = [{ step: 0 }];

export interface ChartProps {
  readonly spec: ChartSpec;
  /** Undefined until the chart may be drawn. */
  readonly points: readonly Point[] | undefined;
  /** Curves of other runs. */
  readonly overlays?: readonly Overlay[];
  /** Room for the lines' names instead of a title. */
  readonly wide?: boolean;
}

/**
 * One panel. The pointer over any of them marks its step in all, and their headings tell the values there; a click looks back at it.
 * Lines and cursor are separate layers, so that a moving pointer never draws a line again.
 */
export function Chart({ spec, points, overlays = NO_OVERLAYS, wide }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setSize({ width: Math.floor(contentRect.width), height: Math.floor(contentRect.height) }),
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const last = points?.at(-1)?.step ?? 0;
  const drawn = useMemo(() => points && withOverlays(points, overlays), [points, overlays]);
  const end = axisEnd(drawn?.at(-1)?.step ?? 0);
  const plot = width - LEFT - RIGHT;
  const stepUnder = (event: PointerEvent | React.MouseEvent) => {
    const x = event.clientX - box.current!.getBoundingClientRect().left - LEFT;
    return Math.min(last, Math.max(0, Math.round((x / plot) * end)));
  };
  return (
    <figure className={`chart ${wide ? "wide" : ""}`} data-chart={spec.id} aria-label={spec.title}>
      <Heading spec={spec} points={points ?? NO_POINTS} wide={wide ?? false} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the timeline does the same by keyboard */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
      <div
        ref={box}
        className="chart-box"
        onPointerMove={(event) => last > 0 && useCursor.setState({ pointed: stepUnder(event) })}
        onPointerLeave={() => useCursor.setState({ pointed: undefined })}
        onClick={(event) => lookAt(stepUnder(event))}
      >
        {width > 0 && drawn && (
          <>
            <Lines spec={spec} points={drawn} overlays={overlays} width={width} height={height} end={end} />
            <Cursor plot={plot} height={height} end={end} />
          </>
        )}
      </div>
    </figure>
  );
}

/** Title and values: at the marked step, or the newest. */
function Heading({ spec, points, wide }: { spec: ChartSpec; points: readonly Point[]; wide: boolean }) {
  const cursor = useCursor((state) => state.pointed ?? state.lookedAt);
  return (
    <figcaption data-tip={spec.meaning}>
      {wide ? (
        <span className="dim">{cursor === undefined ? "" : `step ${cursor}`}</span>
      ) : (
        <span className="chart-title">{spec.title}</span>
      )}
      <span className="chart-values">
        {spec.lines.map((line) => {
          const value = pointAt(points, line.metric, cursor);
          return (
            <span key={line.metric} className={`chart-value ${line.colour}`} title={line.name}>
              {wide && `${line.name} `}
              {value === undefined ? "–" : show(spec.format, value, Math.abs(value) < 0.01 ? 2 : 3)}
            </span>
          );
        })}
      </span>
    </figcaption>
  );
}

function Cursor({ plot, height, end }: { plot: number; height: number; end: number }) {
  const { pointed, lookedAt } = useCursor();
  const at = (step: number) => ({ left: LEFT + (step / end) * plot, height: height - BOTTOM });
  return (
    <>
      {lookedAt !== undefined && <div className="cursor looked-at" style={at(lookedAt)} />}
      {pointed !== undefined && <div className="cursor" style={at(pointed)} />}
    </>
  );
}

interface LinesProps {
  readonly spec: ChartSpec;
  readonly points: readonly Point[];
  readonly overlays: readonly Overlay[];
  readonly width: number;
  readonly height: number;
  readonly end: number;
}

// Whatever is another object than before sets Recharts computing anew, so what stays the same is made once.
const MARGIN = { top: 4, right: RIGHT, bottom: 0, left: 0 };
const TICK = { fill: "var(--dim)", fontSize: 12 };
const UNTOUCHED = { pointerEvents: "none" } as const;

const Lines = memo(function Lines({ spec, points, overlays, width, height, end }: LinesProps) {
  const steps = useMemo(() => ({ domain: [0, end] as const, ticks: [0, end / 2, end] }), [end]);
  const values = useMemo(
    () => ({
      domain: spec.domain ? ([...spec.domain] as [number, number]) : ([0, (max: number) => Math.max(spec.least ?? 0, max)] as const),
      tick: (value: number) => show(spec.format, value, 2),
    }),
    [spec],
  );
  const few = points.length === 1;
  const drawn = useMemo(
    () => [
      ...overlays.map(({ key, name, colour, dash, sparse }) => (
        <Line
          key={key}
          dataKey={(point: Point) => point[key]}
          name={name}
          type="linear"
          stroke={colour}
          strokeWidth={1.5}
          strokeDasharray={dash}
          dot={sparse ? { r: 2, fill: colour, strokeDasharray: "none" } : false}
          activeDot={false}
          connectNulls
          isAnimationActive={false}
        />
      )),
      ...spec.lines.map((line) => (
        <Line
          key={line.metric}
          dataKey={line.metric}
          name={line.name}
          type="linear"
          stroke={`var(--${line.colour})`}
          strokeWidth={2}
          strokeDasharray={line.colour === "orange" && !line.sparse ? "5 3" : undefined}
          dot={line.sparse || few ? { r: 2.5, fill: `var(--${line.colour})`, strokeDasharray: "none" } : false}
          activeDot={false}
          connectNulls
          isAnimationActive={false}
        />
      )),
    ],
    [overlays, spec, few],
  );
  const axes = useMemo(
    () => (
      <>
        <XAxis
          dataKey="step"
          type="number"
          domain={steps.domain}
          ticks={steps.ticks}
          height={BOTTOM}
          tickLine={false}
          stroke="var(--line)"
          tick={TICK}
        />
        <YAxis
          width={LEFT}
          tickSize={0}
          tickMargin={5}
          domain={values.domain}
          tickCount={3}
          tickLine={false}
          axisLine={false}
          stroke="var(--line)"
          tick={TICK}
          tickFormatter={values.tick}
        />
      </>
    ),
    [steps, values],
  );
  return (
    <LineChart
      width={width}
      height={height}
      data={points.length > 0 ? (points as Point[]) : NO_STEPS}
      margin={MARGIN}
      accessibilityLayer={false}
      throttleDelay={1000}
      style={UNTOUCHED}
    >
      {axes}
      {drawn}
    </LineChart>
  );
});
