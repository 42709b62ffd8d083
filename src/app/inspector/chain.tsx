import { useEffect, useMemo } from "react";
import type { StepRecord } from "../../loop/record.ts";
import { short } from "../format.ts";
import { useStage, viewById, viewOfPhase } from "../stage/views/store.ts";
import { shownPhase, shownRecord, usePage } from "../state.ts";
import { Tex } from "../tex/tex.tsx";
import {
  advantageChain,
  advantagePieces,
  clipPieces,
  coefficientPieces,
  inWords,
  ratioPieces,
  type TokenUpdate,
  tokenUpdates,
} from "./formula.ts";
import { goTo } from "./go.ts";
import { AdvantageParts, Formula, Line, Pieces } from "./lines.tsx";
import { dark, rulesOf, useLit, watchStage } from "./lit.ts";
import { PLACES, type Place } from "./places.ts";
import { COMMON, type CommonId, type Lamp } from "./provenance.ts";
import {
  actsBeyond,
  advantageParts,
  commonTerm,
  type Facts,
  lossParts,
  type NamedNumber,
  type Part,
  rewardParts,
  updateFacts,
  updateParts,
} from "./terms.ts";
import { cameFrom, Walk, type WalkProps } from "./walk.tsx";

interface ChainProps {
  readonly record: StepRecord;
  readonly row: number;
  readonly index: number;
  /** Whether the phase has been reached. */
  readonly advantage: boolean;
  readonly updated: boolean;
}

/** From the answer's reward to the token's coefficient, update by update: formulas whose terms light up where they come from. */
export function Chain({ record, row, index, advantage, updated }: ChainProps) {
  const wanted = useStage((state) => state.inspectedUpdate);
  const parts = useMemo(() => (advantage ? advantageParts(record, row, index) : []), [record, row, index, advantage]);
  const earned = useMemo(() => (advantage ? rewardParts(record, row) : []), [record, row, advantage]);
  const updates = useMemo(() => (updated ? tokenUpdates(record, row, index) : []), [record, row, index, updated]);
  const update = updates.find((u) => u.number === wanted) ?? updates.at(-1);
  const number = update?.number;
  const later = useMemo(() => (number === undefined ? [] : updateParts(record, row, index, number)), [record, row, index, number]);
  const facts = useMemo(
    (): Facts =>
      number === undefined
        ? { reward: record.rollouts[row].reward, advantage: parts.at(-1)?.advantage }
        : updateFacts(record, row, index, number),
    [record, row, index, number, parts],
  );
  const terms = useMemo(() => termsByKey([...earned, ...parts, ...later], facts), [earned, parts, later, facts]);
  const lamps = useMemo(() => lampsOf(record, row, index, number, terms), [record, row, index, number, terms]);
  if (parts.length === 0) return <p className="chain hint">Its advantage, ratio and coefficient appear here in the phases to come.</p>;
  const chain = advantageChain(record, row);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is left is the light
    <div
      className="chain"
      onPointerLeave={(event) => event.pointerType === "mouse" && dark("formula")}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && dark("formula")}
    >
      <Lights lamps={lamps} />
      <Walk lamps={lamps} terms={terms}>
        {chain ? <Line symbol="A" term="advantage" {...advantagePieces(chain)} /> : <AdvantageParts parts={parts} />}
        {update && (
          <>
            {chain ? (
              <Line symbol="ρ" term="ratio" {...ratioPieces(update)} note={clipPieces(record, update)} />
            ) : (
              <p className="named">
                <span>
                  <Pieces pieces={[{ text: "ρ = " }, ...ratioPieces(update).numbers]} />
                </span>
                <span className="dim">
                  <Pieces pieces={clipPieces(record, update)} />
                </span>
              </p>
            )}
            {update.plain ? (
              <Line symbol="c" term="coefficient" {...coefficientPieces(update)} strong={sign(update)} />
            ) : (
              <p className="named">
                <span data-tip={COMMON.weight.meaning}>
                  w <Pieces pieces={[{ key: "weight", text: short(update.weight) }]} />
                </span>
                <span data-tip={COMMON.coefficient.meaning}>
                  c{" "}
                  <b className={sign(update)}>
                    <Pieces pieces={[{ key: "coefficient", text: short(update.coefficient) }]} />
                  </b>
                </span>
              </p>
            )}
          </>
        )}
        {!update && (
          <p className="dim">{updated ? "This answer has not been in a mini-batch yet." : "The update will turn it into a gradient."}</p>
        )}
        {[...earned, ...later].map((part) => (
          <Formula key={`${part.slot} ${part.name}`} part={part} />
        ))}
        {update && <LossParts record={record} number={update.number} />}
      </Walk>
      <Words lamps={lamps} terms={terms}>
        {update && `${inWords(record, update)} ${besides(record)}`}
      </Words>
    </div>
  );
}

