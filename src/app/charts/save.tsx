import { useState } from "react";
import { evaluationMetrics } from "../../loop/metrics.ts";
import { AsTable } from "../as-table.tsx";
import { overlaysOf } from "../compare/pins.tsx";
import { useCompare } from "../compare/state.ts";
import { differenceLine } from "../compare/words.ts";
import { download } from "../download.ts";
import { short } from "../format.ts";
import { notify, usePage } from "../state.ts";
import { csvFile, numbersOf, pngFile, svgFile } from "./chart-files.ts";
import type { ChartSpec } from "./series.ts";

/** A table of more steps helps nobody. */
const MOST_ROWS = 1000;

/** One of the charts as a table, and saved as a picture or as numbers. */
export function SaveChart({ specs }: { specs: readonly ChartSpec[] }) {
  const [id, setId] = useState(specs[0].id);
  const spec = specs.find((one) => one.id === id) ?? specs[0];
  /** Pinned runs' curves in this chart, by what the runs are. */
  const pinned = () => {
    const { run } = usePage.getState();
    const { pins } = useCompare.getState();
    if (!run) return [];
    const runOf = (key: string) => differenceLine(run, pins.find((pin) => key.startsWith(pin.id))!);
    return overlaysOf(pins, spec).map((overlay) => ({ ...overlay, run: runOf(overlay.key) }));
  };
  const table = () => {
    const { history, start } = usePage.getState();
    const { heads, rows } = numbersOf(spec, history, start ? evaluationMetrics(start) : {}, pinned());
    return {
      heads,
      rows: rows
        .slice(-MOST_ROWS)
        .map(([step, ...values]) => [String(step), ...values.map((v) => (v === undefined ? undefined : short(v, 4)))]),
      ...(rows.length > MOST_ROWS
        ? { note: `The last ${MOST_ROWS} of ${rows.length} steps; the CSV file has all.` }
        : { note: spec.meaning }),
    };
  };
  const save = async (kind: "svg" | "png" | "csv") => {
    const { run, history, start } = usePage.getState();
    if (!run) return;
    const overlays = pinned();
    const file = `${spec.id}.${kind}`;
    if (kind === "csv") return download(file, "text/csv", csvFile(spec, history, start ? evaluationMetrics(start) : {}, overlays));
    const drawn = document.querySelector<SVGSVGElement>(`[data-chart="${spec.id}"] svg`);
    if (!drawn) return;
    const names = [
      ...spec.lines.map(({ name, colour }) => ({ name, colour: `var(--${colour})` })),
      ...overlays.filter(({ sparse }) => !sparse).map(({ run: name, colour }) => ({ name, colour })),
    ];
    const svg = svgFile(drawn, spec.title, names);
    if (kind === "svg") return download(file, "image/svg+xml", svg);
    try {
      download(file, "image/png", await pngFile(svg));
    } catch {
      notify("error", "This browser could not draw the chart as PNG: save it as SVG.");
    }
  };
  return (
    <div className="save-chart">
      <label>
        <select aria-label="Chart to save" value={spec.id} onChange={(event) => setId(event.target.value)}>
          {specs.map(({ id: value, title }) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <AsTable title={spec.title} label="This chart as table" table={table} />
      {(["svg", "png", "csv"] as const).map((kind) => (
        <button
          key={kind}
          type="button"
          className="quiet"
          onClick={() => void save(kind)}
          aria-label={`Save the chart as ${kind.toUpperCase()}`}
        >
          {kind.toUpperCase()}
        </button>
      ))}
    </div>
  );
}
