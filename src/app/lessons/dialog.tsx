import { type DragEvent, useEffect, useMemo, useRef, useState } from "react";
import { LessonError, readLesson } from "../../lessons/check.ts";
import type { Lesson } from "../../lessons/lesson.ts";
import { LESSONS, lessonById } from "../../lessons/library/index.ts";
import { minutesAt } from "../../lessons/size.ts";
import { download } from "../download.ts";
import { GlossaryList } from "../glossary/list.tsx";
import { Icon } from "../icons.tsx";
import { usePage } from "../state.ts";
import { closeLearn, openLearn, useLearn } from "./open.ts";
import { openLesson, usePlayer } from "./player.ts";
import { openPaper } from "./print.tsx";
import { addOwn, ownLessons, progressOf, removeOwn, speedOf } from "./shelf.ts";
import "./lessons.css";

const LARGEST_FILE = 1_000_000;

/** The lessons as cards, a teacher's own among them, and the glossary. */
export function LearnDialog() {
  const page = useLearn((state) => state.page)!;
  const entry = useLearn((state) => state.entry);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="learn" onClose={closeLearn} aria-label="Learn">
      <header>
        <h2>Learn</h2>
        <div className="tabs" role="tablist" aria-label="Learn">
          {(["lessons", "glossary"] as const).map((name) => (
            <button key={name} type="button" role="tab" aria-selected={page === name} onClick={() => openLearn(name)}>
              {name === "lessons" ? "Lessons" : "Glossary"}
            </button>
          ))}
        </div>
        <button type="button" className="quiet" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="times" size={12} />
        </button>
      </header>
      <div className="learn-body">
        {page === "lessons" ? <Lessons close={() => dialog.current?.close()} /> : <GlossaryList chosen={entry} />}
      </div>
    </dialog>
  );
}

function Lessons({ close }: { close: () => void }) {
  const [own, setOwn] = useState(ownLessons);
  const [problem, setProblem] = useState<string>();
  const [over, setOver] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const begin = (lesson: Lesson) => {
    close();
    void openLesson(lesson);
  };
  const take = async (given: File | undefined) => {
    setProblem(undefined);
    if (!given) return;
    try {
      if (given.size > LARGEST_FILE) throw new LessonError("the file is too large for a lesson");
      const lesson = readLesson(await given.text());
      if (lessonById(lesson.id))
        throw new LessonError(`the id ${JSON.stringify(lesson.id)} belongs to a lesson of the page; give yours another`);
      addOwn(lesson);
      setOwn([lesson, ...own.filter((l) => l.id !== lesson.id)]);
    } catch (error) {
      const why = error instanceof LessonError ? error.message : "it could not be read";
      setProblem(`${given.name} is not a lesson that this page can play: ${why}.`);
    }
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    event.nativeEvent.stopImmediatePropagation();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a file can also be chosen with the button
    <div
      className={`lessons ${over ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <p className="dim">
        Each lesson goes through the live app: it says one thing, asks what you expect, does it, and shows what happened on this machine. On
        one too slow to train, <a href="?recording=reverse">a recording of a real run</a> shows thirty steps.
      </p>
      <ul className="lesson-cards">
        {[...own, ...LESSONS].map((lesson) => (
          <Card
            key={lesson.id}
            lesson={lesson}
            own={own.includes(lesson)}
            onBegin={() => begin(lesson)}
            onRemove={() => {
              removeOwn(lesson.id);
              setOwn(own.filter((l) => l !== lesson));
            }}
          />
        ))}
      </ul>
      <div className="own-lesson">
        <button type="button" onClick={() => file.current?.click()}>
          Open a lesson file…
        </button>
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          aria-label="Lesson file"
          onChange={(event) => {
            void take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <span className="dim">Or drop it here. To write your own, save one of these as a file and edit it.</span>
        {problem && (
          <p className="lesson-problem" role="alert">
            {problem}
          </p>
        )}
      </div>
    </div>
  );
}

function Card({ lesson, own, onBegin, onRemove }: { lesson: Lesson; own: boolean; onBegin: () => void; onRemove: () => void }) {
  const playing = usePlayer((state) => state.lesson?.id === lesson.id);
  const progress = useMemo(() => progressOf(lesson), [lesson]);
  const policies = usePage((state) => state.policies);
  const engine = usePage((state) => state.engine?.label);
  const speed = engine === undefined ? undefined : speedOf(engine);
  const minutes = speed ? minutesAt(lesson, speed, (id) => policies.find((p) => p.id === id)?.parameters) : lesson.minutes;
  const [copied, setCopied] = useState(false);
  const copyLink = async () => {
    const url = new URL(location.href);
    url.search = `?lesson=${lesson.id}`;
    setCopied(
      await navigator.clipboard.writeText(url.href).then(
        () => true,
        () => false,
      ),
    );
  };
  return (
    <li className={`lesson-card ${progress.finished ? "finished" : ""}`}>
      <h3>
        {lesson.title}
        {progress.finished && <span className="badge">done</span>}
        {own && <span className="badge">yours</span>}
      </h3>
      <p>{lesson.learn}</p>
      <p className="dim">
        {minutes} min{minutes > lesson.minutes && " on this machine"} · {lesson.audience}
      </p>
      <div className="buttons">
        <button type="button" className="primary" onClick={onBegin}>
          {playing ? "Go on" : progress.at > 0 && !progress.finished ? `Continue at ${progress.at + 1} of ${lesson.steps.length}` : "Begin"}
        </button>
        <button type="button" onClick={() => openPaper(lesson, "worksheet")}>
          Worksheet
        </button>
        <button type="button" className="quiet" onClick={() => openPaper(lesson, "notes")}>
          Notes
        </button>
        <button
          type="button"
          className="quiet"
          data-tip="Save it as a file, to edit"
          onClick={() =>
            download(
              `${lesson.id}.lesson.json`,
              "application/json",
              JSON.stringify(own ? lesson : { ...lesson, id: `my-${lesson.id}` }, null, 2),
            )
          }
        >
          File
        </button>
        {own ? (
          <button type="button" className="quiet" onClick={onRemove}>
            Remove
          </button>
        ) : (
          <button type="button" className="quiet" onClick={() => void copyLink()}>
            {copied ? "Copied" : "Link"}
          </button>
        )}
      </div>
    </li>
  );
}
