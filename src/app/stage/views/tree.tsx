import { useMemo } from "react";
import type { Phase, StepRecord } from "../../../loop/record.ts";
import { percent, signed, tokenGlyph } from "../../format.ts";
import { phaseIndex, usePage } from "../../state.ts";
import { type ChannelId, channelById, levelClass } from "../channels.ts";
import { GroupHeader } from "../group-header.tsx";
import { GROUP_HEIGHT, type Item, type Layout } from "../layout.ts";
import { TokenList } from "../token-list.tsx";
import { tokenElementId } from "../token-row.tsx";
import { type PrefixTree, prefixTree, type TreeNode } from "./prefix-tree.ts";

/** Pixels: a line, a column, and the left margin. */
const LINE = 27;
const COLUMN = 30;
const LEFT = 26;
const GAP = 14;
/** The link of a whole group. */
const WIDEST = 16;

/** Each group as a tree: where its rollouts part ways, how many go each way, and what became of them. */
export function Tree({ record, phase, channel }: { record: StepRecord; phase: Phase; channel: ChannelId }) {
  const layout = useMemo(() => treeLayout(record), [record]);
  return (
    <TokenList record={record} layout={layout} label="Rollouts as trees: arrow keys choose a token" wide>
      {(item, _, view) =>
        item.kind === "group" ? (
          <div key={item.group}>
            <GroupHeader record={record} group={item.group} phase={phase} top={item.top} />
            <GroupTree
              record={record}
              group={item.group}
              phase={phase}
              channel={channel}
              top={item.top + GROUP_HEIGHT}
              from={view.from - item.top - GROUP_HEIGHT}
              to={view.to - item.top - GROUP_HEIGHT}
            />
          </div>
        ) : null
      }
    </TokenList>
  );
}

function treeLayout(record: StepRecord): Layout {
  const items: Item[] = [];
  const rows: number[] = [];
  let top = 0;
  record.groups.forEach((_, group) => {
    if (!record.tokens) return;
    const tree = prefixTree(record, group);
    const height = GROUP_HEIGHT + tree.lines * LINE + GAP;
    items.push({ kind: "group", group, top, height });
    rows.push(...tree.rows);
    top += height;
  });
  return { items, height: top, rows };
}

interface GroupTreeProps {
  readonly record: StepRecord;
  readonly group: number;
  readonly phase: Phase;
  readonly channel: ChannelId;
  readonly top: number;
  /** What is in view (pixels from the tree's top). */
  readonly from: number;
  readonly to: number;
}

const xOf = (depth: number) => LEFT + depth * COLUMN;
const yOf = (y: number) => 6 + y * LINE + LINE / 2;

function GroupTree({ record, group, phase, channel, top, from, to }: GroupTreeProps) {
  const tree = prefixTree(record, group);
  const size = record.groups[group].members.length;
  const selection = usePage((state) => (state.selection?.record.step === record.step ? state.selection : undefined));
  const inView = (y: number) => yOf(y) >= from - LINE && yOf(y) <= to + LINE;
  const links = useMemo(() => linksOf(tree, size), [tree, size]);
  const width = xOf(tree.depth) + 260;
  const tokens = tree.nodes.filter((node) => inView(node.y));
  return (
    // Without a token in view it is no row of the grid.
    <div className="tree" role={tokens.length > 0 ? "row" : undefined} style={{ top, height: tree.lines * LINE + GAP, minWidth: width }}>
      <svg aria-hidden="true" width={width} height={tree.lines * LINE + GAP}>
        {links.map(({ key, d, width: stroke, low, high }) =>
          yOf(high) >= from - LINE && yOf(low) <= to + LINE ? <path key={key} d={d} strokeWidth={stroke} /> : null,
        )}
      </svg>
      {tokens.map((node) => (
        <Cell
          key={`${node.rows[0]}-${node.depth}`}
          record={record}
          node={node}
          phase={phase}
          channel={channel}
          selected={selection && selection.index === node.depth && node.rows.includes(selection.row) ? selection.row : undefined}
          size={size}
        />
      ))}
    </div>
  );
}

interface Link {
  readonly key: string;
  readonly d: string;
  readonly width: number;
  readonly low: number;
  readonly high: number;
}

