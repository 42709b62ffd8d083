import { usePage } from "../state.ts";
import { trainIt } from "./open.ts";
import { dayOf, useRecording } from "./state.ts";
import "./recording.css";

/** Says, as long as a recording is on screen, that it is one. */
export function RecordingLabel() {
  const shown = useRecording((state) => state.shown);
  const starting = usePage((state) => state.progress !== undefined);
  if (!shown) return null;
  const { engine, at } = shown.made;
  return (
    <section className="recording-label" aria-label="Recording">
      <p>
        <b>Recording of a real run:</b> made on {engine}, {dayOf(at)}.{" "}
        <span className="dim">Play moves through it; nothing is trained.</span>
      </p>
      <button type="button" disabled={starting} onClick={trainIt} data-tip="Starts the same run from its beginning on this machine">
        Train it yourself
      </button>
    </section>
  );
}
