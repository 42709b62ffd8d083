import { type ReactNode, useState } from "react";
import type { StepRecord } from "../../loop/record.ts";
import { fixed, percent, short, tokenGlyph, tokenName } from "../format.ts";
import { Icon } from "../icons.tsx";
import { alternativesAt, lengthOf, logProbBefore, temperatureOf } from "../stage/token-facts.ts";
import { closeInspector, useStage } from "../stage/views/store.ts";
import { phaseIndex, type Selection, shownPhase, shownRecord, usePage } from "../state.ts";
import { Tex } from "../tex/tex.tsx";
import { advantageChain, advantageLine, coefficientLine, inWords, type TokenUpdate, tokenUpdates } from "./formula.ts";
import { actsBeyond, advantageParts, lossParts, type NamedNumber, type Part, updateParts } from "./terms.ts";
import "./inspector.css";

/** Everything the record knows about one token: probabilities, alternatives, and the numbers that made its gradient. */
export function Inspector() {
  const selection = usePage((state) => state.selection);
  const known = selection && selection.index < lengthOf(selection.record, selection.row);
  const prompts = usePage((state) => shownPhase(state) === "prompts");
  const open = useStage((state) => state.inspecting);
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
    <section className="inspector" aria-label="Token inspector" onKeyDown={(event) => event.key === "Escape" && close()}>
      {known && !prompts ? (
        <Token selection={selection} />
      ) : (
        <p className="hint">
          Click a token above (or press Tab, then the arrow keys) to see its probability, its alternatives, and the numbers that push it up
          or down.
        </p>
      )}
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
        <div data-tip="How undecided the policy was here, in nats: 0 if only one token was possible.">
          <dt>entropy</dt>
          <dd>
            {fixed(tokens.entropy[position])}
            {after && ` → ${fixed(after.entropy[position])}`}
          </dd>
        </div>
        <div data-tip={oldMeaning(record)}>
          <dt>log π old</dt>
          <dd>{fixed(tokens.oldLogProb[position], 3)}</dd>
        </div>
        {tokens.refLogProb && updated && (
          <div data-tip="The same token under the base policy, as it was before training.">
            <dt>log π ref</dt>
            <dd>{fixed(tokens.refLogProb[position], 3)}</dd>
          </div>
        )}
      </dl>
      <Alternatives record={record} position={position} after={after !== undefined} />
      <Gradient record={record} row={row} index={index} advantage={phaseIndex(phase) >= phaseIndex("advantages")} updated={updated} />
    </>
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

const CLIPS = { none: "not clipped", above: "held above", below: "held below", dual: "held by the dual clip" } as const;

/** From the answer's reward to the token's coefficient, update by update. */
function Gradient(props: { record: StepRecord; row: number; index: number; advantage: boolean; updated: boolean }) {
  const { record, row, index } = props;
  const [wanted, setWanted] = useState<number>();
  const parts = props.advantage ? advantageParts(record, row, index) : [];
  const chain = props.advantage ? advantageChain(record, row) : undefined;
  const updates = props.updated ? tokenUpdates(record, row, index) : [];
  const update = updates.find((u) => u.number === wanted) ?? updates.at(-1);
  if (parts.length === 0) return <p className="chain hint">Its advantage, ratio and coefficient appear here in the phases to come.</p>;
  return (
    <div className="chain">
      {chain ? (
        <Term symbol="A" meaning={chain.divided ? "(reward − baseline) ÷ spread" : "reward − baseline"} numbers={advantageLine(chain)} />
      ) : (
        <AdvantageParts parts={parts} reward={record.rollouts[row].reward} />
      )}
      {update ? (
        <>
          <fieldset className="which-update" aria-label="Updates that this answer took part in">
            {updates.map((u) => (
              <button
                key={u.number}
                type="button"
                aria-pressed={u === update}
                aria-label={`Update ${u.number}`}
                data-tip={`Update ${u.number}: epoch ${u.epoch}, mini-batch ${u.miniBatch}`}
                onClick={() => setWanted(u.number)}
              >
                {u.number}
              </button>
            ))}
          </fieldset>
          {chain ? (
            <Term symbol="ρ" meaning="π now ÷ π old" numbers={ratioLine(update)} note={CLIPS[update.clip]} />
          ) : (
            <div className="named">
              <span data-tip="π now ÷ π old">
                <Tex latex="\rho" /> {ratioLine(update)}
              </span>
              <span className="dim">{CLIPS[update.clip]}</span>
            </div>
          )}
          {update.plain ? (
            <Term symbol="c" meaning={coefficientLine(update).symbols} numbers={coefficientLine(update).numbers} strong={sign(update)} />
          ) : (
            <UpdateParts record={record} row={row} index={index} update={update} />
          )}
          <p className="words">
            {inWords(record, update)} {besides(record)}
          </p>
          <LossParts record={record} number={update.number} />
        </>
      ) : (
        <p className="dim">
          {props.updated ? "This answer has not been in a mini-batch yet." : "The update will turn it into a gradient."}
        </p>
      )}
    </div>
  );
}

/** What the estimator and each shaper made of the token's advantage. */
function AdvantageParts({ parts, reward }: { parts: readonly Part[]; reward: number | undefined }) {
  return parts.map((part, i) => (
    <PartLine key={`${part.slot} ${part.name}`} part={part}>
      {i === 0 && reward !== undefined && <Named symbol="r" meaning="the answer’s reward" value={reward} />}
      {/* What a shaper began with stands on the line before. */}
      <Numbers terms={part.terms.filter(({ symbol, value }) => symbol !== "A" || value !== parts[i - 1]?.advantage)} />
      <Named symbol={i === parts.length - 1 ? "A" : "A'"} meaning="the token’s advantage after this" value={part.advantage!} strong />
    </PartLine>
  ));
}

/** What the plug-ins of an update measured of the token, its weight, and its coefficient. */
function UpdateParts(props: { record: StepRecord; row: number; index: number; update: TokenUpdate }) {
  const { record, row, index, update } = props;
  return (
    <>
      {updateParts(record, row, index, update.number).map((part) => (
        <PartLine key={`${part.slot} ${part.name}`} part={part}>
          <Numbers terms={part.terms} />
        </PartLine>
      ))}
      <div className="named">
        <Named symbol="w" meaning="how much the token counts in the policy’s loss: aggregation times token weights" value={update.weight} />
        <Named
          symbol="c"
          meaning="∂L/∂ log π of the token, all parts of the loss together"
          value={update.coefficient}
          strong={sign(update) ?? true}
        />
      </div>
    </>
  );
}

/** What c leaves out, in a sentence. */
function besides(record: StepRecord): string {
  const beyond = actsBeyond(record).join(" and ");
  return beyond && `Beside c, ${beyond} ${beyond.includes(" and ") ? "act" : "acts"} on all tokens that could have stood here.`;
}

function LossParts({ record, number }: { record: StepRecord; number: number }) {
  const parts = lossParts(record.updates[number - 1]);
  if (parts.length === 0) return null;
  return (
    <p className="dim" data-tip="The loss of this update’s whole mini-batch">
      loss {parts.map(({ name, value }) => `${name} ${short(value)}`).join(" · ")}
    </p>
  );
}

/** A plug-in by name, its sentence as tooltip, and its numbers. */
function PartLine({ part, children }: { part: Part; children: ReactNode }) {
  return (
    <div className="named">
      <span className="dim" data-tip={`${part.title}. ${part.sentence}`}>
        {part.name}
      </span>
      {children}
    </div>
  );
}

const Numbers = ({ terms }: { terms: readonly NamedNumber[] }) => terms.map((term) => <Named key={term.symbol} {...term} />);

/** A symbol and its number. */
function Named({ symbol, meaning, value, strong }: NamedNumber & { strong?: boolean | "up" | "down" }) {
  return (
    <span data-tip={meaning}>
      <Tex latex={symbol} /> {strong ? <b className={typeof strong === "string" ? strong : ""}>{short(value)}</b> : short(value)}
    </span>
  );
}

const ratioLine = ({ probability, oldProbability, ratio }: TokenUpdate) =>
  `${short(probability)} ÷ ${short(oldProbability)} = ${fixed(ratio, 3)}`;
const sign = ({ coefficient }: TokenUpdate) => (coefficient < 0 ? "up" : coefficient > 0 ? "down" : undefined);

/** One line of the formula in words, one in numbers. */
function Term(props: { symbol: string; meaning: string; numbers: string; note?: string; strong?: "up" | "down" | undefined }) {
  // The last number is the result.
  const at = props.numbers.lastIndexOf("= ");
  const before = at < 0 ? "" : props.numbers.slice(0, at);
  const result = props.numbers.slice(at < 0 ? 0 : at + 2);
  return (
    <div className="term">
      <var>{props.symbol}</var>
      <span className="dim">
        = {props.meaning}
        {props.note && <i>{props.note}</i>}
      </span>
      <span>
        = {before && `${before}= `}
        <b className={props.strong}>{result}</b>
      </span>
    </div>
  );
}
