import { MOST_BYTES } from "../../storage/run-file.ts";
import { importRun } from "../actions.ts";
import { notify } from "../state.ts";
import { openRuns } from "./open.ts";

/** Reads the run of a file into the list of kept runs. What is wrong with it becomes one message. */
export async function takeFile(file: File): Promise<void> {
  if (file.size > MOST_BYTES) {
    notify("error", `This file has ${Math.round(file.size / 1e6)} MB; a run’s file has at most ${MOST_BYTES / 1e6}.`);
    return;
  }
  try {
    importRun(await file.text());
    openRuns();
  } catch {
    notify("error", "This file could not be read.");
  }
}
