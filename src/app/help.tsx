import { Popover } from "./popover.tsx";
import { useRecording } from "./recording/state.ts";
import { Keys } from "./shortcuts.tsx";

/** The page in plain words. */
export function Help() {
  const recorded = useRecording((state) => state.shown !== undefined);
  return (
    <Popover label="?" title="What is this?" align="right" className="help">
      <h2>A language model, learning from right and wrong</h2>
      <p>
        A small transformer, the <b>policy</b>, answers questions that a program can check: sums, Countdown, sorting. For each question it
        draws a <b>group</b> of answers, character by character. A <b>verifier</b> says which are right, and right answers earn{" "}
        <b>reward</b>.
      </p>
      <p>
        Each answer is compared with its group’s average. That difference is its <b>advantage</b>: answers above the average are made more
        probable, answers below it less. Doing this again and again is <b>reinforcement learning from verifiable rewards</b>.{" "}
        {recorded
          ? "What you see is a recording of a run that did so; “Train it yourself” starts it on your machine."
          : "Nothing here is recorded: the model trains now, in this page, on your machine."}
      </p>
      <p>
        Press <b>Play</b> and watch the reward climb. <b>Pause</b>, step through one update phase by phase, click any character to see the
        numbers that pushed it up or down, turn a knob, and go on.
      </p>
      <h3>Keys</h3>
      <Keys />
    </Popover>
  );
}
