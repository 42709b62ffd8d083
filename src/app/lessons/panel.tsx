import { useEffect, useLayoutEffect, useRef } from "react";
import { LESSONS } from "../../lessons/library/index.ts";
import { fillIn } from "../../lessons/quantity.ts";
import { Icon } from "../icons.tsx";
import { usePage } from "../state.ts";
import { situationOf } from "./act.ts";
import { placeOf, sideOf } from "./highlight.ts";
import { openLearn, useLearn } from "./open.ts";
import { bringBack, currentStep, doIt, goTo, leaveLesson, openLesson, predict, restartLesson, stepProgress, usePlayer } from "./player.ts";
import { openPaper } from "./print.tsx";
import { QuestionField } from "./question.tsx";
import "./lessons.css";
import { LessonText } from "./text.tsx";

/** The lesson beside the app: what it says, the prediction, the button that does it, and what came of it. */
export default function LessonPanel() {
  const lesson = usePlayer((state) => state.lesson);
  const step = usePlayer(currentStep);
  const side = step ? sideOf(step) : "left";
  useEffect(() => useLearn.setState({ playing: lesson !== undefined }), [lesson]);
  useHighlight();
  if (!lesson || !step) return null;
  return (
    <section className="lesson" data-side={side} aria-label={`Lesson: ${lesson.title}`}>
      <Heading />
      <Body />
      <Feet />
    </section>
  );
}

/** Marks the place that the step talks about, as soon as it is on the screen. */
function useHighlight(): void {
  const step = usePlayer(currentStep);
  useEffect(() => {
    if (!step) return;
    let marked: Element | null = null;
    const mark = () => {
      const place = placeOf(step);
      // What is marked may be drawn anew, and forget that it is.
      place?.classList.add("lesson-place");
      if (place === marked) return;
      marked?.classList.remove("lesson-place");
      if (place && step.knob) place.scrollIntoView({ block: "center" });
      marked = place;
    };
    const timer = setInterval(mark, 400);
    const first = requestAnimationFrame(mark);
    return () => {
      clearInterval(timer);
      cancelAnimationFrame(first);
      marked?.classList.remove("lesson-place");
    };
  }, [step]);
}

function Heading() {
  const lesson = usePlayer((state) => state.lesson)!;
  const at = usePlayer((state) => state.progress.at);
  const steps = usePlayer((state) => state.progress.steps);
  return (
    <header>
      <div className="lesson-name">
        <button type="button" className="quiet" onClick={() => openLearn("lessons")} aria-label="All lessons" data-tip="All lessons">
          ☰
        </button>
        <span>{lesson.title}</span>
        <button
          type="button"
          className="quiet"
          aria-label="Leave the lesson"
          data-tip="Leave the lesson: the run stays, and so does your place"
          onClick={leaveLesson}
        >
          <Icon name="times" size={12} />
        </button>
      </div>
      <ol className="lesson-steps">
        {lesson.steps.map((step, i) => (
          <li key={step.title}>
            <button
              type="button"
              className={i === at ? "now" : steps[i]?.outcome ? "done" : ""}
              aria-current={i === at ? "step" : undefined}
              aria-label={`Part ${i + 1}: ${step.title}`}
              data-tip={step.title}
              disabled={i > at && !steps[i] && !steps[i - 1]?.outcome}
              onClick={() => void goTo(i)}
            />
          </li>
        ))}
      </ol>
    </header>
  );
}

function Body() {
  const lesson = usePlayer((state) => state.lesson)!;
  const step = usePlayer(currentStep)!;
  const at = usePlayer((state) => state.progress.at);
  const kept = usePlayer((state) => state.progress.kept);
  const { answer, done, outcome } = usePlayer(stepProgress);
  const doing = usePlayer((state) => state.doing);
  const problem = usePlayer((state) => state.problem);
  const finished = usePlayer((state) => state.progress.finished);
  const elsewhere = usePage((state) => state.run?.id) !== usePlayer((state) => state.runId) && !doing;
  // The numbers in the text are those of the page as it stands; they follow it.
  usePage((state) => state.live);
  usePage((state) => state.step);
  usePage((state) => state.start);
  const top = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    top.current?.scrollTo(0, 0);
    // A keyboard goes on reading where the new part begins.
    if (at > 0 || document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, [at]);
  const seen = situationOf(kept);
  if (finished) return <Finished />;
  return (
    <div className="lesson-body" ref={top}>
      <h2 ref={heading} tabIndex={-1}>
        {step.title}
      </h2>
      {doing && !step.do ? <Doing /> : <LessonText text={fillIn(step.say, seen)} />}
      {step.ask && (!doing || answer !== undefined) && (
        <QuestionField
          key={at}
          ask={step.ask}
          text={fillIn(step.ask.question, seen)}
          answer={answer}
          outcome={outcome}
          disabled={doing !== undefined}
          onAnswer={predict}
        />
      )}
      {step.do && !outcome && (
        <div className="lesson-do">
          {doing ? (
            <Doing />
          ) : (
            <button type="button" className="primary" disabled={done || (step.ask && answer === undefined)} onClick={() => void doIt()}>
              {step.do.label}
            </button>
          )}
          {!doing && step.ask && answer === undefined && <p className="dim">First your prediction.</p>}
        </div>
      )}
      {step.waitFor && !outcome && !doing && (!step.ask || answer !== undefined) && (!step.do || done) && <Waiting />}
      <div aria-live="polite">
        {outcome && <Reveal ask={step.ask !== undefined} />}
        {problem && (
          <p className="lesson-problem" role="alert">
            {problem}
          </p>
        )}
      </div>
      {elsewhere && (
        <div className="lesson-problem">
          <p>The run on screen is not this lesson’s.</p>
          <button type="button" onClick={() => void bringBack()}>
            Bring the lesson’s run back
          </button>
        </div>
      )}
      {at === lesson.steps.length - 1 && (
        <p className="lesson-paper">
          <button type="button" onClick={() => openPaper(lesson, "worksheet")}>
            Worksheet with my answers
          </button>
        </p>
      )}
    </div>
  );
}

