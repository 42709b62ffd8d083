import { lazy, Suspense, useEffect, useState } from "react";
import { usePage } from "../state.ts";
import { openLearn, useLearn } from "./open.ts";
import "./welcome.css";

/** What of Learn is loaded with the page: its button, the offer of a first visit, and the door to the rest. */

const LessonRoom = lazy(() => import("./room.tsx"));

export function LearnButton() {
  return (
    <button type="button" className="quiet" onClick={() => openLearn("lessons")} data-tip="Guided lessons and the glossary">
      Learn
    </button>
  );
}

/** The lesson that the address asks for, and its part, from 1. */
function asked(): { id: string; at: number | undefined } | undefined {
  const params = new URLSearchParams(location.search);
  const id = params.get("lesson");
  const at = Number(params.get("at"));
  return id === null ? undefined : { id, at: Number.isInteger(at) && at >= 1 ? at - 1 : undefined };
}

/** Everything of Learn that may be on screen. */
export function Learn() {
  const page = useLearn((state) => state.page);
  const playing = useLearn((state) => state.playing);
  const [link, setLink] = useState(asked);
  const [wanted, setWanted] = useState(link !== undefined);
  useEffect(() => {
    if (page || playing) setWanted(true);
  }, [page, playing]);
  return (
    <>
      {wanted && (
        <Suspense fallback={null}>
          <LessonRoom link={link} onOpened={() => setLink(undefined)} />
        </Suspense>
      )}
      {!wanted && <Welcome />}
    </>
  );
}

const WELCOMED = "rlvr-lesson-welcomed";

function welcomedBefore(): boolean {
  try {
    return localStorage.getItem(WELCOMED) !== null;
  } catch {
    // Who cannot be remembered is not asked on every visit.
    return true;
  }
}

function rememberWelcome(): void {
  try {
    localStorage.setItem(WELCOMED, "true");
  } catch {
    // See above.
  }
}

/** Offers the first lesson to who comes for the first time, until something else is begun. */
function Welcome() {
  const [shown, setShown] = useState(() => !welcomedBefore() && location.search === "");
  const ready = usePage((state) => state.latest !== undefined);
  const began = usePage((state) => state.step > 0 || state.playing || state.offer !== undefined);
  if (!shown || !ready || began) return null;
  const dismiss = () => {
    rememberWelcome();
    setShown(false);
  };
  return (
    <section className="toast offer welcome" aria-label="First lesson">
      <p>
        <b>New here?</b> A lesson of five minutes shows one update of the model, from question to change.
      </p>
      <div className="buttons">
        <button
          type="button"
          className="primary"
          onClick={() => {
            dismiss();
            useLearn.setState({ first: true, playing: true });
          }}
        >
          Begin
        </button>
        <button type="button" onClick={dismiss}>
          No, thanks
        </button>
      </div>
    </section>
  );
}
