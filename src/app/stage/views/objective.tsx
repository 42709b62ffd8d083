import { type KeyboardEvent, type PointerEvent, useCallback, useMemo, useRef, useState } from "react";
import type { StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { count, fixed, percent, short, tokenName } from "../../format.ts";
import { usePage } from "../../state.ts";
import { CLIP_NAMES } from "../channels.ts";
import { type Palette, type Size, useCanvas } from "./canvas.tsx";
import { type CurvePoint, type Height, objectiveCurves } from "./objective-curve.ts";
import { type Dot, type DotHeight, decimate, dotsOf } from "./objective-dots.ts";
import { rangeOf } from "./plugin-terms.ts";
import { glance, pin, useStage } from "./store.ts";
import { curveTable, dotTable } from "./tables.ts";
import { UpdatePicker, useUpdate } from "./update-picker.tsx";

/** The axis of ratios reaches from 1/most to most, and no further than this. */
const FURTHEST = 4;
const NEAREST = 1.3;
/** How near to a dot the pointer must be (pixels). */
const NEAR = 12;
const DWELL = 120;
/** Room for the axes (pixels). */
const [LEFT, RIGHT, TOP, BOTTOM, BETWEEN] = [44, 12, 24, 34, 40] as const;

/** A panel this wide has room for titles in words. */
const NARROW = 260;

interface Frame {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly logarithmic: boolean;
}

/** Every token as a dot on the curve of the objective: where its ratio is, what the objective makes of it, and whether a bound holds it. */
export function ObjectiveView({ record }: { record: StepRecord }) {
  const update = useUpdate(record);
  const [wanted, setWanted] = useState<Height>("loss");
  const reach = useMemo(() => reachOf(record), [record]);
  const curves = useMemo(() => objectiveCurves(record.settings, 1 / reach, reach), [record.settings, reach]);
  const heights = curves ? (["loss", "slope"] as const).filter((height) => curves.curves[height]) : [];
  const height: DotHeight = heights.includes(wanted) ? wanted : ((heights[0] as Height | undefined) ?? "coefficient");
  const { dots, left } = useMemo(() => dotsOf(record, update, height), [record, update, height]);
  const curve = height === "coefficient" ? undefined : curves?.curves[height];
  const frame = useMemo((): Frame => frameOf(dots, curve, reach), [dots, curve, reach]);
  const clipped = dots.filter((dot) => dot.clipped !== 0).length;
  return (
    <>
      <div className="channel-bar">
        <UpdatePicker record={record} whole="all" />
        {heights.length > 1 && (
          <fieldset className="segments" aria-label="Height of the dots">
            {heights.map((h) => (
              <button
                key={h}
                type="button"
                aria-pressed={h === height}
                onClick={() => setWanted(h)}
                data-tip={
                  h === "loss"
                    ? "The token’s loss, for an advantage and a weight of 1"
                    : "What enters the gradient, ∂L/∂ log π, for an advantage and a weight of 1"
                }
              >
                {h}
              </button>
            ))}
          </fieldset>
        )}
        <span className="legend">
          <i className="dot up" /> A &gt; 0 <i className="dot down" /> A &lt; 0 <i className="dot held" /> held by the clip
        </span>
        <span className="dim">
          {height === "coefficient" ? "no curve over the ratio" : `${percent(clipped / Math.max(1, dots.length))} held`}
        </span>
        <AsTable title="Tokens on the objective" label="Dots as table" table={() => dotTable(record, dots, height)} />
        {curves && curve && (
          <AsTable title="The objective’s curve" label="Curve as table" text="curve" table={() => curveTable(curves, curve, height)} />
        )}
      </div>
      <Scatter record={record} dots={dots} curve={curve} frame={frame} height={height} />
      <p className="objective-note">
        {noteOf(record, height, dots, frame)}
        {left > 0 && ` ${count(left, "token")} without advantage or weight ${left === 1 ? "has" : "have"} no place here.`}
      </p>
    </>
  );
}

function reachOf(record: StepRecord): number {
  let most = NEAREST;
  for (const { ratio } of record.updates) for (const r of ratio) most = Math.max(most, r, 1 / r);
  const bounds = ["clipLow", "clipHigh"].map((name) => record.settings[`objective.${name}`]).filter((v) => typeof v === "number");
  for (const bound of bounds) if (bound < 1) most = Math.max(most, (1 + bound) * 1.08, 1.08 / (1 - bound));
  return Math.min(FURTHEST, most * 1.02);
}

function frameOf(
  dots: readonly Dot[],
  curve: { up: readonly CurvePoint[]; down: readonly CurvePoint[] } | undefined,
  reach: number,
): Frame {
  const heights = [...dots.map((dot) => dot.y), ...(curve ? [...curve.up, ...curve.down].map((p) => p.value) : [])];
  const [low, high] = rangeOf(heights) ?? [-1, 1];
  const room = (high - low || 1) * 0.06;
  const y = [low - room, high + room] as const;
  if (curve) return { x: [1 / reach, reach], y, logarithmic: true };
  const far = Math.max(1e-3, ...dots.map((dot) => Math.abs(dot.x))) * 1.05;
  return { x: [-far, far], y, logarithmic: false };
}

function noteOf(record: StepRecord, height: DotHeight, dots: readonly Dot[], frame: Frame): string {
  if (dots.length === 0) return "No token has an advantage and a weight in this update.";
  if (height === "coefficient")
    return "This objective is no function of a token’s ratio. Right: the step made the token more probable; below zero: the gradient pushed it up.";
  if (dots.every((dot) => Math.abs(dot.x - 1) < 1e-4))
    return "All ratios are exactly 1: the answers come from the very policy that learns from them, so no bound can act.";
  const beta = record.settings["kl.coefficient"];
  const off = typeof beta === "number" && beta !== 0 ? " Dots off the curve carry the KL penalty." : "";
  const far = dots.some((dot) => dot.x < frame.x[0] || dot.x > frame.x[1]) ? " Dots at an edge lie beyond it." : "";
  return `Right: more probable than when it was drawn. Where the curve is flat, the token is not pushed any further.${off}${far}`;
}

interface ScatterProps {
  readonly record: StepRecord;
  readonly dots: readonly Dot[];
  readonly curve: { readonly up: readonly CurvePoint[]; readonly down: readonly CurvePoint[] } | undefined;
  readonly frame: Frame;
  readonly height: DotHeight;
}

/** Where things lie on the canvas: two panels with one scale. */
function mapping({ width, height }: Size, frame: Frame) {
  const panel = (width - LEFT - RIGHT - BETWEEN) / 2;
  const along = frame.logarithmic ? Math.log : (v: number) => v;
  const [from, to] = frame.x.map(along);
  const clamp = (v: number) => Math.min(frame.x[1], Math.max(frame.x[0], v));
  const start = (sign: 1 | -1) => (sign === 1 ? LEFT : LEFT + panel + BETWEEN);
  const px = (x: number, sign: 1 | -1) => start(sign) + ((along(clamp(x)) - from) / (to - from)) * panel;
  const py = (y: number) => TOP + (1 - (y - frame.y[0]) / (frame.y[1] - frame.y[0])) * (height - TOP - BOTTOM);
  return { panel, start, px, py };
}

function Scatter({ record, dots, curve, frame, height }: ScatterProps) {
  const selection = usePage((state) => (state.selection?.record.step === record.step ? state.selection : undefined));
  const inspected = useStage((state) => state.inspectedUpdate);
  const { settings } = record;
  const draw = useCallback(
    (context: CanvasRenderingContext2D, size: Size, colours: Palette) => {
      const { px, py } = mapping(size, frame);
      for (const sign of [1, -1] as const) {
        drawAxes(context, size, colours, frame, sign, height);
        if (frame.logarithmic) drawBounds(context, size, colours, frame, sign, settings);
        const line = sign === 1 ? curve?.up : curve?.down;
        if (line) {
          context.beginPath();
          for (const { ratio, value } of line) context.lineTo(px(ratio, sign), py(value));
          context.strokeStyle = colours.ink;
          context.lineWidth = 1.5;
          context.stroke();
        }
      }
      for (const { dot, count: n } of decimate(
        dots,
        (d) => px(d.x, d.sign),
        (d) => py(d.y),
      )) {
        const held = dot.clipped !== 0;
        context.beginPath();
        context.arc(px(dot.x, dot.sign), py(dot.y), Math.min(7, 3 + Math.log2(n) * 0.6), 0, 2 * Math.PI);
        context.globalAlpha = held ? 0.9 : 0.55;
        const colour = dot.sign === 1 ? colours.up : colours.down;
        context.fillStyle = held ? colours.panel : colour;
        context.strokeStyle = colour;
        context.lineWidth = held ? 2 : 1;
        context.fill();
        context.stroke();
      }
      context.globalAlpha = 1;
      if (selection)
        for (const dot of dots) {
          if (dot.row !== selection.row || dot.index !== selection.index) continue;
          context.beginPath();
          context.arc(px(dot.x, dot.sign), py(dot.y), 8, 0, 2 * Math.PI);
          context.strokeStyle = colours.ink;
          context.lineWidth = 2;
          context.stroke();
        }
    },
    [dots, curve, frame, height, settings, selection],
  );
  const { box, canvas, size } = useCanvas(draw);
  const dwell = useRef<ReturnType<typeof setTimeout>>(undefined);
  const order = useMemo(() => [...dots].sort((a, b) => b.sign - a.sign || a.x - b.x || a.row - b.row || a.index - b.index), [dots]);
  const chosen = inspectedDot(dots, selection, inspected);
  const at = chosen ? order.indexOf(chosen) : -1;

  const nearest = (event: PointerEvent | React.MouseEvent): Dot | undefined => {
    const { px, py } = mapping(size, frame);
    const rect = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - rect.left, event.clientY - rect.top];
    let best: Dot | undefined;
    let distance = NEAR ** 2;
    for (const dot of dots) {
      const d = (px(dot.x, dot.sign) - x) ** 2 + (py(dot.y) - y) ** 2;
      if (d < distance) [best, distance] = [dot, d];
    }
    return best;
  };
  const onPointerMove = (event: PointerEvent) => {
    clearTimeout(dwell.current);
    const dot = nearest(event);
    event.currentTarget.classList.toggle("on-dot", dot !== undefined);
    if (dot)
      dwell.current = setTimeout(() => {
        glance(dot.row, dot.index);
        const now = usePage.getState().selection;
        if (now?.row === dot.row && now.index === dot.index) useStage.setState({ inspectedUpdate: dot.update + 1 });
      }, DWELL);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 20, PageDown: -20 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? order.length - 1 : step === undefined ? undefined : at < 0 ? 0 : at + step;
    const dot = to === undefined ? undefined : order[Math.min(order.length - 1, Math.max(0, to))];
    if (!dot) return;
    event.preventDefault();
    choose(dot);
  };
  return (
    <div
      ref={box}
      className="scatter"
      role="slider"
      tabIndex={0}
      aria-label={`${count(dots.length, "token")} over ${height === "coefficient" ? "the change of log-prob" : "the ratio"}: arrow keys go from dot to dot`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, order.length - 1)}
      aria-valuenow={Math.max(0, at)}
      aria-valuetext={at < 0 ? "no dot chosen" : dotInWords(record, order[at], height)}
      onPointerMove={onPointerMove}
      onPointerLeave={() => clearTimeout(dwell.current)}
      onClick={(event) => {
        clearTimeout(dwell.current);
        const dot = nearest(event);
        if (dot) choose(dot);
      }}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} />
      <Marks frame={frame} size={size} settings={settings} dot={chosen} />
      {at >= 0 && <span className="dot-words">{dotInWords(record, order[at], height)}</span>}
    </div>
  );
}

