import { useEffect, useRef, useState } from "react";
import {
  checkValue,
  type NumberParameter,
  type Parameter,
  parseSchedule,
  RecipeError,
  valueAt as scheduledValue,
} from "../../algorithm/plugin.ts";
import { short } from "../format.ts";
import { Icon } from "../icons.tsx";
import { usePage } from "../state.ts";
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
  const isNumber = parameter.kind === "integer" || parameter.kind === "number";
  const tip = `${parameter.effect}${isNumber ? unit(parameter) : ""}${pending}`;
  const props = { path, value, onChange, tip };
  const scheduled = isNumber && typeof value === "string";
  const look = [isTall(parameter) && "tall", scheduled && "scheduled", changed && "changed", pending && "pending"];
  return (
    <div className={["knob", parameter.kind, ...look.filter(Boolean)].join(" ")} data-knob={path}>
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
      {isNumber && <NumberKnob {...props} parameter={parameter} />}
      {parameter.kind === "text" && <FormulaField {...props} value={value as string} parameter={parameter} />}
      <button
        type="button"
        className="undo quiet"
        disabled={!changed}
        aria-label={`Undo ${parameter.label}`}
        data-tip={changed ? `Back to the recipe’s ${typeof original === "number" ? short(original, 4) : original}` : undefined}
        onClick={() => original !== undefined && onChange(original)}
      >
        <Icon name="undo" />
      </button>
    </div>
  );
}

const unit = (parameter: NumberParameter) => (parameter.unit ? ` In ${parameter.unit}.` : "");

/** While a slider is dragged only the number moves; the value is sent when it rests this long (milliseconds) or is let go. */
const REST = 250;

/** A schedule over steps, for a person who has never seen one. */
const scheduleExample = ({ slider: [low, high] }: NumberParameter) => `${high} to ${low} over 100`;

/** What was typed: a number in any common notation, or a schedule. @throws RecipeError that says what else it might be. */
function readNumber(parameter: NumberParameter, text: string): Value {
  const wanted = text.trim().replaceAll("−", "-");
  if (parseSchedule(wanted)) return checkValue(parameter, wanted, parameter.label);
  const number = wanted.replace(",", ".");
  if (number !== "" && !Number.isNaN(Number(number))) return checkValue(parameter, Number(number), parameter.label);
  throw new RecipeError(`${parameter.label} must be a number, or a schedule such as “${scheduleExample(parameter)}”, got “${text}”`);
}

/** A number as the field shows it, in as few characters as four significant digits take: 0.0003, 3.5e-5. */
function inField(value: number): string {
  const plain = short(value, 4).replaceAll("−", "-");
  const power = value.toExponential(3).replace(/\.?0*e\+?/, "e");
  return plain.length > 6 && power.length < plain.length ? power : plain;
}

function NumberKnob(props: { path: string; parameter: NumberParameter; value: Value; tip: string; onChange: (value: Value) => void }) {
  const { parameter, tip, value, onChange } = props;
  const [draft, setDraft] = useState<number>();
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const commit = (next: Value) => {
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
      const next = readNumber(parameter, text);
      setText(undefined);
      setProblem(undefined);
      commit(next);
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      setProblem(error.message);
    }
  };
  const leave = () => {
    setText(undefined);
    setProblem(undefined);
  };
  const scheduled = typeof value === "string" && draft === undefined;
  const shown = draft ?? (typeof value === "number" ? value : Number.NaN);
  const inside = text ?? (scheduled ? String(value) : inField(shown));
  const width = scheduled ? "" : inside.length > 8 ? "wide" : inside.length > 5 ? "narrow" : "";
  return (
    <>
      {!scheduled && (
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
      )}
      <input
        className={`knob-number ${problem ? "invalid" : ""} ${width}`}
        inputMode={scheduled ? "text" : "decimal"}
        value={inside}
        onChange={(event) => setText(event.target.value)}
        onFocus={(event) => event.target.select()}
        onBlur={() => {
          enter();
          leave();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") enter();
          if (event.key === "Escape") leave();
          if (!scheduled && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
            event.preventDefault();
            setText(undefined);
            slide(positionOf(parameter, shown) + (event.key === "ArrowUp" ? 1 : -1));
          }
        }}
        aria-label={parameter.label}
        aria-description={`${tip} A number, or a schedule over steps: ${scheduleExample(parameter)}.`}
        data-tip={
          scheduled ? undefined : `A number, or a schedule over steps such as “${scheduleExample(parameter)}” (and “cosine” after it).`
        }
        aria-invalid={problem !== undefined}
      />
      {scheduled && <Now value={value} whole={parameter.kind === "integer"} />}
      {problem && (
        <span className="knob-problem" role="alert">
          {problem}. It stays at {typeof value === "number" ? short(value, 4) : value}.
        </span>
      )}
    </>
  );
}

/** Where a schedule stands. */
function Now({ value, whole }: { value: string; whole: boolean }) {
  const step = usePage((state) => Math.max(1, state.lookBack?.step ?? state.latest?.step ?? state.step));
  const now = scheduledValue(value, step) as number;
  return (
    <span className="knob-now dim">
      {short(whole ? Math.round(now) : now, 4)} at step {step}
    </span>
  );
}
