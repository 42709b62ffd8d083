import { create } from "zustand";
import type { Command } from "../../worker/protocol.ts";

/** What a recording on screen needs from elsewhere on the page. */

interface Shown {
  readonly made: { readonly engine: string; readonly at: number };
  /** Takes the commands that are the run's. */
  handle(command: Command): void;
  /** Ends it for good. */
  stop(): void;
}

/** The recording on screen, in the run's place. */
export const useRecording = create<{ readonly shown: Shown | undefined }>()(() => ({ shown: undefined }));

/** The time of its making, as a day. */
export const dayOf = (at: number) => new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