function dotInWords(record: StepRecord, dot: Dot, height: DotHeight): string {
  const { tokens, offsets } = record.tokens!;
  const token = tokenName(tokens[offsets[dot.row] + dot.index]);
  const x = height === "coefficient" ? `log-prob ${fixed(dot.x, 3)}` : `ratio ${fixed(dot.x, 3)}`;
  return `${token}, ${x}, ${height} ${short(dot.y)}, ${CLIP_NAMES[dot.clipped]}`;
}

/** Ticks of the ratio: round on both sides of 1. */
const RATIOS = [0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 2, 4];

function drawAxes(context: CanvasRenderingContext2D, size: Size, colours: Palette, frame: Frame, sign: 1 | -1, height: DotHeight) {
  const { panel, start, px, py } = mapping(size, frame);
  const [x0, bottom] = [start(sign), size.height - BOTTOM];
  context.strokeStyle = colours.line;
  context.fillStyle = colours.dim;
  context.lineWidth = 1;
  const line = (xa: number, ya: number, xb: number, yb: number) => {
    context.beginPath();
    context.moveTo(xa, ya);
    context.lineTo(xb, yb);
    context.stroke();
  };
  line(x0, bottom, x0 + panel, bottom);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticksOf(frame.y)) {
    line(x0, py(tick), x0 + panel, py(tick));
    context.fillText(short(tick, 2), x0 - 5, py(tick));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  let last = Number.NEGATIVE_INFINITY;
  for (const tick of frame.logarithmic ? RATIOS : ticksOf(frame.x)) {
    if (tick < frame.x[0] || tick > frame.x[1]) continue;
    const x = px(tick, sign);
    line(x, bottom, x, bottom + 4);
    if (x - last < 30) continue;
    last = x;
    context.fillText(short(tick, 2), x, bottom + 5);
  }
  // Under the other half stand the words about the chosen token.
  if (sign === 1) context.fillText(frame.logarithmic ? "ratio ρ" : "change of log-prob by the step", x0 + panel / 2, bottom + 19);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillStyle = sign === 1 ? colours.up : colours.down;
  context.font = `600 ${context.font.replace(/^600 /, "")}`;
  const what = { loss: "loss ÷ (w·|A|)", slope: "c ÷ (w·|A|)", coefficient: "coefficient c" }[height];
  const title = sign === 1 ? "A > 0" : "A < 0";
  context.fillText(panel < NARROW ? title : `${title}: ${sign === 1 ? "better than expected" : "worse"}`, x0, 14);
  context.font = context.font.replace(/^600 /, "");
  context.fillStyle = colours.dim;
  context.textAlign = "right";
  context.fillText(what, x0 + panel, 14);
}

