import { RECORDING_ENDING, readRecording, unpack } from "../../storage/recording.ts";
import { RunFileError } from "../../storage/run-file.ts";
import { start } from "../actions.ts";
import { notify, usePage } from "../state.ts";
import { forgetHistory } from "../undo.ts";
import { receive, send } from "../worker-client.ts";
import { Playback } from "./playback.ts";
import { useRecording } from "./state.ts";

/** Recordings larger than this are none (bytes). */
export const MOST_RECORDING_BYTES = 64e6;

/** Shows a recording in the run's place. @throws RunFileError with one sentence, and nothing has changed. */
export async function showRecording(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const recording = readRecording(await unpack(bytes), crypto.randomUUID());
  // Whatever runs, or plays, stands still behind it.
  const before = useRecording.getState().shown;
  if (!before) send({ type: "pause" });
  before?.stop();

  forgetHistory();
  useRecording.setState({ shown: new Playback(recording, receive) });
}

/** Shows a recording that ships with the page, by its id. What goes wrong becomes a message, and nothing changes. */
export async function showShipped(id: string): Promise<boolean> {
  try {
    const response = await fetch(new URL(`recordings/${id}${RECORDING_ENDING}`, document.baseURI));
    if (!response.ok) throw new RunFileError(`There is no recording ${JSON.stringify(id)} here.`);
    await showRecording(new Uint8Array(await response.arrayBuffer()));
    return true;
  } catch (error) {
    notify("error", error instanceof RunFileError ? error.message : "The recording did not arrive. Check the connection and try again.");
    return false;
  }
}

/** The same run from its beginning, live. */
export function trainIt(): void {
  const { run } = usePage.getState();
  if (run) start(run.setup, run.edits);
}
