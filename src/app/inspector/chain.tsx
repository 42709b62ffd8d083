import { type FocusEvent, type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import type { StepRecord } from "../../loop/record.ts";
import { short } from "../format.ts";
import { useStage, viewById } from "../stage/views/store.ts";
import { tabId } from "../stage/views/tabs.tsx";
import { shownRecord, usePage } from "../state.ts";
import { Tex } from "../tex/tex.tsx";
import { annotate } from "./annotate.ts";
import {
  advantageChain,
  advantagePieces,
  clipPieces,
  coefficientPieces,
  inWords,
  type Piece,
  ratioPieces,
  type TokenUpdate,
  tokenUpdates,
} from "./formula.ts";
import { goTo } from "./go.ts";
import { dark, light, rulesOf, useLit, watchStage } from "./lit.ts";
import { COMMON, type CommonId, type Lamp, PLACES, type Place } from "./provenance.ts";
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

const keyOf = (target: EventTarget) => (target instanceof Element ? target.closest<HTMLElement>("[data-term]")?.dataset.term : undefined);

interface WalkProps {
  readonly lamps: readonly Lamp[];
  readonly terms: ReadonlyMap<string, NamedNumber>;
  readonly children: ReactNode;
}

/**
 * The lines of the formula. Passing over a term lights it, and a click goes to where it comes from; on a touch screen the first tap lights it.
 * For the keyboard they are one tab stop: arrow keys go from term to term, Enter goes to where it comes from.
 */
function Walk({ lamps, terms, children }: WalkProps) {
  const box = useRef<HTMLDivElement>(null);
  const tapped = useRef(false);
  const lit = useLit();
  // A term that the stage has lit comes into view, without any motion.
  useLayoutEffect(() => {
    if (lit.from !== "stage" || lit.keys.length === 0) return;
    box.current?.querySelector(`[data-term="${lit.keys[0]}"]`)?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [lit]);
  const stops = () => [...box.current!.querySelectorAll<HTMLElement>("button[data-term]")];
  // Tab reaches the term that was reached last, or the first.
  useLayoutEffect(() => {
    const all = stops();
    const reached = all.find((stop) => stop.tabIndex === 0) ?? all[0];
    for (const stop of all) {
      stop.tabIndex = stop === reached ? 0 : -1;
      const term = terms.get(stop.dataset.term!);
      const lamp = lamps.find(({ key }) => key === stop.dataset.term);
      if (!term || !lamp) continue;
      stop.ariaDescription = cameFrom(term, lamp);
      // A number alone says nothing to those who do not see where it stands.
      if (stop.className === "piece" && !stop.hasAttribute("aria-label")) stop.ariaLabel = `${term.meaning}: ${stop.textContent}`;
    }
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const all = stops();
    const at = all.indexOf(event.target as HTMLElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = all[Math.min(all.length - 1, Math.max(0, to))];
    for (const stop of all) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
  };
  const passed = (event: PointerEvent | FocusEvent) => {
    const key = keyOf(event.target);
    if (key) light([key], "formula");
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form, and no fields in it
    <div
      ref={box}
      className="walk"
      role="group"
      aria-label="The formula with this token’s numbers: arrow keys go from term to term"
      onPointerOver={passed}
      onFocus={passed}
      onKeyDown={onKeyDown}
      onPointerDownCapture={(event) => {
        const key = keyOf(event.target);
        tapped.current = event.pointerType === "touch" && key !== undefined && !useLit.getState().keys.includes(key);
      }}
      onClick={(event) => {
        const key = keyOf(event.target);
        const lamp = lamps.find((l) => l.key === key);
        if (!lamp) return;
        light([lamp.key], "formula");
        if (!tapped.current) goTo(lamp);
        tapped.current = false;
      }}
    >
      {children}
    </div>
  );
}

/** Where a term comes from, in short sentences. */
function cameFrom({ meaning }: NamedNumber, { place, at }: Lamp): string {
  const { from, phase }: Place = PLACES[place];
  const begin = meaning.charAt(0).toUpperCase() + meaning.slice(1);
  return `${begin}. ${from(at)}${place === "knob" ? "" : ` Phase: ${phase}.`}`;
}

/** What the update did with the token; of a lit term, where it comes from. */
function Words({ lamps, terms, children }: WalkProps) {
  const keys = useLit((state) => state.keys);
  const onStage = useOnStage(lamps);
  const lamp = lamps.find(({ key }) => key === keys[0]);
  const term = lamp && terms.get(lamp.key);
  if (!lamp || !term) return <p className="words">{children}</p>;
  const { view }: Place = PLACES[lamp.place];
  const there = view !== undefined && document.getElementById(tabId(view))?.ariaSelected === "true";
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

/** A line's pieces; terms are buttons. */
function Pieces({ pieces, terms }: { pieces: readonly Piece[]; terms?: "names" }) {
  return pieces.map(({ text, key }, i) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: the same term may stand in a line twice
    if (key === undefined) return <span key={i}>{text}</span>;
    return terms === "names" ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: see above
      <span key={i} data-term={key}>
        {text}
      </span>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: see above
      <button key={i} type="button" className="piece" tabIndex={-1} data-term={key}>
        {text}
      </button>
    );
  });
}

interface LineProps {
  readonly symbol: string;
  readonly term: string;
  readonly symbols: readonly Piece[];
  readonly numbers: readonly Piece[];
  readonly note?: readonly Piece[];
  readonly strong?: "up" | "down" | undefined;
}

/** One line of the formula in words, one in numbers: the last of them is the result. */
function Line({ symbol, term, symbols, numbers, note, strong }: LineProps) {
  return (
    <div className="term">
      <var data-term={term}>{symbol}</var>
      <span className="dim">
        = <Pieces pieces={symbols} terms="names" />
        {note && (
          <i>
            <Pieces pieces={note} terms="names" />
          </i>
        )}
      </span>
      <span>
        = <Pieces pieces={numbers.slice(0, -1)} />
        <b className={strong}>
          <Pieces pieces={numbers.slice(-1)} />
        </b>
      </span>
    </div>
  );
}

/** What the estimator and each shaper made of the token's advantage. */
function AdvantageParts({ parts }: { parts: readonly Part[] }) {
  return parts.map((part, i) => (
    <Formula key={`${part.slot} ${part.name}`} part={part}>
      {part.written !== undefined && (
        <span>
          {i === parts.length - 1 ? "A" : "A so far"}{" "}
          <b>
            <Pieces pieces={[{ key: "advantage", text: short(part.advantage!) }]} terms={i === parts.length - 1 ? undefined : "names"} />
          </b>
        </span>
      )}
    </Formula>
  ));
}

/** A plug-in's formula with this token's numbers under its symbols. Terms that it does not write stand beside it. */
function Formula({ part, children }: { part: Part; children?: ReactNode }) {
  const { name, title, sentence, latex, written, terms, inputs } = part;
  const all: readonly NamedNumber[] = [...terms, ...inputs];
  const set = annotate(
    latex,
    all.flatMap(({ key, symbol, aliases = [], value }) =>
      [symbol, ...aliases].map((s) => ({ symbol: s, key, number: value === undefined ? undefined : short(value).replaceAll("−", "-") })),
    ),
  );
  const inside = (term: NamedNumber) => written === undefined && set.includes(`term=${term.key}}`);
  const beside = all.filter(
    (term) => !inside(term) && term.value !== undefined && (terms.some((t) => t === term) || written !== undefined),
  );
  return (
    <div className="formula-part">
      <span className="dim" data-tip={`${title}. ${sentence}`}>
        {name}
      </span>
      {written === undefined ? <Tex latex={set} named /> : <Written text={written} names={all} />}
      {beside.map(({ key, symbol, meaning, value }) => (
        <button key={key} type="button" className="piece" tabIndex={-1} data-term={key} aria-label={`${meaning} ${short(value!)}`}>
          {written === undefined ? <Tex latex={symbol} /> : <code>{symbol}</code>} {short(value!)}
        </button>
      ))}
      {children}
      {/* What the formula shows to the eye, for the keyboard and for screen readers. */}
      {all.filter(inside).map(({ key, meaning, value }) => (
        <button key={key} type="button" className="unseen" tabIndex={-1} data-term={key}>
          {meaning}
          {value !== undefined && ` ${short(value)}`}
        </button>
      ))}
    </div>
  );
}

/** A person's own formula: the names in it are terms. */
function Written({ text, names }: { text: string; names: readonly NamedNumber[] }) {
  return (
    <pre>
      {text.split(/([a-zA-Z_]\w*)/).map((piece, i) => {
        const term = names.find(({ symbol }) => symbol === piece);
        return term ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a text's pieces have no other names
          <span key={i} data-term={term.key}>
            {piece}
          </span>
        ) : (
          piece
        );
      })}
    </pre>
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