/** Three to five round numbers in a range. */
export function ticksOf([low, high]: readonly [number, number]): number[] {
  const rough = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5, 10].find((m) => m * unit >= rough) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i === 0 ? 0 : Number((i * step).toPrecision(12)));
  return ticks;
}

/** The bounds of a clipping objective, as ratios; those that lie outside of the frame are left out. */
function boundsOf(settings: StepRecord["settings"], frame: Frame): { readonly side: "clipLow" | "clipHigh"; readonly ratio: number }[] {
  return (["clipLow", "clipHigh"] as const).flatMap((side) => {
    const bound = settings[`objective.${side}`];
    const ratio = typeof bound === "number" ? (side === "clipLow" ? 1 - bound : 1 + bound) : 0;
    return ratio <= frame.x[0] || ratio >= frame.x[1] ? [] : [{ side, ratio }];
  });
}

/** A dot is a token in one of its updates. */
function choose({ row, index, update }: Dot): void {
  const { selection } = usePage.getState();
  const other = useStage.getState().inspectedUpdate !== update + 1 && selection?.row === row && selection.index === index;
  useStage.setState({ inspectedUpdate: update + 1 });
  // Another update of the same token is no second click on it.
  if (!other || !useStage.getState().pinned) pin(row, index);
}

/** The inspected token's dot, in the update that the inspector looks at, or its last. */
function inspectedDot(dots: readonly Dot[], selection: { row: number; index: number } | undefined, update: number | undefined) {
  const own = selection ? dots.filter((dot) => dot.row === selection.row && dot.index === selection.index) : [];
  return own.find((dot) => dot.update + 1 === update) ?? own.at(-1);
}

