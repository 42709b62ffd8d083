import { create } from "zustand";

/** Stands in an id's place for the comparison of conventions. */
export const CONVENTIONS_PAGE = "conventions";

/** Whether the recipes are open, and at which one: `undefined` is the run on screen. */
export const useRecipes = create<{ open: boolean; id: string | undefined }>()(() => ({ open: false, id: undefined }));

export const openRecipes = (id?: string) => useRecipes.setState({ open: true, id });
export const closeRecipes = () => useRecipes.setState({ open: false });
