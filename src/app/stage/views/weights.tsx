import { memo, useMemo } from "react";
import { AGGREGATIONS } from "../../../algorithm/aggregation/aggregation.ts";
import type { Phase, StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { count, percent, short, tokenGlyph } from "../../format.ts";
import { topWeight } from "../channels.ts";
import { GroupHeader } from "../group-header.tsx";
import { layoutOf } from "../layout.ts";
import { TokenList } from "../token-list.tsx";
import { tokenElementId } from "../token-row.tsx";
import { weightTable } from "./tables.ts";
import { rowWeights, weightSummary } from "./token-weights.ts";
import { UpdatePicker, useUpdate } from "./update-picker.tsx";

const ROW = 40;

/** How much each token counts in the loss: a bar under it; masked tokens are struck out. */
export function WeightsView({ record, phase }: { record: StepRecord; phase: Phase }) {
  const update = useUpdate(record);
  const layout = useMemo(
    () => layoutOf(record, phase, { row: ROW }, (row) => rowWeights(record, row, update) !== undefined),
    [record, phase, update],
  );
  const summary = useMemo(() => weightSummary(record, update), [record, update]);
  const top = topWeight(record);
  const heaviest = useMemo(
    () => Math.max(1e-12, ...record.rollouts.map((_, row) => sumOf(rowWeights(record, row, update)))),
    [record, update],
  );
  const aggregation = AGGREGATIONS.find((plugin) => plugin.id === record.settings.aggregation);
  const masked = summary.inMaskedAnswers + summary.inOthers;
  return (
    <>
      <div className="channel-bar">
        <UpdatePicker record={record} whole="all" />
        <span className="legend of-weights" data-tip={aggregation?.explanation.sentence}>
          <i className="weight-sample" />{" "}
          {summary.range && summary.range[0] < summary.range[1] ? `w from ${short(summary.range[0], 2)} to` : "w up to"} {short(top, 2)} ·{" "}
          <b>{aggregation?.name}</b>
        </span>
        <AsTable title="Token weights" table={() => weightTable(record, update)} />
        <span className="columns weight-columns" aria-hidden="true">
          <span>Σ w of the answer</span>
        </span>
      </div>
      <ul className="weight-facts">
        <li className={masked > 0 ? "masked" : "dim"}>
          {masked === 0
            ? `No token of ${count(summary.answers, "answer")} is masked.`
            : `${masked} of ${summary.tokens} tokens (${percent(masked / Math.max(1, summary.tokens))}) are masked${
                summary.maskedAnswers > 0
                  ? `, among them ${count(summary.maskedAnswers, "whole answer")}${summary.cutOff > 0 ? ` (${summary.cutOff} cut off)` : ""}`
                  : ""
              }.`}
        </li>
        {summary.plugins.map(({ key, plugin, meaning, range: [low, high], zeros }) => (
          <li key={key} data-of={key} data-tip={`${plugin}: ${meaning}`}>
            <b>{plugin}</b> {low === high ? short(low) : `${short(low)} … ${short(high)}`}
            {zeros > 0 && `, 0 at ${count(zeros, "place")}`}
          </li>
        ))}
      </ul>
      <TokenList record={record} layout={layout} label="Token weights: arrow keys choose a token">
        {(item, selected) =>
          item.kind === "group" ? (
            <GroupHeader key={`g${item.group}`} record={record} group={item.group} phase={phase} top={item.top} />
          ) : item.kind === "row" ? (
            <WeightRow
              key={`r${item.row}`}
              record={record}
              row={item.row}
              update={update}
              top={item.top}
              most={top}
              heaviest={heaviest}
              selected={selected}
            />
          ) : null
        }
      </TokenList>
    </>
  );
}

const sumOf = (weights: Float32Array | undefined) => weights?.reduce((a, b) => a + b, 0) ?? 0;

interface WeightRowProps {
  readonly record: StepRecord;
  readonly row: number;
  readonly update: number | undefined;
  readonly top: number;
  /** The largest weight of the step, and the largest sum over an answer: the bars' ends. */
  readonly most: number;
  readonly heaviest: number;
  readonly selected: number | undefined;
}

const WeightRow = memo(function WeightRow({ record, row, update, top, most, heaviest, selected }: WeightRowProps) {
  const weights = rowWeights(record, row, update) ?? new Float32Array();
  const { tokens, offsets } = record.tokens!;
  const sum = sumOf(weights);
  const masked = weights.filter((w) => w === 0).length;
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual list; a table cannot leave rows out
    // biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token
    <div
      className="row weight-row"
      role="row"
      style={{ top }}
      data-row={row}
      aria-label={`answer ${record.rollouts[row].text}, ${masked} of ${weights.length} tokens masked, weights add up to ${short(sum)}`}
    >
      <div className="tokens">
        {Array.from(weights, (weight, index) => (
          // biome-ignore lint/a11y/useSemanticElements: see above
          // biome-ignore lint/a11y/useFocusableInteractive: see above
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
            key={index}
            id={tokenElementId(row, index)}
            role="gridcell"
            data-index={index}
            aria-selected={index === selected}
            className={`weighed ${weight === 0 ? "masked" : ""} ${index === selected ? "selected" : ""}`}
            title={weight === 0 ? "masked: weight 0" : `weight ${short(weight)}`}
          >
            <span className={tokens[offsets[row] + index] < 8 ? "special" : ""}>{tokenGlyph(tokens[offsets[row] + index])}</span>
            <i style={{ height: weight === 0 ? 0 : Math.max(1, (Math.abs(weight) / (most || 1)) * 16) }} />
          </span>
        ))}
      </div>
      <span className="row-weight">
        <i aria-hidden="true" style={{ width: `${(sum / heaviest) * 100}%` }} />
        <span>{short(sum, 2)}</span>
      </span>
    </div>
  );
});
