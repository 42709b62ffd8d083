import { memo, useMemo } from "react";
import type { Phase, StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { percent, short, signed, tokenGlyph } from "../../format.ts";
import { GroupHeader } from "../group-header.tsx";
import { layoutOf } from "../layout.ts";
import { TokenList } from "../token-list.tsx";
import { tokenElementId } from "../token-row.tsx";
import { changeTable, gradientTable } from "./tables.ts";
import { type Change, layerNorms, magnification, rowChanges } from "./token-change.ts";
import { UpdatePicker, useUpdate } from "./update-picker.tsx";

/** Pixels: a rollout, and the height in it that stands for a probability of 1. */
const ROW = 60;
const FULL = 32;

/** Each token's probability before and after, and how large the gradient is in each part of the network. */
export function UpdateView({ record, phase }: { record: StepRecord; phase: Phase }) {
  const update = useUpdate(record);
  const layout = useMemo(
    () => layoutOf(record, phase, { row: ROW }, update === undefined ? undefined : (row) => record.updates[update].rows.includes(row)),
    [record, phase, update],
  );
  const factor = useMemo(() => magnification(record, update), [record, update]);
  if (record.updates.length === 0)
    return (
      <div className="rows not-yet">
        <p>No update: no group was left to train on.</p>
      </div>
    );
  const shown = update === undefined ? undefined : record.updates[update];
  const finished = record.tokens?.after !== undefined;
  return (
    <>
      <div className="channel-bar">
        <UpdatePicker record={record} whole="step" />
        <span className="legend">
          <i className="hollow" /> {update === undefined ? "before the step" : "when drawn"} <i className="full up" /> risen{" "}
          <i className="full down" /> fallen
          {factor > 1 && (
            <b data-tip="Rings stand where the probability was; the way from there is drawn larger than it is."> · changes ×{factor}</b>
          )}
          {update === undefined && !finished && <span className="dim"> · what the whole step did is known at its end</span>}
        </span>
        <AsTable title="Probabilities before and after" table={() => changeTable(record, update)} />
        <span className="dim">{shown && `lr ${short(shown.learningRate)} · |∇| ${short(shown.gradNorm)}`}</span>
      </div>
      <Gradients record={record} update={update} />
      <TokenList record={record} layout={layout} label="Probabilities before and after: arrow keys choose a token">
        {(item, selected) =>
          item.kind === "group" ? (
            <GroupHeader key={`g${item.group}`} record={record} group={item.group} phase={phase} top={item.top} />
          ) : item.kind === "row" ? (
            <ChangeRow
              key={`r${item.row}`}
              record={record}
              row={item.row}
              update={update}
              factor={factor}
              top={item.top}
              selected={selected}
            />
          ) : null
        }
      </TokenList>
    </>
  );
}

const GradientOf = (name: string) => (name === "embedding" ? "emb" : name === "last norm" ? "norm" : name.replace("layer ", ""));

/** The gradient's norm by layer as bars; each bar's tensors in its tooltip. */
function Gradients({ record, update }: { record: StepRecord; update: number | undefined }) {
  const layers = useMemo(
    () => layerNorms(update === undefined ? record.updates : [record.updates[update]]),
    [record.updates, record.updates.length, update],
  );
  const most = Math.max(1e-12, ...record.updates.flatMap((u) => layerNorms([u]).map(({ norm }) => norm)));
  return (
    <div className="gradients">
      <span className="dim gradients-name" data-tip="The norm of the gradient in each part of the network, before it is clipped.">
        gradient
        <br />
        by layer
      </span>
      <ul>
        {layers.map(({ name, norm, tensors }) => (
          <li
            key={name}
            data-tip={`${name}: ${short(norm)}. ${tensors.length > 1 ? tensors.map((t) => `${t.name} ${short(t.norm, 2)}`).join(", ") : ""}`}
            aria-label={`${name}: gradient norm ${short(norm)}`}
          >
            <i style={{ height: Math.max(1, (norm / most) * 26) }} />
            <span>{GradientOf(name)}</span>
          </li>
        ))}
      </ul>
      {layers.length > 0 && <AsTable title="Gradient by layer" table={() => gradientTable(record, update)} />}
      {layers.length === 0 && <span className="dim">The gradient was not finite, so there is none to show.</span>}
    </div>
  );
}

interface ChangeRowProps {
  readonly record: StepRecord;
  readonly row: number;
  readonly update: number | undefined;
  readonly factor: number;
  readonly top: number;
  readonly selected: number | undefined;
}

const ChangeRow = memo(function ChangeRow({ record, row, update, factor, top, selected }: ChangeRowProps) {
  const changes = rowChanges(record, row, update) ?? [];
  const { tokens, offsets } = record.tokens!;
  const { advantage, text } = record.rollouts[row];
  const product = (pick: (change: Change) => number | undefined) =>
    changes.some((c) => pick(c) === undefined) ? undefined : changes.reduce((p, c) => p * pick(c)!, 1);
  const [before, after] = [product((c) => c.before), product((c) => c.after)];
  const whole = [before, after].filter((p) => p !== undefined).map(share);
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual list; a table cannot leave rows out
    // biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token
    <div
      className="row change-row"
      role="row"
      style={{ top }}
      data-row={row}
      aria-label={`answer ${text}, probability ${whole.join(" to ")}`}
    >
      <div className="tokens">
        {changes.map((change, index) => {
          const token = tokens[offsets[row] + index];
          return (
            // biome-ignore lint/a11y/useSemanticElements: see above
            // biome-ignore lint/a11y/useFocusableInteractive: see above
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
              key={index}
              id={tokenElementId(row, index)}
              role="gridcell"
              data-index={index}
              aria-selected={index === selected}
              className={`dumbbell ${index === selected ? "selected" : ""}`}
              title={inWords(change)}
            >
              <Dumbbell {...change} factor={factor} />
              <span className={token < 8 ? "glyph special" : "glyph"}>{tokenGlyph(token)}</span>
            </span>
          );
        })}
      </div>
      <span className="whole-answer" data-tip="The probability of the whole answer: the product over its tokens.">
        {whole.map((p, i) => (
          <span key={i === 0 ? "before" : "after"} className={i === 0 ? "dim" : ""}>
            {i === 1 && "▸ "}
            {p}
          </span>
        ))}
      </span>
      <span className="reward" data-tip="advantage">
        {advantage !== undefined && signed(advantage)}
      </span>
    </div>
  );
});

/** A probability; a tiny one is not nothing. */
const share = (p: number) => (p > 0 && p < 0.0005 ? "<0.1%" : percent(p));

function inWords({ before, after }: Change): string {
  const name = (p: number | undefined) => (p === undefined ? "not recorded" : share(p));
  return `probability ${name(before)} → ${name(after)}`;
}

/** From a ring (before) to a dot (after, the change drawn `factor` times as large); the higher, the more probable. */
function Dumbbell({ before, after, factor }: Change & { factor: number }) {
  const y = (p: number) => 4 + (1 - p) * FULL;
  const drawn = before === undefined || after === undefined ? after : Math.min(1, Math.max(0, before + factor * (after - before)));
  const direction = before !== undefined && after !== undefined ? (after > before ? "up" : after < before ? "down" : "") : "";
  return (
    <svg width="21" height={FULL + 8} aria-hidden="true" className={direction}>
      {before !== undefined && drawn !== undefined && <line x1="10.5" x2="10.5" y1={y(before)} y2={y(drawn)} />}
      {before !== undefined && <circle className="before" cx="10.5" cy={y(before)} r="3" />}
      {drawn !== undefined && <circle className="after" cx="10.5" cy={y(drawn)} r="3" />}
    </svg>
  );
}
