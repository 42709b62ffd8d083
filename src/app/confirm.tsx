import { useEffect, useRef } from "react";
import { create } from "zustand";
import { LONG_RUN } from "./actions.ts";
import { usePage } from "./state.ts";

/** The one question that the page asks: leaving a long run. */

interface Question {
  readonly text: string;
  readonly yes: string;
  readonly onYes: () => void;
}

const useQuestion = create<{ question: Question | undefined }>()(() => ({ question: undefined }));

/** Does it at once, or asks first if the run on screen is long. */
export function leaveRun(yes: string, onYes: () => void): void {
  const { step } = usePage.getState();
  if (step <= LONG_RUN) onYes();
  else useQuestion.setState({ question: { text: `This run has ${step} steps behind it.`, yes, onYes } });
}

export function Confirm() {
  const question = useQuestion((state) => state.question);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question) dialog.current?.showModal();
  }, [question]);
  if (!question) return null;
  const close = () => useQuestion.setState({ question: undefined });
  return (
    <dialog ref={dialog} className="confirm" onClose={close} aria-label="Leave this run?">
      <p>{question.text} Leave it?</p>
      <p className="dim">The newest few runs are kept: “Runs” at the top brings one back.</p>
      <div className="buttons">
        <button
          type="button"
          className="primary"
          onClick={() => {
            close();
            question.onYes();
          }}
        >
          {question.yes}
        </button>
        <button type="button" onClick={close}>
          Stay with it
        </button>
      </div>
    </dialog>
  );
}
