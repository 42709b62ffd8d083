import { memo, useMemo } from "react";
import type { DiscardedGroup, Phase, StepRecord } from "../../../loop/record.ts";
import { AsTable } from "../../as-table.tsx";
import { count, fixed, short } from "../../format.ts";
import { phaseIndex } from "../../state.ts";
import { GroupHeader } from "../group-header.tsx";
import { layoutOf, withDiscarded } from "../layout.ts";
import { TokenList } from "../token-list.tsx";
import { tokenElementId } from "../token-row.tsx";
import { costOf, partNames, partsDomain, piecesOf } from "./reward-parts.ts";
import { rewardTable } from "./tables.ts";

/** What the verifier read in each answer and said of it, and how the reward adds up. */
export function RewardsView({ record, phase }: { record: StepRecord; phase: Phase }) {
  const layout = useMemo(() => withDiscarded(layoutOf(record, phase), record, 36), [record, phase]);
  const names = useMemo(() => partNames(record), [record]);
  const domain = useMemo(() => partsDomain(record), [record]);
  const rewarded = phaseIndex(phase) >= phaseIndex("rewards");
  const noisy = record.rollouts.filter((r) => r.seenScore !== undefined && r.seenScore !== r.verdict?.score).length;
  const spent = record.discarded.map(costOf).reduce((a, b) => ({ answers: a.answers + b.answers, tokens: a.tokens + b.tokens }), {
    answers: 0,
    tokens: 0,
  });
  return (
    <>
      <div className="channel-bar">
        <span className="legend parts-legend">
          {rewarded && names.length > 0 ? (
            names.map((name, i) => (
              <span key={name}>
                <i className={`swatch part${i % 6}`} /> {name}
              </span>
            ))
          ) : (
            <span className="dim">{rewarded ? "" : "The parts of the reward are known from “rewards” on."}</span>
          )}
        </span>
        {rewarded && noisy > 0 && (
          <span className="noise" data-tip="The reward saw another verdict than the verifier gave: the recipe puts noise between them.">
            ⚡ {count(noisy, "verdict")} misread
          </span>
        )}
        {record.discarded.length > 0 && (
          <span className="dim">
            thrown away: {count(record.discarded.length, "group")}, {spent.tokens} tokens
          </span>
        )}
        <AsTable title="Verdicts and rewards" table={() => rewardTable(record, rewarded)} />
      </div>
      <TokenList record={record} layout={layout} label="Verdicts and rewards: arrow keys choose an answer">
        {(item, selected) =>
          item.kind === "group" ? (
            <GroupHeader key={`g${item.group}`} record={record} group={item.group} phase={phase} top={item.top} />
          ) : item.kind === "row" ? (
            <RewardRow
              key={`r${item.row}`}
              record={record}
              row={item.row}
              rewarded={rewarded}
              names={names}
              domain={domain}
              selected={selected}
              top={item.top}
            />
          ) : (
            <Discarded key={`d${item.index}`} group={record.discarded[item.index]} top={item.top} />
          )
        }
      </TokenList>
    </>
  );
}

interface RewardRowProps {
  readonly record: StepRecord;
  readonly row: number;
  readonly rewarded: boolean;
  readonly names: readonly string[];
  readonly domain: readonly [number, number];
  readonly selected: number | undefined;
  readonly top: number;
}

const RewardRow = memo(function RewardRow({ record, row, rewarded, names, domain, selected, top }: RewardRowProps) {
  const { text, verdict, seenScore, rewardParts, reward, finished } = record.rollouts[row];
  if (!verdict) return null;
  const right = verdict.score === 1;
  const parts = rewarded ? rewardParts : undefined;
  const noise = rewarded && seenScore !== undefined && seenScore !== verdict.score;
  const shown = text.replaceAll("\n", "⏎") || "(nothing)";
  // Only what differs from the last line is worth a column: the verifier read something else than what was written.
  const read = verdict.answer !== undefined && verdict.answer !== text ? verdict.answer : undefined;
  const spoken = [
    `answer ${text}`,
    right ? "right" : `wrong: ${verdict.reason}`,
    read !== undefined && `read as ${read}`,
    noise && `seen by the reward as ${short(seenScore)}`,
    ...Object.entries(parts ?? {}).map(([name, value]) => `${name} ${fixed(value)}`),
    parts && reward !== undefined && `reward ${fixed(reward)}`,
  ];
  const zero = (0 - domain[0]) / (domain[1] - domain[0]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual list; a table cannot leave rows out
    // biome-ignore lint/a11y/useFocusableInteractive: the grid holds the focus and names the active token
    <div
      className={`row reward-row ${selected === undefined ? "" : "chosen"}`}
      role="row"
      style={{ top }}
      data-row={row}
      data-index={selected ?? 0}
      id={tokenElementId(row, selected ?? 0)}
      aria-label={spoken.filter(Boolean).join(", ")}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div role="gridcell" className="cells">
        <code className="answer" title={shown}>
          {shown}
          {!finished && <span className="cut">…</span>}
        </code>
        <span
          className={`verdict ${right ? "right" : "wrong"}`}
          title={read === undefined ? verdict.reason : `${verdict.reason}; read: ${read}`}
        >
          <b aria-hidden="true">{right ? "✓" : "✗"}</b> {verdict.reason}
          {read !== undefined && (
            <span className="read">
              <span className="dim">read:</span> <code>{read}</code>
            </span>
          )}
        </span>
        <span className="noise" title={noise ? `The reward saw ${short(seenScore)} instead of ${short(verdict.score)}` : undefined}>
          {noise && `⚡${short(seenScore)}`}
        </span>
        <span className="stack" aria-hidden="true">
          <i className="zero" style={{ left: `${zero * 100}%` }} />
          {parts &&
            piecesOf(parts, names, domain).map(({ name, value, colour, from, width }) => (
              <i
                key={name}
                className={`piece part${colour % 6} ${value < 0 ? "negative" : ""}`}
                style={{ left: `${from * 100}%`, width: `${width * 100}%` }}
                title={`${name} ${fixed(value)}`}
              />
            ))}
        </span>
        <span className="reward">{parts && reward !== undefined && (Number.isNaN(reward) ? "not scored" : fixed(reward))}</span>
      </div>
    </div>
  );
});

/** A group that the filter threw away, why, and what it has cost. */
const Discarded = memo(function Discarded({ group, top }: { group: DiscardedGroup; top: number }) {
  const { answers, tokens } = costOf(group);
  const right = group.scores.filter((score) => score === 1).length;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div className="group discarded" role="row" style={{ top }} title={group.texts.join(" · ").replaceAll("\n", "⏎")}>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <span role="gridcell" className="prompt">
        <code>{group.problem.prompt}</code>
        <span>
          thrown away: <b>{group.reason}</b>
        </span>
      </span>
      <span className="statistics">
        {right} of {answers} right · round {group.round + 1} · {tokens} tokens spent
      </span>
    </div>
  );
});