/** From the prompt to each first token, and from each token to the next; as wide as the share of the group that takes the way. */
function linksOf(tree: PrefixTree, size: number): Link[] {
  const links: Link[] = [];
  const link = (x: number, y: number, to: TreeNode) => {
    const [x0, y0, x1, y1] = [x, yOf(y), xOf(to.depth), yOf(to.y)];
    const middle = (x0 + x1) / 2;
    links.push({
      key: `${to.rows[0]}-${to.depth}`,
      d: `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`,
      width: Math.max(1.5, (WIDEST * to.rows.length) / size),
      low: Math.min(y, to.y),
      high: Math.max(y, to.y),
    });
  };
  const start = tree.roots.length > 0 ? (tree.roots[0].y + tree.roots[tree.roots.length - 1].y) / 2 : 0;
  for (const root of tree.roots) link(4, start, root);
  for (const node of tree.nodes) for (const child of node.children) link(xOf(node.depth) + 20, node.y, child);
  return links;
}

interface CellProps {
  readonly record: StepRecord;
  readonly node: TreeNode;
  readonly phase: Phase;
  readonly channel: ChannelId;
  /** The inspected rollout, if its inspected token is this one. */
  readonly selected: number | undefined;
  readonly size: number;
}

function Cell({ record, node, phase, channel: id, selected, size }: CellProps) {
  const { rows, depth, token, y } = node;
  const channel = channelById(id);
  const known = phaseIndex(phase) >= phaseIndex(channel.from);
  // Where the rollouts differ in the channel, as in their advantages, the token shows their mean.
  const values = known ? rows.map((row) => channel.values(record, row)?.[depth] ?? Number.NaN).filter((v) => !Number.isNaN(v)) : [];
  const value = values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : undefined;
  const row = selected ?? rows[0];
  const branching = node.children.length > 1;
  const ending = rows.filter((r) => record.tokens!.offsets[r + 1] - record.tokens!.offsets[r] === depth + 1);
  const title = [
    rows.length > 1 && `${rows.length} of ${size} answers (${percent(rows.length / size)}) come this way`,
    branching && `here they part ${node.children.length} ways`,
    value !== undefined && `${values.length > 1 ? "mean " : ""}${channel.text(value)}`,
  ].filter(Boolean);
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: tokens of a virtual list */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token */}
      <span
        id={tokenElementId(row, depth)}
        role="gridcell"
        data-row={row}
        data-index={depth}
        aria-selected={selected !== undefined}
        className={`token ${value === undefined ? "" : levelClass(channel, value, record)} ${token < 8 ? "special" : ""} ${
          selected === undefined ? "" : "selected"
        } ${branching ? "branching" : ""}`}
        style={{ left: xOf(depth), top: yOf(y) - 12 }}
        title={title.join("; ") || undefined}
      >
        {tokenGlyph(token)}
      </span>
      {branching && (
        <span className="ways" aria-hidden="true" style={{ left: xOf(depth) + 13, top: yOf(y) - 21 }}>
          {rows.length}
        </span>
      )}
      {ending.length > 0 && <Leaf record={record} rows={ending} phase={phase} left={xOf(depth) + 28} top={yOf(y) - 11} />}
    </>
  );
}

/** What became of an answer: its verdict, how often it was given, its advantage. */
function Leaf(props: { record: StepRecord; rows: readonly number[]; phase: Phase; left: number; top: number }) {
  const rollout = props.record.rollouts[props.rows[0]];
  const verdict = phaseIndex(props.phase) >= phaseIndex("verdicts") ? rollout.verdict : undefined;
  const advantage = phaseIndex(props.phase) >= phaseIndex("advantages") ? rollout.advantage : undefined;
  const right = verdict?.score === 1;
  return (
    <span className={`leaf verdict ${verdict ? (right ? "right" : "wrong") : ""}`} style={{ left: props.left, top: props.top }}>
      {!rollout.finished && <span className="cut">…</span>}
      {verdict && <b aria-hidden="true">{right ? "✓" : "✗"}</b>}
      {verdict?.reason} {props.rows.length > 1 && <span className="times">×{props.rows.length}</span>}
      {advantage !== undefined && <span className="dim"> {signed(advantage)}</span>}
    </span>
  );
}
