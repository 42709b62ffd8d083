import { create } from "zustand";
import { wakeWorker } from "../worker-client.ts";

/** Whether the list of kept runs is open. */
export const useRuns = create<{ open: boolean }>()(() => ({ open: false }));

export function openRuns(): void {
  wakeWorker();
  useRuns.setState({ open: true });
}
export const closeRuns = () => useRuns.setState({ open: false });
