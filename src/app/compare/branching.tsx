import { useState } from "react";
import { changesBetween } from "../../recipes/changes.ts";
import { setupNow, withRecipe } from "../actions.ts";
import { labelOf, showValue } from "../knobs/describe.ts";
import { RecipeOptions } from "../recipes/options.tsx";
import { useRecording } from "../recording/state.ts";
import { usePage } from "../state.ts";
import { branch, turnedNow } from "./branch.ts";

/** How a further run begins. */
export function Branching() {
  const run = usePage((state) => state.run);
  const step = usePage((state) => state.step);
  const turned = usePage((state) => JSON.stringify(turnedNow(state)));
  const recorded = useRecording((state) => state.shown !== undefined);
  const [recipe, setRecipe] = useState("");
  if (!run) return null;
  if (recorded) return <p className="dim">A recording has no weights to start from: train it yourself, then branch off.</p>;
  const edits = JSON.parse(turned) as ReturnType<typeof turnedNow>;
  const words = edits.map(({ path, value }) => `${labelOf(run.recipe, path)} ${showValue(run.recipe, path, value)}`).join(", ");
  return (
    <div className="branching">
      <h2>A/B from here</h2>
      <p>
        A further run starts where this one stands{step > 0 ? `, after step ${step}` : ""}: same weights, same seed, so the same problems
        and the same dice. What then differs, differs because of the knobs.
      </p>
      <div className="branch-way">
        <button type="button" className="primary" disabled={edits.length === 0} onClick={() => void branch()}>
          A/B the knobs just turned
        </button>
        <p>
          {edits.length > 0 ? (
            <>
              This run goes on with <b>{words}</b>; the other goes on as it was.
            </>
          ) : (
            "Turn a knob on the left first: this run will go on with it, the other without."
          )}
        </p>
      </div>
      <div className="branch-way">
        <button
          type="button"
          disabled={recipe === ""}
          onClick={() => {
            const setup = setupNow()!;
            const changes = changesBetween(setup.recipe, withRecipe(setup, recipe).recipe);
            // Both are measured alike.
            void branch(changes.filter(([path]) => !path.startsWith("evaluation.")));
          }}
        >
          A/B another recipe
        </button>
        <label>
          The other goes on as{" "}
          <select value={recipe} onChange={(event) => setRecipe(event.target.value)} aria-label="Recipe of the other run">
            <option value="">choose a recipe</option>
            <RecipeOptions task={run.recipe.slots.task.plugin} />
          </select>
        </label>
      </div>
      <p className="dim">
        A run that was kept can stand beside this one too: “Runs tried”, <em>beside</em>.
      </p>
    </div>
  );
}
