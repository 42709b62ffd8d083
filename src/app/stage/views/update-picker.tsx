import type { StepRecord } from "../../../loop/record.ts";
import { plannedUpdates } from "../captions.ts";
import { useStage } from "./store.ts";

/** The optimizer step to look at; undefined for the whole step, or if the record has not got as far. */
export function useUpdate(record: StepRecord): number | undefined {
  const update = useStage((state) => state.update);
  return update !== undefined && update < record.updates.length ? update : undefined;
}

/** Most buttons that fit; with more updates a slider takes their place. */
const MOST = 10;

/** Steps through the updates of a step: all together, or one mini-batch of one epoch. Those to come have their place already. */
export function UpdatePicker({ record, whole }: { record: StepRecord; whole: string }) {
  const shown = useUpdate(record);
  const { updates } = record;
  const choose = (update: number | undefined) => useStage.setState({ update });
  const places = record.phase === "evaluation" ? updates.length : Math.max(updates.length, plannedUpdates(record));
  const tip = (i: number) => `Update ${i + 1}: epoch ${updates[i].epoch + 1}, mini-batch ${updates[i].miniBatch + 1}`;
  return (
    <fieldset className="segments" aria-label="Update to look at">
      <button type="button" aria-pressed={shown === undefined} onClick={() => choose(undefined)}>
        {whole}
      </button>
      {places <= MOST ? (
        Array.from({ length: places }, (_, i) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: an update is its place
            key={i}
            type="button"
            disabled={i >= updates.length}
            aria-pressed={shown === i}
            aria-label={i < updates.length ? tip(i) : `Update ${i + 1}, still to come`}
            data-tip={i < updates.length ? tip(i) : undefined}
            onClick={() => choose(i)}
          >
            {i + 1}
          </button>
        ))
      ) : (
        <input
          type="range"
          min={0}
          max={Math.max(0, updates.length - 1)}
          disabled={updates.length === 0}
          value={shown ?? Math.max(0, updates.length - 1)}
          aria-label="Update"
          aria-valuetext={updates.length === 0 ? "none yet" : tip(shown ?? updates.length - 1)}
          onChange={(event) => choose(Number(event.target.value))}
        />
      )}
    </fieldset>
  );
}
