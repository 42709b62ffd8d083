import { LessonError, readLesson } from "../../lessons/check.ts";
import type { Outcome } from "../../lessons/condition.ts";
import type { Lesson } from "../../lessons/lesson.ts";
import type { KeptNumbers } from "../../lessons/quantity.ts";
import type { Speed } from "../../lessons/size.ts";

/** What this browser remembers of lessons. Storage may be full or forbidden: then a visit is all there is. */

export interface StepProgress {
  /** The chosen option's index or the predicted number. */
  readonly answer?: number;
  readonly done?: boolean;
  readonly outcome?: Outcome;
}

export interface Progress {
  readonly at: number;
  readonly steps: Readonly<Record<number, StepProgress>>;
  readonly kept: Readonly<Record<string, KeptNumbers>>;
  readonly finished: boolean;
}

export const FRESH: Progress = { at: 0, steps: {}, kept: {}, finished: false };

const KEYS = { progress: "rlvr-lesson-progress", own: "rlvr-lesson-files", speed: "rlvr-lesson-speed" };
const MOST_OWN = 12;

function load<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

function save(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // See above.
  }
}

export function progressOf(lesson: Lesson): Progress {
  const all = load<Record<string, Progress>>(KEYS.progress, {});
  const kept = Object.hasOwn(all, lesson.id) ? { ...FRESH, ...all[lesson.id] } : FRESH;
  return kept.at < lesson.steps.length ? kept : FRESH;
}

export function saveProgress(id: string, progress: Progress): void {
  save(KEYS.progress, { ...load<Record<string, Progress>>(KEYS.progress, {}), [id]: progress });
}

/** Lessons that a teacher's files brought, newest first; what is no lesson any more is left out. */
export function ownLessons(): Lesson[] {
  return load<string[]>(KEYS.own, []).flatMap((text) => {
    try {
      return [readLesson(text)];
    } catch (error) {
      if (error instanceof LessonError) return [];
      throw error;
    }
  });
}

export function addOwn(lesson: Lesson): void {
  const others = ownLessons().filter((own) => own.id !== lesson.id);
  save(
    KEYS.own,
    [lesson, ...others].slice(0, MOST_OWN).map((own) => JSON.stringify(own)),
  );
}

export function removeOwn(id: string): void {
  save(
    KEYS.own,
    ownLessons()
      .filter((own) => own.id !== id)
      .map((own) => JSON.stringify(own)),
  );
}

/** The speed of an engine, as it was last measured. */
export function speedOf(engine: string): Speed | undefined {
  const all = load<Record<string, Speed>>(KEYS.speed, {});
  return Object.hasOwn(all, engine) ? all[engine] : undefined;
}

export const saveSpeed = (engine: string, speed: Speed) =>
  save(KEYS.speed, { ...load<Record<string, Speed>>(KEYS.speed, {}), [engine]: speed });
