import type { ChartSpec, Overlay } from "../charts/series.ts";
import { usePage } from "../state.ts";
import { LOOKS, Swatch } from "./curves.tsx";
import { type Pin, togglePin, useCompare } from "./state.ts";
import { differenceLine } from "./words.ts";

/** Pinned runs on the page's charts. */

export function overlaysOf(pins: readonly Pin[], spec: ChartSpec): Overlay[] {
  // Of two lines in one chart only the second's points are told from the first's line.
  const lines = spec.lines.filter((line, i) => i === 0 || line.sparse);
  return pins.flatMap(({ id, history, look }) =>
    lines.map(({ metric, name, sparse }) => ({
      key: `${id} ${metric}`,
      metric,
      name,
      ...LOOKS[look],
      history,
      ...(sparse ? { sparse } : {}),
    })),
  );
}

/** The pinned runs by what tells them from the one on screen; nothing without pins. */
export function Legend() {
  const pins = useCompare((state) => state.pins);
  const run = usePage((state) => state.run);
  if (pins.length === 0 || !run) return null;
  return (
    <ul className="pins" aria-label="Pinned runs">
      {pins.map((pin) => (
        <li key={pin.id}>
          <Swatch look={LOOKS[pin.look]} />
          <span title={differenceLine(run, pin)}>{differenceLine(run, pin)}</span>
          <button type="button" className="quiet" aria-label={`Take away: ${differenceLine(run, pin)}`} onClick={() => togglePin(pin)}>
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
