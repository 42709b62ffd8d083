import { useEffect, useMemo, useRef, useState } from "react";
import type { StepRecord } from "../../loop/record.ts";
import { changesBetween } from "../../recipes/changes.ts";
import { lookAt, setupNow, withRecipe } from "../actions.ts";
import { fixed, signed, tokenGlyph } from "../format.ts";
import { Icon } from "../icons.tsx";
import { labelOf, showValue } from "../knobs/describe.ts";
import { RecipeOptions } from "../recipes/options.tsx";
import { phaseIndex, shownRecord, usePage } from "../state.ts";
import { LOOKS, Swatch } from "./curves.tsx";
import { groupsInCommon, tokensOf } from "./groups.ts";
import { askRecord, branch, closeRival, pauseBoth, rivalLine, stepBoth, trainBoth, turnedNow, useRival, useTogether } from "./rival.ts";
import { useCompare } from "./state.ts";

/** Two runs from a common seed: the same group of answers in each. */
export function Beside() {
  const rival = useRival((state) => state.run);
  const progress = useRival((state) => state.progress);
  const waiting = rival === undefined && progress !== undefined && progress.what !== "Starting";
  if (waiting)
    return (
      <p role="status">
        {progress.what}… <progress value={progress.fraction} aria-label={progress.what} />
      </p>
    );
  return rival ? <Both /> : <Branching />;
}

/** How a second run begins. */
function Branching() {
  const run = usePage((state) => state.run);
  const step = usePage((state) => state.step);
  const turned = usePage((state) => JSON.stringify(turnedNow(state)));
  const [recipe, setRecipe] = useState("");
  if (!run) return null;
  const edits = JSON.parse(turned) as ReturnType<typeof turnedNow>;
  const words = edits.map(({ path, value }) => `${labelOf(run.recipe, path)} ${showValue(run.recipe, path, value)}`).join(", ");
  return (
    <div className="branching">
      <h2>A/B from here</h2>
      <p>
        A second run starts where this one stands{step > 0 ? `, after step ${step}` : ""}: same weights, same seed, so the same problems and
        the same dice. What then differs, differs because of the knobs.
      </p>
      <div className="branch-way">
        <button type="button" className="primary" disabled={edits.length === 0} onClick={() => void branch()}>
          A/B the knobs just turned
        </button>
        <p>
          {edits.length > 0 ? (
            <>
              This run goes on with <b>{words}</b>; the second goes on as it was.
            </>
          ) : (
            "Turn a knob on the left first: this run will go on with it, the second without."
          )}
        </p>
      </div>
      <div className="branch-way">
        <button
          type="button"
          disabled={recipe === ""}
          onClick={() => {
            const setup = setupNow()!;
            void branch(changesBetween(setup.recipe, withRecipe(setup, recipe).recipe));
          }}
        >
          A/B another recipe
        </button>
        <label>
          The second goes on as{" "}
          <select value={recipe} onChange={(event) => setRecipe(event.target.value)} aria-label="Recipe of the second run">
            <option value="">choose a recipe</option>
            <RecipeOptions task={run.recipe.slots.task.plugin} />
          </select>
        </label>
      </div>
      <p className="dim">
        A run that was kept can stand beside this one too: “Runs tried”, <em>beside</em>.
      </p>
    </div>
  );
}

/** What the button that trains both says. While they end their step it stops them at once. */
const BOTH = { apart: "Train both", together: "Pause both", ending: "Pause now" } as const;

function Both() {
  const mode = useTogether((state) => state.mode);
  const busy = usePage((state) => state.busy);
  const rivalBusy = useRival((state) => state.busy);
  const steps = [usePage((state) => state.step), useRival((state) => state.step)];
  const rivalId = useRival((state) => state.run?.id);
  const pin = useCompare((state) => state.pins.findIndex(({ id }) => id === rivalId));
  usePage((state) => state.run);
  useRival((state) => state.run);
  return (
    <>
      <div className="compare-line">
        <div className="buttons">
          <button type="button" className="primary both" onClick={mode === "apart" ? trainBoth : pauseBoth}>
            <Icon name={mode === "apart" ? "play" : "pause"} /> {BOTH[mode]}
          </button>
          <button type="button" disabled={mode !== "apart" || busy || rivalBusy} onClick={stepBoth}>
            Step both
          </button>
        </div>
        <p className="both-names">
          <Swatch look={LOOKS[0]} /> on screen, step {steps[0]}
          <br />
          <Swatch look={LOOKS[Math.max(0, pin) + 2]} /> <b>{rivalLine()}</b>, step {steps[1]}
        </p>
        <button type="button" className="quiet" onClick={closeRival}>
          End the second
        </button>
      </div>
      <SameGroup />
    </>
  );
}

