import { browserRunStore } from "../../storage/run-store.ts";
import { notify, usePage } from "../state.ts";
import { useCompare } from "./state.ts";
import type { TriedRun } from "./tried.ts";

/** The page's own access to kept runs; the workers write them. */
export const keptStore = browserRunStore();

/** Reads the kept runs anew. */
export async function readTried(): Promise<void> {
  try {
    const runs = await keptStore.list();
    const tried = await Promise.all(
      runs.map(async ({ id, name, setup, edits, savedAt }) => ({
        id,
        setup,
        edits,
        savedAt,
        history: await keptStore.metrics(id),
        ...(name === undefined ? {} : { name }),
      })),
    );
    useCompare.setState({ tried });
  } catch {
    useCompare.setState({ tried: [] });
    notify("error", "The kept runs cannot be read: this browser does not let the page store anything.");
  }
}

/** The run on screen as a row of the table. */
export function runOnScreen(): TriedRun | undefined {
  const { run, history } = usePage.getState();
  if (!run) return undefined;
  const { id, name, setup, edits } = run;
  return { id, setup, edits, history, savedAt: Number.MAX_SAFE_INTEGER, ...(name === undefined ? {} : { name }) };
}