/** What is under way, with its progress where that is known. */
function Doing() {
  const doing = usePlayer((state) => state.doing);
  const training = usePlayer((state) => state.training);
  const step = usePage((state) => state.step);
  if (!doing) return null;
  return (
    <p className="lesson-doing">
      {training ? `Training: step ${Math.min(step + 1, training.to)} of ${training.to}` : `${doing}…`}
      <progress aria-label={doing} {...(training ? { value: step - training.from, max: training.to - training.from } : {})} />
    </p>
  );
}

function Waiting() {
  const { waitFor } = usePlayer(currentStep)!;
  const text =
    waitFor && "selected" in waitFor ? "Click a character on the stage." : "Being measured: the run has to stand still for a moment…";
  return <p className="lesson-waiting">{text}</p>;
}

function Reveal({ ask }: { ask: boolean }) {
  const { outcome } = usePlayer(stepProgress);
  const asked = usePlayer(currentStep)?.ask;
  const place = useRef<HTMLDivElement>(null);
  // Some browsers return a promise here, which is no effect's business.
  useEffect(() => void place.current?.scrollIntoView({ block: "nearest" }), []);
  if (!outcome) return null;
  const unit = asked && "number" in asked ? asked.number.unit : undefined;
  const { text, right, truth } = outcome;
  if (!text && !(ask && right !== undefined)) return null;
  return (
    <div ref={place} className={`reveal ${right === undefined ? "" : right ? "right" : "other"}`}>
      {ask && right !== undefined && (
        <p className="judgement">
          {right ? "✓ As you predicted" : "↷ It came otherwise"}
          {truth !== undefined && `: ${Number(truth.toFixed(unit === "%" ? 0 : 2))}${unit ? ` ${unit}` : ""}`}
        </p>
      )}
      {text && <LessonText text={text} />}
    </div>
  );
}

function Feet() {
  const lesson = usePlayer((state) => state.lesson)!;
  const at = usePlayer((state) => state.progress.at);
  const outcome = usePlayer((state) => stepProgress(state).outcome);
  const step = usePlayer(currentStep)!;
  const doing = usePlayer((state) => state.doing);
  const finished = usePlayer((state) => state.progress.finished);
  const last = at === lesson.steps.length - 1;
  const asks = step.ask || step.do || step.waitFor;
  return (
    <footer>
      <button type="button" disabled={at === 0 && !finished} onClick={() => void goTo(finished ? at : at - 1)}>
        Back
      </button>
      <span className="dim">
        {at + 1} of {lesson.steps.length}
      </span>
      {!finished && (
        <button
          type="button"
          className={outcome || !asks ? "primary" : ""}
          disabled={doing !== undefined && !outcome}
          onClick={() => void goTo(at + 1)}
        >
          {last ? "Finish" : outcome || !asks ? "Next" : "Skip"}
        </button>
      )}
    </footer>
  );
}

function Finished() {
  const lesson = usePlayer((state) => state.lesson)!;
  const steps = usePlayer((state) => state.progress.steps);
  const judged = Object.values(steps).filter((step) => step.outcome?.right !== undefined);
  const right = judged.filter((step) => step.outcome!.right).length;
  const next = LESSONS[LESSONS.findIndex((l) => l.id === lesson.id) + 1];
  return (
    <div className="lesson-body">
      <h2>Done</h2>
      {judged.length > 0 && (
        <p>
          {right} of {judged.length} predictions came true. The others are where something was to be learned.
        </p>
      )}
      <p>The run stays as it is: go on with it, or leave the lesson.</p>
      <div className="lesson-end">
        {next && next !== lesson && (
          <button type="button" className="primary" onClick={() => void openLesson(next)}>
            Next: {next.title}
          </button>
        )}
        <button type="button" onClick={() => openPaper(lesson, "worksheet")}>
          Worksheet with my answers
        </button>
        <button type="button" onClick={() => openLearn("lessons")}>
          All lessons
        </button>
        <button type="button" onClick={() => void restartLesson()}>
          This one again
        </button>
        <button type="button" onClick={leaveLesson}>
          Leave, keep the run
        </button>
      </div>
    </div>
  );
}
