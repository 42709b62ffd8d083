import { useEffect, useRef } from "react";
import { create } from "zustand";
import type { Lesson } from "../../lessons/lesson.ts";
import { quotedIn } from "../../lessons/quantity.ts";
import { progressOf, type StepProgress } from "./shelf.ts";
import { LessonText } from "./text.tsx";

/** A lesson on paper: a worksheet with room to write, or the notes for whoever leads it. */

type Kind = "worksheet" | "notes";
const usePaper = create<{ paper: { lesson: Lesson; kind: Kind } | undefined }>()(() => ({ paper: undefined }));

export const openPaper = (lesson: Lesson, kind: Kind) => usePaper.setState({ paper: { lesson, kind } });
const close = () => usePaper.setState({ paper: undefined });

/** The print view over the page; printing the page prints it alone. */
export function Paper() {
  const paper = usePaper((state) => state.paper);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (paper && !dialog.current?.open) dialog.current?.showModal();
  }, [paper]);
  useEffect(() => {
    document.documentElement.classList.toggle("printing-paper", paper !== undefined);
    return () => document.documentElement.classList.remove("printing-paper");
  }, [paper]);
  if (!paper) return null;
  const { lesson, kind } = paper;
  return (
    <dialog ref={dialog} className="paper" aria-label={kind === "worksheet" ? "Worksheet" : "Notes for the teacher"} onClose={close}>
      <nav className="buttons">
        <button type="button" className="primary" onClick={() => print()}>
          Print
        </button>
        <button type="button" onClick={() => openPaper(lesson, kind === "worksheet" ? "notes" : "worksheet")}>
          {kind === "worksheet" ? "Notes for the teacher" : "Worksheet"}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </nav>
      <article>{kind === "worksheet" ? <Worksheet lesson={lesson} /> : <Notes lesson={lesson} />}</article>
    </dialog>
  );
}

/** A text for paper: the live numbers are blanks to fill in. */
const forPaper = (text: string) => {
  quotedIn(text);
  return text.replace(/\{[^{}]+\}/g, "_____");
};

function Worksheet({ lesson }: { lesson: Lesson }) {
  const { steps } = progressOf(lesson);
  const asked = lesson.steps.map((step, i) => ({ step, mine: steps[i] as StepProgress | undefined })).filter(({ step }) => step.ask);
  return (
    <>
      <p className="paper-head">
        <span>RLVR Playground</span>
        <span>Name ______________________</span>
        <span>Date ____________</span>
      </p>
      <h1>{lesson.title}</h1>
      <p className="paper-learn">{lesson.learn}</p>
      <h2>Predictions</h2>
      <ol>
        {asked.map(({ step, mine }) => {
          const ask = step.ask!;
          return (
            <li key={step.title}>
              <LessonText text={forPaper(ask.question)} plain />
              {"options" in ask ? (
                <ul className="paper-options">
                  {ask.options.map((option, i) => (
                    <li key={option.label}>
                      {mine?.answer === i ? "☒" : "☐"} {option.label}
                    </li>
                  ))}
                </ul>
              ) : (
                <p>
                  My guess: {mine?.answer ?? "________"} {ask.number.unit}
                </p>
              )}
              {mine?.outcome ? (
                <div className="paper-outcome">
                  {mine.outcome.text ? (
                    <LessonText text={mine.outcome.text} plain />
                  ) : (
                    <p>{mine.outcome.right ? "It came true." : "It came otherwise."}</p>
                  )}
                </div>
              ) : (
                <p className="paper-line">What happened:</p>
              )}
            </li>
          );
        })}
      </ol>
      <h2>Questions</h2>
      <ol>
        {lesson.worksheet.map((question) => (
          <li key={question}>
            <p>{question}</p>
            <p className="paper-line" />
            <p className="paper-line" />
          </li>
        ))}
      </ol>
    </>
  );
}

function Notes({ lesson }: { lesson: Lesson }) {
  const { setup } = lesson;
  return (
    <>
      <p className="paper-head">
        <span>RLVR Playground</span>
        <span>Notes for the teacher</span>
        <span>{lesson.minutes} minutes</span>
      </p>
      <h1>{lesson.title}</h1>
      <p className="paper-learn">{lesson.learn}</p>
      <p>For: {lesson.audience}</p>
      <LessonText text={lesson.notes} plain />
      <h2>Course</h2>
      <ol>
        {lesson.steps.map((step) => (
          <li key={step.title}>
            <p>
              <b>{step.title}</b>
              {step.ask && <> · asks: {forPaper(step.ask.question)}</>}
              {step.do && <> · does: {step.do.label}</>}
            </p>
          </li>
        ))}
      </ol>
      <h2>Setup</h2>
      <p>
        Recipe {setup.recipe}, task {setup.task}, level {setup.level}, seed {setup.seed}
        {Object.entries(setup.settings).map(([path, value]) => (
          <span key={path}>
            , {path} = {String(value)}
          </span>
        ))}
        . Policy and batch follow the speed of the machine: {setup.sizes.map((s) => `${s.policy} ${s.prompts} × ${s.group}`).join(", ")}.
      </p>
    </>
  );
}
