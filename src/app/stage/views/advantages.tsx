import { memo, useMemo } from "react";
import type { Phase, StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { count, fixed, short, signed } from "../../format.ts";
import { CONVENTIONS_PAGE, openRecipes } from "../../recipes/open.ts";
import { usePage } from "../../state.ts";
import { GroupHeader } from "../group-header.tsx";
import { GAP, GROUP_HEIGHT, type Item, type Layout } from "../layout.ts";
import { TokenList } from "../token-list.tsx";
import { tokenElementId } from "../token-row.tsx";
import { type Axes, axesOf, type GroupMarks, groupMarks, type Mark, termsOf } from "./advantage-marks.ts";
import { advantageTable } from "./tables.ts";

/** Pixels: the two axes of a group with something to learn, the line of one that idles, the line of further terms. */
const PLOT = 92;
const IDLE = 28;
const TERMS = 24;
const REWARD_AT = 24;
const ADVANTAGE_AT = 72;

/** Each group on its own axis: rewards above, advantages below, a line from one to the other for every kind of answer. */
export function AdvantagesView({ record, phase }: { record: StepRecord; phase: Phase }) {
  const axes = useMemo(() => axesOf(record), [record]);
  const groups = useMemo(
    () => record.groups.map((_, group) => ({ marks: groupMarks(record, group), terms: termsOf(record, group) })),
    [record],
  );
  const layout = useMemo((): Layout => {
    const items: Item[] = [];
    let top = 0;
    groups.forEach(({ marks, terms }, group) => {
      const height = GROUP_HEIGHT + (marks.idle ? IDLE : PLOT) + (terms.length > 0 ? TERMS : 0);
      items.push({ kind: "group", group, top, height });
      top += height + GAP;
    });
    const rows = groups.flatMap(({ marks }) => marks.marks.flatMap((mark) => mark.rows));
    return { items, height: top, rows };
  }, [groups]);
  const idle = groups.filter(({ marks }) => marks.idle).length;
  return (
    <>
      <div className="channel-bar">
        <span className="legend axes-legend">
          <span>
            <i className="tick" /> baseline
          </span>
          <span>
            <i className="band" /> mean ± std of the group
          </span>
          <span>
            <i className="swatch u6" /> up
          </span>
          <span>
            <i className="swatch d6" /> down
          </span>
          <span className="dim">{idle === 0 ? "no group is idle" : `${idle} of ${count(groups.length, "group")} idle`}</span>
        </span>
        <AsTable title="Rewards and advantages" table={() => advantageTable(record)} />
        <button
          type="button"
          className="quiet"
          data-tip="The same group as eight frameworks would compute it"
          onClick={() => openRecipes(CONVENTIONS_PAGE)}
        >
          other conventions…
        </button>
      </div>
      <TokenList record={record} layout={layout} label="Advantages by group: arrow keys choose an answer">
        {(item) =>
          item.kind === "group" ? (
            <Group
              key={item.group}
              record={record}
              group={item.group}
              phase={phase}
              axes={axes}
              marks={groups[item.group].marks}
              top={item.top}
            />
          ) : null
        }
      </TokenList>
    </>
  );
}

interface GroupProps {
  readonly record: StepRecord;
  readonly group: number;
  readonly phase: Phase;
  readonly axes: Axes;
  readonly marks: GroupMarks;
  readonly top: number;
}

const Group = memo(function Group({ record, group, phase, axes, marks, top }: GroupProps) {
  const terms = termsOf(record, group);
  return (
    <>
      <GroupHeader record={record} group={group} phase={phase} top={top} />
      {marks.idle ? (
        <p className="idle-group" style={{ top: top + GROUP_HEIGHT, height: IDLE }}>
          <IdleMarks marks={marks} />
        </p>
      ) : (
        <Plot record={record} group={group} axes={axes} marks={marks} top={top + GROUP_HEIGHT} />
      )}
      {terms.length > 0 && (
        <ul className="group-terms" data-group={group} style={{ top: top + GROUP_HEIGHT + (marks.idle ? IDLE : PLOT), height: TERMS }}>
          {terms.map(({ key, plugin, term, meaning, range: [low, high] }) => (
            <li key={key} data-of={key} data-tip={`${plugin}: ${meaning}`}>
              <span className="dim">
                {plugin} · {term}
              </span>{" "}
              {low === high ? short(low) : `${short(low)} … ${short(high)}`}
            </li>
          ))}
        </ul>
      )}
    </>
  );
});

function IdleMarks({ marks }: { marks: GroupMarks }) {
  const [mark] = marks.marks;
  if (!mark) return <>No answer could be scored: nothing to learn.</>;
  const size = marks.marks.reduce((sum, { rows }) => sum + rows.length, 0);
  return (
    <>
      {marks.signal
        ? "Every advantage is 0: nothing to prefer."
        : `All ${count(size, "answer")} earned ${fixed(mark.reward)}: every advantage is 0, nothing to prefer.`}
    </>
  );
}

/** Room for labels left and right of the axes, in percent. */
const [LEFT, RIGHT] = [11, 94];

function Plot(props: { record: StepRecord; group: number; axes: Axes; marks: GroupMarks; top: number }) {
  const { record, group, axes, marks, top } = props;
  const selected = usePage((state) => (state.selection?.record.step === record.step ? state.selection.row : undefined));
  const [low, high] = axes.reward;
  const across = (share: number) => LEFT + share * (RIGHT - LEFT);
  const rewardX = (r: number) => across((r - low) / (high - low));
  const advantageX = (a: number) => across(0.5 + a / axes.advantage / 2);
  const percentages = (x: number) => `${x.toFixed(2)}%`;
  const [bandFrom, bandTo] = [Math.max(low, marks.mean - marks.std), Math.min(high, marks.mean + marks.std)];
  return (
    <svg className="group-plot" data-group={group} style={{ top }} height={PLOT} role="presentation">
      <text x="8" y={REWARD_AT + 4} className="axis-name">
        reward
      </text>
      <text x="8" y={ADVANTAGE_AT + 4} className="axis-name">
        advantage
      </text>
      <rect
        className="band"
        x={percentages(rewardX(bandFrom))}
        width={percentages(rewardX(bandTo) - rewardX(bandFrom))}
        y={REWARD_AT - 9}
        height="18"
      />
      {[REWARD_AT, ADVANTAGE_AT].map((y) => (
        <line key={y} className="axis" x1={percentages(LEFT)} x2={percentages(RIGHT)} y1={y} y2={y} />
      ))}
      <text x={percentages(LEFT)} y={REWARD_AT - 12} className="axis-end">
        {short(low)}
      </text>
      <text x={percentages(RIGHT)} y={REWARD_AT - 12} className="axis-end end">
        {short(high)}
      </text>
      <line className="axis" x1={percentages(advantageX(0))} x2={percentages(advantageX(0))} y1={ADVANTAGE_AT - 7} y2={ADVANTAGE_AT + 7} />
      <text x={percentages(LEFT)} y={ADVANTAGE_AT + 18} className="axis-end">
        {signed(-axes.advantage)}
      </text>
      <text x={percentages(advantageX(0))} y={ADVANTAGE_AT + 18} className="axis-end middle">
        0
      </text>
      <text x={percentages(RIGHT)} y={ADVANTAGE_AT + 18} className="axis-end end">
        {signed(axes.advantage)}
      </text>
      {[...new Set(marks.baseline)].map((baseline) => (
        <line
          key={baseline}
          className="tick"
          x1={percentages(rewardX(Math.min(high, Math.max(low, baseline))))}
          x2={percentages(rewardX(Math.min(high, Math.max(low, baseline))))}
          y1={REWARD_AT - 12}
          y2={REWARD_AT + 12}
        >
          <title>baseline {fixed(baseline)}</title>
        </line>
      ))}
      {marks.marks.map((mark) => (
        <MarkLine
          key={`${mark.reward}/${mark.advantage}`}
          mark={mark}
          from={percentages(rewardX(mark.reward))}
          to={percentages(advantageX(mark.advantage))}
          selected={selected !== undefined && mark.rows.includes(selected) ? selected : undefined}
        />
      ))}
    </svg>
  );
}

const directionOf = (advantage: number) => (advantage > 0 ? "up" : advantage < 0 ? "down" : "still");

/** How many answers there are of a kind, on both axes, and the line between them. */
function MarkLine({ mark, from, to, selected }: { mark: Mark; from: string; to: string; selected: number | undefined }) {
  const { rows, reward, advantage } = mark;
  const radius = 6 + Math.min(5, Math.sqrt(rows.length) * 1.4);
  const row = selected ?? rows[0];
  const label = `${count(rows.length, "answer")}: reward ${fixed(reward)}, advantage ${signed(advantage)}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: an answer in a virtual list
    <g
      id={tokenElementId(row, 0)}
      className={`answers ${directionOf(advantage)} ${selected === undefined ? "" : "selected"}`}
      role="row"
      data-row={row}
      data-index={0}
      aria-label={label}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      <g role="gridcell">
        <title>{label}</title>
        <line x1={from} x2={to} y1={REWARD_AT} y2={ADVANTAGE_AT} strokeWidth={Math.min(9, 1.5 + rows.length * 0.6)} />
        {[[from, REWARD_AT, "on-reward"] as const, [to, ADVANTAGE_AT, "on-advantage"] as const].map(([x, y, axis]) => (
          <g key={y} className={axis}>
            <circle cx={x} cy={y} r={radius} />
            <text x={x} y={y + 4}>
              {rows.length}
            </text>
          </g>
        ))}
      </g>
    </g>
  );
}
