import type { StepRecord } from "../../loop/record.ts";
import { fixed, percent, short, tokenGlyph, tokenName } from "../format.ts";
import { Icon } from "../icons.tsx";
import { alternativesAt, lengthOf, logProbBefore, participations, temperatureOf } from "../stage/token-facts.ts";
import { closeInspector, useStage } from "../stage/views/store.ts";
import { phaseIndex, type Selection, shownPhase, shownRecord, usePage } from "../state.ts";
import { Chain } from "./chain.tsx";
import "./inspector.css";

/** Everything the record knows about one token: probabilities, alternatives, and the numbers that made its gradient. */
export function Inspector() {
  const selection = usePage((state) => state.selection);
  const known = selection && selection.index < lengthOf(selection.record, selection.row);
  const prompts = usePage((state) => shownPhase(state) === "prompts");
  const open = useStage((state) => state.inspecting);
  const tall = useStage((state) => state.tall);
  if (!open) {
    return (
      <section className="inspector closed" aria-label="Token inspector">
        <p className="hint">{known ? <Glanced selection={selection} /> : "Click a token (or Tab, then arrows) to see its numbers."}</p>
      </section>
    );
  }
  const close = () => {
    closeInspector();
    document.querySelector<HTMLElement>(".stage .rows")?.focus();
  };
  return (
    <section
      className={tall ? "inspector tall" : "inspector"}
      aria-label="Token inspector"
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      {known && !prompts ? (
        <Token selection={selection} />
      ) : (
        <p className="hint">
          Click a token above (or press Tab, then the arrow keys) to see its probability, its alternatives, and the numbers that push it up
          or down.
        </p>
      )}
      <button
        type="button"
        className="quiet taller"
        aria-pressed={tall}
        aria-label="More room for the formula"
        data-tip={tall ? "Less room for the formula" : "More room for the formula"}
        onClick={() => useStage.setState({ tall: !tall })}
      >
        <span aria-hidden="true">{tall ? "▾" : "▴"}</span>
      </button>
      <button type="button" className="quiet close" aria-label="Close the inspector" data-tip="Close (Esc)" onClick={close}>
        <Icon name="times" size={12} />
      </button>
    </section>
  );
}

/** The token under the pointer, in one line. */
function Glanced({ selection: { record, row, index } }: { selection: Selection }) {
  const position = record.tokens!.offsets[row] + index;
  const before = logProbBefore(record, position);
  return (
    <>
      <b>{tokenName(record.tokens!.tokens[position])}</b>
      {before !== undefined && `, probability ${percent(Math.exp(before))}`}: click for its numbers
    </>
  );
}

function Token({ selection }: { selection: Selection }) {
  const { record, row, index } = selection;
  // In the step on the stage, the inspector knows what the chosen phase knows; of another step it tells everything.
  const onStage = usePage((state) => shownRecord(state)?.step === record.step);
  const stagePhase = usePage(shownPhase);
  const phase = onStage && stagePhase ? stagePhase : record.phase;
  const tokens = record.tokens!;
  const position = tokens.offsets[row] + index;
  const token = tokens.tokens[position];
  const group = record.groups[record.rollouts[row].group];
  const updated = phaseIndex(phase) >= phaseIndex("update");
  const after = updated ? tokens.after : undefined;
  const before = logProbBefore(record, position);
  return (
    <>
      <div className="inspected">
        <span className="token big" aria-hidden="true">
          {tokenGlyph(token)}
        </span>
        <div>
          <h2>{tokenName(token)}</h2>
          <p className="dim">
            token {index + 1} of {lengthOf(record, row)}
            <br />
            answer {group.members.indexOf(row) + 1} of {group.members.length}
            {!onStage && (
              <>
                <br />
                step {record.step}
              </>
            )}
          </p>
        </div>
      </div>
      <dl className="facts">
        <div>
          <dt>probability</dt>
          <dd>
            {before === undefined ? "below the listed" : percent(Math.exp(before))}
            {after && ` → ${percent(Math.exp(after.logProb[position]))}`}
          </dd>
        </div>
        <div data-fact="entropy" data-tip="How undecided the policy was here, in nats: 0 if only one token was possible.">
          <dt>entropy</dt>
          <dd>
            {fixed(tokens.entropy[position])}
            {after && ` → ${fixed(after.entropy[position])}`}
          </dd>
        </div>
        <div data-fact="old" data-tip={oldMeaning(record)}>
          <dt>log π old</dt>
          <dd>{fixed(tokens.oldLogProb[position], 3)}</dd>
        </div>
        {tokens.refLogProb && updated && (
          <div data-fact="ref" data-tip="The same token under the base policy, as it was before training.">
            <dt>log π ref</dt>
            <dd>{fixed(tokens.refLogProb[position], 3)}</dd>
          </div>
        )}
      </dl>
      {updated && <WhichUpdate record={record} row={row} />}
      <Alternatives record={record} position={position} after={after !== undefined} />
      <Chain record={record} row={row} index={index} advantage={phaseIndex(phase) >= phaseIndex("advantages")} updated={updated} />
    </>
  );
}

/** The optimizer steps in which an answer took part: one of them is looked at. */
function WhichUpdate({ record, row }: { record: StepRecord; row: number }) {
  const wanted = useStage((state) => state.inspectedUpdate);
  const updates = participations(record, row);
  const shown = updates.find(({ number }) => number + 1 === wanted) ?? updates.at(-1);
  if (updates.length === 0) return null;
  return (
    <fieldset className="which-update" aria-label="Updates that this answer took part in">
      <span className="dim">update</span>
      {updates.map(({ number, update: { epoch, miniBatch } }) => (
        <button
          key={number}
          type="button"
          aria-pressed={number === shown?.number}
          aria-label={`Update ${number + 1}`}
          data-tip={`Update ${number + 1}: epoch ${epoch + 1}, mini-batch ${miniBatch + 1}`}
          onClick={() => useStage.setState({ inspectedUpdate: number + 1 })}
        >
          {number + 1}
        </button>
      ))}
    </fieldset>
  );
}

function oldMeaning(record: StepRecord): string {
  const temperature = temperatureOf(record);
  const at = temperature === 1 ? "" : ` at temperature ${short(temperature)}`;
  return `The token’s log-probability${at} under the policy that drew it: what the ratio compares with.`;
}

const SHOWN = 6;

function Alternatives({ record, position, after }: { record: StepRecord; position: number; after: boolean }) {
  const all = alternativesAt(record, position);
  const top = all.slice(0, SHOWN);
  const shown = top.some((a) => a.chosen) ? top : [...all.slice(0, SHOWN - 1), all.find((a) => a.chosen)!];
  return (
    <div className="alternatives">
      <h3>Alternatives</h3>
      <ul>
        {shown.map((alternative) => (
          <li key={alternative.token} className={alternative.chosen ? "chosen" : ""} aria-current={alternative.chosen || undefined}>
            <code>{tokenGlyph(alternative.token)}</code>
            <span className="bars" aria-hidden="true">
              <i className="before" style={{ width: `${(alternative.before ?? 0) * 100}%` }} />
              {after && <i className="after" style={{ width: `${(alternative.after ?? 0) * 100}%` }} />}
            </span>
            <span className="number">
              {share(alternative.before)}
              {after && ` ▸ ${share(alternative.after)}`}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A token that is not among the recorded few is rarer than all of them. */
const share = (p: number | undefined) => (p === undefined ? "rare" : percent(p));
