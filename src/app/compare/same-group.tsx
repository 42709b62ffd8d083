import { memo, useEffect, useMemo, useRef, useState } from "react";
import { useShallow } from "zustand/react/shallow";
import type { StepRecord } from "../../loop/record.ts";
import { lookAt } from "../actions.ts";
import { fixed, signed, tokenGlyph } from "../format.ts";
import { phaseIndex, shownRecord, usePage } from "../state.ts";
import { LOOKS, Swatch } from "./curves.tsx";
import { type BesideAnswer, groupsInCommon, tokensOf } from "./groups.ts";
import { askRecord, type Rival, useLine, useLook, useRivals } from "./rivals.ts";
import { runnerOf, useTogether } from "./together.ts";

/** The runs' answers to a step, from where the advantages are known. */
interface Answers {
  readonly run: string | undefined;
  readonly first: StepRecord;
  /** By rival. */
  readonly others: ReadonlyMap<string, StepRecord>;
}

const isJudged = (record: StepRecord) => phaseIndex(record.phase) >= phaseIndex("advantages");

/** Null if it is not kept any more; undefined if it is not there yet. */
function recordOf({ page: { live, lookBack } }: Rival, step: number): StepRecord | null | undefined {
  return live?.step === step ? live : lookBack?.step === step ? lookBack.record : undefined;
}

const sameRecords = (a: Answers["others"], b: Answers["others"]) =>
  a.size === b.size && [...b].every(([id, record]) => a.get(id) === record);

/** The step shown is the page's: looking back moves all. While they train, the last step that all have judged stays until the next one. */
export function SameGroup() {
  const first = usePage(shownRecord);
  const run = usePage((state) => state.run?.id);
  const mainStep = usePage((state) => state.step);
  const rivals = useRivals((state) => state.rivals);
  const together = useTogether((state) => state.mode !== "apart");
  const held = useRef<Answers>(undefined);
  const step = first?.step ?? 0;
  useEffect(() => {
    if (!together) for (const rival of rivals) if (rival.page.live?.step !== step) askRecord(rival, step);
  }, [rivals, step, together]);

  const records = rivals.map((rival) => recordOf(rival, step));
  const others = new Map(rivals.flatMap(({ id }, i) => (records[i] && isJudged(records[i]) ? [[id, records[i]] as const] : [])));
  const complete = rivals.every(({ id, page, problem }) => others.has(id) || !runnerOf(page, problem).fit);
  if (first && isJudged(first) && others.size > 0 && (complete || !together)) {
    const { current } = held;
    if (current?.run !== run || current?.first !== first || !sameRecords(current.others, others)) held.current = { run, first, others };
  }
  const shown = held.current?.run === run && (together || held.current?.first.step === step) ? held.current : undefined;
  if (shown && rivals.some(({ id }) => shown.others.has(id))) return <Groups answers={shown} />;

  const there = rivals.filter(({ page }) => page.run);
  const common = Math.min(mainStep, ...there.map(({ page }) => page.step));
  const all = rivals.length === 1 ? "both" : "all";
  return (
    <p className="dim">
      {there.every((rival) => recordOf(rival, step) === null)
        ? `${all === "both" ? "The other run no longer keeps its" : "The other runs no longer keep their"} answers of step ${step}.`
        : !first || !isJudged(first) || there.every(({ page }) => step > page.step)
          ? `The runs’ answers appear here when ${all} have judged the same step: train ${all}, or step ${all}.`
          : `Fetching step ${step}…`}{" "}
      {common > 0 && step !== common && (
        <button type="button" onClick={() => lookAt(common)}>
          Step {common}
        </button>
      )}
    </p>
  );
}

