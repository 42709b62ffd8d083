import { useEffect, useRef, useState } from "react";
import { checkValue, type NumberParameter, type Parameter, RecipeError } from "../../algorithm/plugin.ts";
import { short } from "../format.ts";
import type { Value } from "./describe.ts";
import { FormulaField } from "./formula-field.tsx";
import { positionOf, positions, valueAt } from "./scale.ts";

export interface KnobProps {
  readonly path: string;
  readonly parameter: Parameter;
  readonly value: Value;
  /** The recipe's own value; absent if its plug-in has no such parameter. */
  readonly original: Value | undefined;
  /** The step from which the value holds, if that step has not begun. */
  readonly pendingFrom: number | undefined;
  readonly onChange: (value: Value) => void;
}

/** The most letters that fit beside a control in the panel's width: of a label, or of a label and the widest of its choices. */
const LABEL_BESIDE_NUMBER = 16;
const LABEL_AND_CHOICE = 27;

/** Whether the label needs a line of its own. */
function isTall(parameter: Parameter): boolean {
  const { length } = parameter.label;
  if (parameter.kind === "choice") return length + Math.max(...parameter.options.map((option) => option.label.length)) > LABEL_AND_CHOICE;
  return parameter.kind !== "boolean" && length > LABEL_BESIDE_NUMBER;
}

/** A knob from its declaration: label with the effect as tooltip, control, and one click back to the recipe's value. */
export function Knob({ path, parameter, value, original, pendingFrom, onChange }: KnobProps) {
  const changed = original !== undefined && value !== original;
  const pending = pendingFrom === undefined ? "" : ` Felt from step ${pendingFrom} on.`;
  const tip = `${parameter.effect}${parameter.kind === "integer" || parameter.kind === "number" ? unit(parameter) : ""}${pending}`;
  const props = { path, value, onChange, tip };
  return (
    <div className={`knob ${parameter.kind} ${isTall(parameter) ? "tall" : ""} ${changed ? "changed" : ""} ${pending ? "pending" : ""}`}>
      <span className="knob-label" data-tip={tip}>
        {parameter.label}
      </span>
      {parameter.kind === "choice" && (
        <select
          value={value as string}
          onChange={(event) => onChange(event.target.value)}
          aria-label={parameter.label}
          aria-description={tip}
        >
          {parameter.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
      {parameter.kind === "boolean" && (
        <span className="knob-switch">
          <input
            type="checkbox"
            checked={value as boolean}
            onChange={(event) => onChange(event.target.checked)}
            aria-label={parameter.label}
            aria-description={tip}
          />
        </span>
      )}
      {(parameter.kind === "number" || parameter.kind === "integer") && <NumberKnob {...props} parameter={parameter} />}
      {parameter.kind === "text" && <FormulaField {...props} value={value as string} parameter={parameter} />}
      <button
        type="button"
        className="undo quiet"
        disabled={!changed}
        aria-label={`Undo ${parameter.label}`}
        data-tip={changed ? `Back to the recipe’s ${typeof original === "number" ? short(original, 4) : original}` : undefined}
        onClick={() => original !== undefined && onChange(original)}
      >
        ↶
      </button>
    </div>
  );
}

const unit = (parameter: NumberParameter) => (parameter.unit ? ` In ${parameter.unit}.` : "");

/** While a slider is dragged only the number moves; the value is sent when it rests this long (milliseconds) or is let go. */
const REST = 250;

function NumberKnob(props: { path: string; parameter: NumberParameter; value: Value; tip: string; onChange: (value: Value) => void }) {
  const { parameter, tip, onChange } = props;
  const value = props.value as number;
  const [draft, setDraft] = useState<number>();
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const commit = (next: number) => {
    clearTimeout(timer.current);
    setDraft(undefined);
    if (next !== value) onChange(next);
  };
  const slide = (position: number) => {
    const next = valueAt(parameter, position);
    setDraft(next);
    setProblem(undefined);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => commit(next), REST);
  };
  const enter = () => {
    if (text === undefined) return;
    try {
      const wanted = text.trim().replace(",", ".").replace("−", "-");
      const next = checkValue(parameter, wanted === "" || Number.isNaN(Number(wanted)) ? text : Number(wanted), parameter.label) as number;
      setText(undefined);
      setProblem(undefined);
      commit(next);
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      setProblem(error.message);
    }
  };
  const shown = draft ?? value;
  return (
    <>
      <input
        type="range"
        min={0}
        max={positions(parameter)}
        value={positionOf(parameter, shown)}
        onChange={(event) => slide(Number(event.target.value))}
        onPointerUp={() => draft !== undefined && commit(draft)}
        aria-label={`${parameter.label} slider`}
        aria-valuetext={short(shown, 4)}
      />
      <input
        className={`knob-number ${problem ? "invalid" : ""}`}
        inputMode="decimal"
        value={text ?? short(shown, 4).replace("−", "-")}
        onChange={(event) => setText(event.target.value)}
        onFocus={(event) => event.target.select()}
        onBlur={() => {
          enter();
          setText(undefined);
          setProblem(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") enter();
          if (event.key === "Escape") {
            setText(undefined);
            setProblem(undefined);
          }
          if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            setText(undefined);
            slide(positionOf(parameter, shown) + (event.key === "ArrowUp" ? 1 : -1));
          }
        }}
        aria-label={parameter.label}
        aria-description={tip}
        aria-invalid={problem !== undefined}
      />
      {problem && (
        <span className="knob-problem" role="alert">
          {problem}. It stays at {short(value, 4)}.
        </span>
      )}
    </>
  );
}
