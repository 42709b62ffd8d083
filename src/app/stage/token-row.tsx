import { memo } from "react";
import type { Phase, StepRecord } from "../../loop/record.ts";
import { fixed, signed, tokenGlyph } from "../format.ts";
import { phaseIndex } from "../state.ts";
import { type ChannelId, channelById, levelClass } from "./channels.ts";
import { lengthOf } from "./token-facts.ts";

export const tokenElementId = (row: number, index: number) => `token-${row}-${index}`;

interface RowProps {
  readonly record: StepRecord;
  readonly row: number;
  readonly phase: Phase;
  readonly channel: ChannelId;
  /** The inspected token, if it is in this row. */
  readonly selected: number | undefined;
  readonly top: number;
}

/** A rollout: its tokens, and beside them what the phases up to `phase` said about it. Clicks are handled by the list. */
export const TokenRow = memo(function TokenRow({ record, row, phase, channel: id, selected, top }: RowProps) {
  const rollout = record.rollouts[row];
  const { tokens } = record;
  const length = lengthOf(record, row);
  const channel = channelById(id);
  const values = phaseIndex(phase) >= phaseIndex(channel.from) ? channel.values(record, row) : undefined;
  const shows = (from: Phase) => phaseIndex(phase) >= phaseIndex(from);
  const verdict = shows("verdicts") ? rollout.verdict : undefined;
  const right = verdict?.score === 1;
  const reward = shows("rewards") ? rollout.reward : undefined;
  const advantage = shows("advantages") ? rollout.advantage : undefined;
  const spoken = [
    `answer ${rollout.text}`,
    verdict && (right ? "right" : `wrong: ${verdict.reason}`),
    reward !== undefined && `reward ${fixed(reward)}`,
    advantage !== undefined && `advantage ${signed(advantage)}`,
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual list; a table cannot leave rows out
    // biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token
    <div className="row" role="row" style={{ top }} data-row={row} aria-label={spoken.filter(Boolean).join(", ")}>
      <div className="tokens">
        {tokens &&
          Array.from({ length }, (_, index) => {
            const token = tokens.tokens[tokens.offsets[row] + index];
            const value = values?.[index];
            const level = value === undefined ? "" : levelClass(channel, value, record);
            const special = token < 8 ? "special" : "";
            return (
              // biome-ignore lint/a11y/useSemanticElements: see above
              // biome-ignore lint/a11y/useFocusableInteractive: see above
              <span
                // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
                key={index}
                id={tokenElementId(row, index)}
                role="gridcell"
                data-index={index}
                className={`token ${level} ${special} ${index === selected ? "selected" : ""}`}
                aria-selected={index === selected}
                title={value === undefined || Number.isNaN(value) ? undefined : channel.text(value)}
              >
                {tokenGlyph(token)}
              </span>
            );
          })}
        {tokens && !rollout.finished && (
          <span className="cut" title="Cut off at the longest answer allowed">
            …
          </span>
        )}
      </div>
      <div className={`verdict ${verdict ? (right ? "right" : "wrong") : ""}`} title={verdict?.reason}>
        {verdict && (
          <>
            <b aria-hidden="true">{right ? "✓" : "✗"}</b> {verdict.reason}
          </>
        )}
      </div>
      <div className="reward">{reward !== undefined && fixed(reward)}</div>
      <div className="advantage">{advantage !== undefined && <AdvantageBar value={advantage} />}</div>
    </div>
  );
});

/** A bar from the middle: right and blue for up, left and orange for down. Two standard deviations fill a side. */
function AdvantageBar({ value }: { value: number }) {
  const width = Math.min(1, Math.abs(value) / 2.5) * 50;
  return (
    <>
      <span className="bar" aria-hidden="true">
        <span className={value >= 0 ? "up" : "down"} style={{ width: `${width}%`, left: value >= 0 ? "50%" : `${50 - width}%` }} />
      </span>
      <span className="number">{signed(value)}</span>
    </>
  );
}
