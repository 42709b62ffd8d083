import { create } from "zustand";

/** Which parts of Learn are on screen; they are loaded when they are first wanted. */
export const useLearn = create<{
  /** The dialog's page, if it is open, and the glossary's entry that was asked for. */
  readonly page: "lessons" | "glossary" | undefined;
  readonly entry: string | undefined;
  /** The panel of a lesson is in use. */
  readonly playing: boolean;
  /** The first lesson was accepted and is to begin. */
  readonly first: boolean;
}>()(() => ({ page: undefined, entry: undefined, playing: false, first: false }));

export const openLearn = (page: "lessons" | "glossary" = "lessons", entry?: string) => useLearn.setState({ page, entry });
export const closeLearn = () => useLearn.setState({ page: undefined, entry: undefined });
