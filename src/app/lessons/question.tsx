import { useId, useState } from "react";
import type { Outcome } from "../../lessons/condition.ts";
import type { Question } from "../../lessons/lesson.ts";
import { LessonText } from "./text.tsx";

/** A prediction: made before anything happens, and fixed once it has. */
export function QuestionField(props: {
  ask: Question;
  /** The question with live numbers in it. */
  text: string;
  answer: number | undefined;
  outcome: Outcome | undefined;
  disabled: boolean;
  onAnswer: (answer: number) => void;
}) {
  const { ask, text, answer, outcome, disabled, onAnswer } = props;
  const name = useId();
  const fixed = outcome !== undefined || disabled;
  return (
    <fieldset className="prediction" disabled={fixed}>
      <legend>
        <span className="label">Your prediction</span>
        <LessonText text={text} />
      </legend>
      {"options" in ask ? (
        ask.options.map((option, i) => (
          <label key={option.label} className={answer === i ? "chosen" : undefined}>
            <input type="radio" name={name} checked={answer === i} onChange={() => onAnswer(i)} />
            <span>{option.label}</span>
          </label>
        ))
      ) : (
        <NumberField range={ask.number} answer={answer} onAnswer={onAnswer} />
      )}
    </fieldset>
  );
}

type Range = Extract<Question, { number: unknown }>["number"];

function NumberField({ range, answer, onAnswer }: { range: Range; answer: number | undefined; onAnswer: (answer: number) => void }) {
  const { min, max, step, unit = "", as = "slider" } = range;
  const [draft, setDraft] = useState<string>();
  const middle = Math.round((min + max) / 2 / step) * step;
  const value = draft === undefined ? answer : Number(draft.replace("−", "-").replace(",", "."));
  const valid = value !== undefined && draft?.trim() !== "" && value >= min && value <= max;
  const settle = () => {
    if (valid) onAnswer(value);
  };
  return (
    <div className="number-answer">
      {as === "slider" ? (
        <input
          type="range"
          aria-label="Your prediction"
          min={min}
          max={max}
          step={step}
          value={value ?? middle}
          onChange={(event) => setDraft(event.target.value)}
        />
      ) : (
        <input
          aria-label="Your prediction"
          inputMode="decimal"
          value={draft ?? answer ?? ""}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && settle()}
        />
      )}
      <output>{as === "slider" ? `${value ?? "–"}${unit && ` ${unit}`}` : unit}</output>
      <button type="button" disabled={!valid || (answer !== undefined && value === answer)} onClick={settle}>
        {answer === undefined ? "That is my guess" : "Change my guess"}
      </button>
    </div>
  );
}