const Groups = memo(function Groups({ answers: { first, others } }: { answers: Answers }) {
  const ids = useRivals(useShallow(({ rivals }) => rivals.map(({ id }) => id)));
  const [chosen, choose] = useState(0);
  const records = useMemo(() => [first, ...ids.map((id) => others.get(id))], [first, others, ids]);
  const groups = useMemo(() => groupsInCommon(first, records.slice(1)), [first, records]);
  if (groups.length === 0) return <p className="dim">In step {first.step} the runs were asked nothing in common.</p>;
  const at = Math.min(chosen, groups.length - 1);
  const group = groups[at];
  // With more than two runs an answer's verdict stands under it.
  const wide = records.length === 2;
  return (
    <>
      <div className="compare-line">
        <div className="buttons">
          <button type="button" disabled={at === 0} onClick={() => choose(at - 1)} aria-label="Previous group">
            ◂
          </button>
          <button type="button" disabled={at === groups.length - 1} onClick={() => choose(at + 1)} aria-label="Next group">
            ▸
          </button>
        </div>
        <p>
          Step {first.step}, group {at + 1} of {groups.length}: <code className="asked">{group.prompt}</code>
        </p>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: where columns do not fit it scrolls, by keyboard, too */}
      <section className="beside-scroll" tabIndex={0} aria-label="The same group of answers in each run">
        <table className={`beside ${wide ? "wide" : "narrow"}`}>
          <thead>
            <tr>
              {records.map((record, i) => (
                <th key={i === 0 ? "first" : ids[i - 1]} scope="col" colSpan={wide ? 3 : 1}>
                  {i === 0 ? <Head look={0} name="on screen" /> : <RivalHead id={ids[i - 1]} step={first.step} missing={!record} />}
                  <span className="dim"> {record && summary(record, group.groups[i])}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {group.rows.map((row, r) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an answer is its place among those drawn
              <tr key={r}>
                {row.map((answer, i) => (
                  <Answer key={i === 0 ? "first" : ids[i - 1]} record={records[i]} answer={answer} wide={wide} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="dim">
        Pale characters are the same in {wide ? "both" : "all, or as on screen"}; from the first bold one on, the policies part ways. Blue
        answers were pushed up, orange ones down.
      </p>
    </>
  );
});

function Head({ look, name }: { look: number | undefined; name: string }) {
  return (
    <span className="beside-head" title={name}>
      {look !== undefined && <Swatch look={LOOKS[look]} />} {name}
    </span>
  );
}

/** What the column's run is, and why it is empty if it is. */
function RivalHead({ id, step, missing }: { id: string; step: number; missing: boolean }) {
  const line = useLine(id);
  const look = useLook(id);
  const rival = useRivals(({ rivals }) => rivals.find((other) => other.id === id));
  if (!rival) return null;
  const why = () =>
    step > rival.page.step ? `not at step ${step} yet` : recordOf(rival, step) === null ? "no longer keeps this step" : "fetching…";
  return (
    <>
      <Head look={look} name={rival.page.run ? line : "on its way"} />
      {missing && rival.page.run && <span className="dim"> {why()}</span>}
    </>
  );
}

function summary(record: StepRecord, group: number | undefined): string {
  if (group === undefined) return "was asked something else";
  const rollouts = record.groups[group].members.map((row) => record.rollouts[row]);
  const right = rollouts.filter((rollout) => rollout.verdict?.score === 1).length;
  return rollouts[0]?.verdict ? `${right} of ${rollouts.length} right` : "";
}

interface AnswerProps {
  readonly record: StepRecord | undefined;
  readonly answer: BesideAnswer | undefined;
  /** In three cells; else in one. */
  readonly wide: boolean;
}

function Answer({ record, answer, wide }: AnswerProps) {
  if (!record || !answer) return <td colSpan={wide ? 3 : 1} className="no-answer" />;
  const { row, shared } = answer;
  const { verdict, advantage, reward } = record.rollouts[row];
  const right = verdict?.score === 1;
  const sign = advantage === undefined || Math.abs(advantage) < 1e-9 ? "" : advantage > 0 ? "up" : "down";
  const tokens = Array.from(tokensOf(record, row), (token, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
    <span key={i} className={i < shared ? "shared" : ""}>
      {tokenGlyph(token)}
    </span>
  ));
  const judged = verdict && (right ? "✓ right" : `✗ ${verdict.reason}`);
  const mark = `mark-of ${verdict ? (right ? "right" : "wrong") : ""}`;
  const rewarded = reward === undefined ? undefined : `reward ${fixed(reward)}`;
  const pushed = advantage === undefined ? "" : signed(advantage);
  if (!wide)
    return (
      <td className={`answer ${sign}`}>
        <div>{tokens}</div>
        <div className="judged">
          <span className={mark} title={verdict?.reason}>
            {judged}
          </span>
          <span className="number" title={rewarded}>
            {pushed}
          </span>
        </div>
      </td>
    );
  return (
    <>
      <td className={`answer ${sign}`}>{tokens}</td>
      <td className={mark} title={verdict?.reason}>
        <div>{judged}</div>
      </td>
      <td className="number" title={rewarded}>
        {pushed}
      </td>
    </>
  );
}