/** What terms of the formula mean in the picture: not seen until it is lit, but there for the pointer. */
function Marks({ frame, size, settings, dot }: { frame: Frame; size: Size; settings: StepRecord["settings"]; dot: Dot | undefined }) {
  if (size.width === 0) return null;
  const { px, py } = mapping(size, frame);
  const across = (className: string, x: number) => <i key={`${className} ${x}`} className={`across ${className}`} style={{ left: x }} />;
  const signs = [1, -1] as const;
  return (
    <span className="scatter-marks" aria-hidden="true" style={{ top: TOP, bottom: BOTTOM }}>
      {frame.logarithmic &&
        signs.flatMap((sign) => boundsOf(settings, frame).map(({ side, ratio }) => across(`mark-${side}`, px(ratio, sign))))}
      {dot && (
        <>
          {across("mark-ratio", px(dot.x, dot.sign))}
          <i
            className="along mark-loss"
            style={{ top: py(dot.y) - TOP, left: mapping(size, frame).start(dot.sign), width: mapping(size, frame).panel }}
          />
          <i className="mark-dot" style={{ left: px(dot.x, dot.sign), top: py(dot.y) - TOP }} />
        </>
      )}
    </span>
  );
}

/** The bounds of a clipping objective. */
function drawBounds(
  context: CanvasRenderingContext2D,
  size: Size,
  colours: Palette,
  frame: Frame,
  sign: 1 | -1,
  settings: StepRecord["settings"],
) {
  const { px } = mapping(size, frame);
  context.setLineDash([4, 4]);
  context.strokeStyle = colours.other;
  for (const { ratio } of boundsOf(settings, frame)) {
    context.beginPath();
    context.moveTo(px(ratio, sign), TOP);
    context.lineTo(px(ratio, sign), size.height - BOTTOM);
    context.stroke();
  }
  context.setLineDash([]);
}