/** Both runs' answers to a step, from where the advantages are known. */
interface Pair {
  readonly ids: string;
  readonly left: StepRecord;
  readonly right: StepRecord;
}

const isJudged = (record: StepRecord) => phaseIndex(record.phase) >= phaseIndex("advantages");

/** The step shown is the page's: looking back moves both. While both train, the last step that both have judged stays until the next one. */
function SameGroup() {
  const left = usePage(shownRecord);
  const ids = [usePage((state) => state.run?.id), useRival((state) => state.run?.id)].join(" ");
  const newest = [usePage((state) => state.step), useRival((state) => state.step)];
  const rivalLive = useRival((state) => state.live);
  const rivalBack = useRival((state) => state.lookBack);
  const together = useTogether((state) => state.mode !== "apart");
  const held = useRef<Pair>(undefined);
  const step = left?.step ?? 0;
  const right = rivalLive?.step === step ? rivalLive : rivalBack?.step === step ? rivalBack.record : undefined;
  const ask = rivalLive?.step !== step && step <= newest[1];
  useEffect(() => {
    if (ask) askRecord(step);
  }, [ask, step]);
  if (left && right && isJudged(left) && isJudged(right)) held.current = { ids, left, right };
  const pair = held.current?.ids === ids && (together || held.current.left.step === step) ? held.current : undefined;
  if (pair) return <Groups left={pair.left} right={pair.right} />;
  const common = Math.min(...newest);
  return (
    <p className="dim">
      {right === null
        ? `The second run no longer keeps its answers of step ${step}.`
        : step > newest[1] || !left || !isJudged(left)
          ? "Both runs’ answers appear here when both have judged the same step: train both, or step both."
          : `Fetching step ${step} of the second run…`}{" "}
      {common > 0 && step !== common && (
        <button type="button" onClick={() => lookAt(common)}>
          Step {common}
        </button>
      )}
    </p>
  );
}

function Groups({ left, right }: { left: StepRecord; right: StepRecord }) {
  const [chosen, choose] = useState(0);
  const groups = useMemo(() => groupsInCommon(left, right), [left, right]);
  if (groups.length === 0) return <p className="dim">In step {left.step} the two runs were asked nothing in common.</p>;
  const at = Math.min(chosen, groups.length - 1);
  const group = groups[at];
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
          Step {left.step}, group {at + 1} of {groups.length}: <code className="asked">{group.prompt}</code>
        </p>
      </div>
      <table className="beside">
        <thead>
          <tr>
            {["On screen", "Second run"].map((name, i) => (
              <th key={name} scope="col" colSpan={3}>
                {name}
                <span className="dim"> {summary(i === 0 ? left : right, i === 0 ? group.left : group.right)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {group.rows.map((row) => (
            <tr key={`${row.left} ${row.right}`}>
              <Answer record={left} row={row.left} shared={row.shared} />
              <Answer record={right} row={row.right} shared={row.shared} />
            </tr>
          ))}
        </tbody>
      </table>
      <p className="dim">
        Pale characters are the same in both; from the first bold one on, the policies part ways. Blue answers were pushed up, orange ones
        down.
      </p>
    </>
  );
}

function summary(record: StepRecord, group: number): string {
  const rollouts = record.groups[group].members.map((row) => record.rollouts[row]);
  const right = rollouts.filter((rollout) => rollout.verdict?.score === 1).length;
  return rollouts[0].verdict ? `${right} of ${rollouts.length} right` : "";
}

function Answer({ record, row, shared }: { record: StepRecord; row: number | undefined; shared: number }) {
  if (row === undefined) return <td colSpan={3} className="no-answer" />;
  const { verdict, advantage, reward } = record.rollouts[row];
  const right = verdict?.score === 1;
  const sign = advantage === undefined || Math.abs(advantage) < 1e-9 ? "" : advantage > 0 ? "up" : "down";
  return (
    <>
      <td className={`answer ${sign}`}>
        {Array.from(tokensOf(record, row), (token, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
          <span key={i} className={i < shared ? "shared" : ""}>
            {tokenGlyph(token)}
          </span>
        ))}
      </td>
      <td className={`mark-of ${verdict ? (right ? "right" : "wrong") : ""}`} title={verdict?.reason}>
        <div>{verdict && (right ? "✓ right" : `✗ ${verdict.reason}`)}</div>
      </td>
      <td className="number" title={reward === undefined ? undefined : `reward ${fixed(reward)}`}>
        {advantage === undefined ? "" : signed(advantage)}
      </td>
    </>
  );
}
