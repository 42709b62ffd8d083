import { useEffect, useId, useRef, useState } from "react";
import { ExpressionError, type Span } from "../../algorithm/expression/error.ts";
import { type Entry, LANGUAGES, type Language } from "../../algorithm/expression/language.ts";
import { checkValue, RecipeError, type TextParameter } from "../../algorithm/plugin.ts";
import "./formula-field.css";

interface FormulaFieldProps {
  /** `slot.param`; the slot says which names the help lists. */
  readonly path: string;
  readonly parameter: TextParameter;
  readonly value: string;
  readonly tip: string;
  readonly onChange: (text: string) => void;
}

/** Texts that are not in force yet, by knob and the text in force: they outlive the field, which comes and goes with its slot. */
const unsent = new Map<string, string>();

/**
 * Edits a formula. It is put in force when the field is left or with Ctrl+Enter, if it can be read; otherwise the mistake is shown at its
 * place and the text stays as it was typed.
 */
export function FormulaField({ path, parameter, value, tip, onChange }: FormulaFieldProps) {
  const key = JSON.stringify([path, value]);
  const [, redraw] = useState(0);
  const [problem, setProblem] = useState<{ readonly of: string; readonly error: RecipeError }>();
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const text = unsent.get(key) ?? value;
  const shown = problem?.of === text ? problem.error : undefined;
  // What was sent and came back as the text in force is no longer unsent, should a person go back to the text before it.
  const before = useRef(key);
  useEffect(() => {
    if (unsent.get(before.current) === value) unsent.delete(before.current);
    before.current = key;
  }, [key, value]);

  const type = (next: string) => {
    if (next === value) unsent.delete(key);
    else unsent.set(key, next);
    redraw((n) => n + 1);
    // A mistake that was shown is followed while it is mended.
    if (problem) setProblem(mistake(parameter, next));
  };
  const apply = () => {
    if (text === value) return;
    const found = mistake(parameter, text);
    setProblem(found);
    if (found) return;
    // The text in force comes back as `value`; until then the field shows what was sent.
    onChange(text);
  };
  const insert = (word: string) => {
    const { selectionStart: start, selectionEnd: end } = field.current!;
    type(text.slice(0, start) + word + text.slice(end));
    requestAnimationFrame(() => field.current?.setSelectionRange(start + word.length, start + word.length));
  };
  const goTo = ({ start, end }: Span) => {
    field.current!.focus();
    field.current!.setSelectionRange(start, Math.max(end, start + 1));
  };

  return (
    <div className="formula">
      <textarea
        ref={field}
        className={shown ? "invalid" : ""}
        value={text}
        rows={Math.min(
          12,
          Math.max(
            3,
            text.split("\n").reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / LINE)), 0),
          ),
        )}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={(event) => type(event.target.value)}
        onBlur={apply}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          apply();
        }}
        aria-label={parameter.label}
        aria-description={tip}
        aria-invalid={shown !== undefined}
        aria-errormessage={shown ? id : undefined}
      />
      {shown && <Problem id={id} text={text} error={shown} goTo={goTo} />}
      {text !== value && (
        <p className="formula-state">
          <span className="dim">Not in force yet: Ctrl+Enter.</span>
          <button type="button" className="quiet" onMouseDown={(event) => event.preventDefault()} onClick={() => type(value)}>
            Discard
          </button>
        </p>
      )}
      <Help language={LANGUAGES[path.split(".")[0] as keyof typeof LANGUAGES]} insert={insert} />
    </div>
  );
}

function mistake(parameter: TextParameter, text: string): { readonly of: string; readonly error: RecipeError } | undefined {
  try {
    checkValue(parameter, text, parameter.label);
    return undefined;
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    return { of: text, error };
  }
}

/** Characters of a line that fit under the field; an even number. */
const LINE = 28;

/** The line with the mistake, a caret under it, and what is wrong. */
function Problem({ id, text, error, goTo }: { id: string; text: string; error: RecipeError; goTo: (span: Span) => void }) {
  if (!(error instanceof ExpressionError)) {
    return (
      <p className="formula-problem" role="alert" id={id}>
        {error.message}
      </p>
    );
  }
  const { place } = error;
  const line = text.split("\n")[place.line - 1];
  const width = Math.max(1, Math.min(place.end - place.start, line.length - place.column + 1));
  // Of a long line, what surrounds the mistake.
  const from = line.length <= LINE ? 0 : Math.max(0, Math.min(place.column - LINE / 2, line.length - LINE));
  const excerpt = `${from > 0 ? "…" : ""}${line.slice(from, from + LINE)}${from + LINE < line.length ? "…" : ""}`;
  const caret = " ".repeat(place.column - 1 - from + (from > 0 ? 1 : 0)) + "^".repeat(Math.min(width, from + LINE - place.column + 1 || 1));
  return (
    <div className="formula-problem" role="alert" id={id}>
      <pre aria-hidden="true">{`${excerpt}\n${caret}`}</pre>
      <button type="button" className="quiet" onMouseDown={(event) => event.preventDefault()} onClick={() => goTo(place)}>
        line {place.line}, column {place.column}
      </button>
      : {error.sentence}
    </div>
  );
}

/** All that a formula can name; a click writes the name where the cursor is. */
function Help({ language, insert }: { language: Language | undefined; insert: (word: string) => void }) {
  const [open, setOpen] = useState(false);
  if (!language) return null;
  return (
    <div className="formula-help">
      <button type="button" className="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "▾" : "▸"} What a formula can say
      </button>
      {open && (
        <>
          <Entries title="Inputs" entries={language.inputs} word={(name) => name} insert={insert} />
          <Entries
            title="Functions"
            entries={language.functions}
            word={(name) => (name === "part" ? 'part("correct")' : `${name}(`)}
            insert={insert}
          />
          <Entries title="Operators" entries={language.operators} word={(name) => (name === "neg" ? "-" : ` ${name} `)} insert={insert} />
          <h3>Examples</h3>
          {language.examples.map(({ name, formula }) => (
            <figure key={name}>
              <figcaption>{name}</figcaption>
              <pre>{formula}</pre>
            </figure>
          ))}
        </>
      )}
    </div>
  );
}

interface EntriesProps {
  readonly title: string;
  readonly entries: readonly Entry[];
  /** What is written for a name. */
  readonly word: (name: string) => string;
  readonly insert: (word: string) => void;
}

function Entries({ title, entries, word, insert }: EntriesProps) {
  return (
    <>
      <h3>{title}</h3>
      <dl>
        {entries.map(({ name, type, meaning }) => (
          <div key={`${name} ${type}`}>
            <dt>
              <button
                type="button"
                className="quiet"
                // The field keeps the cursor.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => insert(word(name))}
                aria-label={`Write ${name}`}
              >
                <code>{name}</code>
              </button>
              <span className="dim">{type}</span>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
