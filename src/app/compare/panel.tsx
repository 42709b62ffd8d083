import { Beside } from "./beside.tsx";
import "./compare.css";
import { Seeds } from "./seeds.tsx";
import { type Tab, useCompare } from "./state.ts";
import { Tried } from "./tried-table.tsx";

const TABS: readonly (readonly [Tab, string])[] = [
  ["runs", "Runs tried"],
  ["beside", "Side by side"],
  ["seeds", "Over seeds"],
];

/** Runs against each other, where the stage was: knobs and charts stay beside it. */
export default function ComparePanel() {
  const tab = useCompare((state) => state.tab);
  return (
    <section className="compare" aria-label="Compare runs">
      <div className="compare-bar">
        <div role="tablist" aria-label="Ways to compare">
          {TABS.map(([id, name]) => (
            <button
              key={id}
              type="button"
              role="tab"
              aria-selected={tab === id}
              className="quiet"
              onClick={() => useCompare.setState({ tab: id })}
            >
              {name}
            </button>
          ))}
        </div>
        <button type="button" onClick={() => useCompare.setState({ open: false })}>
          Back to the stage
        </button>
      </div>
      <div className="compare-body">{tab === "runs" ? <Tried /> : tab === "beside" ? <Beside /> : <Seeds />}</div>
    </section>
  );
}
