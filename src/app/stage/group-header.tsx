import { memo } from "react";
import type { Phase, StepRecord } from "../../loop/record.ts";
import { fixed } from "../format.ts";
import { phaseIndex } from "../state.ts";

interface GroupHeaderProps {
  readonly record: StepRecord;
  readonly group: number;
  readonly phase: Phase;
  readonly top: number;
}

/** A prompt, a right answer to it, and how its group did. */
export const GroupHeader = memo(function GroupHeader({ record, group, phase, top }: GroupHeaderProps) {
  const { problem, statistics } = record.groups[group];
  const known = phaseIndex(phase) >= phaseIndex("rewards") ? statistics : undefined;
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual list; a table cannot leave rows out
    // biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token
    <div className={`group ${known && !known.signal ? "idle" : ""}`} role="row" style={{ top }} data-group={group}>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <span role="gridcell" className="prompt">
        <code>{problem.prompt}</code>
        <span className="dim">right: {problem.truth}</span>
      </span>
      {known && (
        <span className="statistics">
          <span className="mean">mean {fixed(known.mean)}</span> · <span className="std">std {fixed(known.std)}</span>
          {!known.signal && <b className="no-signal">no signal</b>}
        </span>
      )}
    </div>
  );
});
