import { create } from "zustand";

/** Whether the list of kept runs is open. */
export const useRuns = create<{ open: boolean }>()(() => ({ open: false }));

export const openRuns = () => useRuns.setState({ open: true });
export const closeRuns = () => useRuns.setState({ open: false });