/** Every term that is shown, by its key. */
function termsByKey(parts: readonly Part[], facts: Facts): ReadonlyMap<string, NamedNumber> {
  const common = (Object.keys(COMMON) as CommonId[]).map((id) => commonTerm(id, facts[id]));
  return new Map([...common, ...parts.flatMap(({ terms, inputs }) => [...inputs, ...terms])].map((term) => [term.key, term] as const));
}

function lampsOf(
  record: StepRecord,
  row: number,
  index: number,
  number: number | undefined,
  terms: ReadonlyMap<string, NamedNumber>,
): Lamp[] {
  const rows = number === undefined ? [] : Array.from(record.updates[number - 1].rows);
  return [...terms.values()].map(({ key, place, path }) => ({ key, place, at: { record, row, index, key, rows, path } }));
}

/** Whether the stage shows the step of the token. */
const useOnStage = (lamps: readonly Lamp[]) => {
  const step = lamps[0]?.at.record.step;
  return usePage((state) => shownRecord(state)?.step === step);
};

/** Marks what is lit, and lights the terms of what the pointer passes on the stage, as long as that shows the token's step. */
function Lights({ lamps }: { lamps: readonly Lamp[] }) {
  const lit = useLit();
  const onStage = useOnStage(lamps);
  useEffect(() => (onStage ? watchStage(lamps) : undefined), [lamps, onStage]);
  // Another token has other numbers.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is their change that puts the light out
  useEffect(() => () => dark("formula"), [lamps]);
  return <style>{rulesOf(lit, onStage ? lamps : [])}</style>;
}

/** What the update did with the token; of a lit term, where it comes from. */
function Words({ lamps, terms, children }: WalkProps) {
  const keys = useLit((state) => state.keys);
  const onStage = useOnStage(lamps);
  const chosen = useStage((state) => state.view);
  const shown = usePage(
    (state) => chosen ?? viewOfPhase(shownPhase(state) ?? "prompts", state.playing && state.pace === 0 && !state.lookBack),
  );
  const lamp = lamps.find(({ key }) => key === keys[0]);
  const term = lamp && terms.get(lamp.key);
  if (!lamp || !term) return <p className="words">{children}</p>;
  const { view }: Place = PLACES[lamp.place];
  const there = view !== undefined && view === shown;
  return (
    <p className="words">
      <Tex latex={term.symbol} /> {cameFrom(term, lamp)}{" "}
      {!onStage ? (
        <span className="dim">Step {lamp.at.record.step} is not on the stage.</span>
      ) : (
        !there &&
        (view || lamp.at.path) && (
          <button type="button" className="quiet go" tabIndex={-1} onClick={() => goTo(lamp)}>
            {view ? `see ${viewById(view).label}` : "see the knob"}
          </button>
        )
      )}
    </p>
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

const sign = ({ coefficient }: TokenUpdate) => (coefficient < 0 ? "up" : coefficient > 0 ? "down" : undefined);
