import { isPacked, RECORDING_ENDING } from "../../storage/recording.ts";
import { MOST_BYTES, RunFileError } from "../../storage/run-file.ts";
import { importRun } from "../actions.ts";
import { showRecording } from "../recording/open.ts";
import { notify } from "../state.ts";
import { closeRuns, openRuns } from "./open.ts";

/** Reads the run of a file into the list of kept runs, or shows its recording. What is wrong with it becomes one message. */
export async function takeFile(file: File): Promise<void> {
  if (file.size > MOST_BYTES) {
    notify("error", `This file has ${Math.round(file.size / 1e6)} MB; a run’s file has at most ${MOST_BYTES / 1e6}.`);
    return;
  }
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPacked(bytes) || file.name.endsWith(RECORDING_ENDING)) {
      await showRecording(bytes);
      closeRuns();
      return;
    }
    importRun(new TextDecoder().decode(bytes));
    openRuns();
  } catch (error) {
    notify("error", error instanceof RunFileError ? error.message : "This file could not be read.");
  }
}
