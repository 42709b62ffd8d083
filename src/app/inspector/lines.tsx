import type { ReactNode } from "react";
import { short } from "../format.ts";
import { Tex } from "../tex/tex.tsx";
import { annotate } from "./annotate.ts";
import type { Piece } from "./formula.ts";
import type { NamedNumber, Part } from "./terms.ts";

/** The lines of a formula: terms are marked by their keys (`data-term`), and those that are buttons can be reached by keyboard. */

/** A line's pieces; terms are buttons. */
export function Pieces({ pieces, terms }: { pieces: readonly Piece[]; terms?: "names" }) {
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
export function Line({ symbol, term, symbols, numbers, note, strong }: LineProps) {
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
export function AdvantageParts({ parts }: { parts: readonly Part[] }) {
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
export function Formula({ part, children }: { part: Part; children?: ReactNode }) {
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
