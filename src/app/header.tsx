import { useState } from "react";
import { PLUGINS } from "../recipes/slots.ts";
import { edit, setupNow, start, withRecipe } from "./actions.ts";
import { useCompare } from "./compare/state.ts";
import { leaveRun } from "./confirm.tsx";
import { count } from "./format.ts";
import { Help } from "./help.tsx";
import { openRuns } from "./kept/open.ts";
import { changesFromGrpo, parameterAt } from "./knobs/describe.ts";
import { LearnButton } from "./lessons/learn.tsx";
import { misfitsOn } from "./recipes/groups.ts";
import { openRecipes } from "./recipes/open.ts";
import { RecipeOptions } from "./recipes/options.tsx";
import { useRecording } from "./recording/state.ts";
import { Share } from "./share.tsx";
import { expectedKnobs, expectedRecipe, type RunView, usePage } from "./state.ts";
import { ThemeToggle } from "./theme-toggle.tsx";
import { Presenting } from "./workshop/presenter.tsx";

export function Header() {
  const run = usePage((state) => state.run);
  return (
    <header className="header">
      <h1>
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path d="M19.5 9A8 8 0 1 0 20 14" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />
          <path
            d="M20.6 3.6 19.8 9.6 14 8.4"
            fill="none"
            stroke="currentColor"
            strokeWidth="2.4"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
          <circle cx="12" cy="12" r="2.6" className="dot" />
        </svg>
        <span>
          RLVR <span className="spelt-out">Playground</span>
        </span>
      </h1>
      {run && <Choices run={run} />}
      <Presenting />
      <div className="spacer" />
      <LearnButton />
      <CompareButton />
      <Share />
      <button
        type="button"
        className="quiet runs-open"
        onClick={openRuns}
        data-tip="The runs that this browser keeps: open, name, export, import"
      >
        Runs
      </button>
      <ThemeToggle />
      <Help />
    </header>
  );
}

/** Opens the panel of comparisons in the stage's place, or closes it. */
function CompareButton() {
  const open = useCompare((state) => state.open);
  return (
    <button
      type="button"
      className="quiet compare-open"
      aria-pressed={open}
      onClick={() => useCompare.setState({ open: !open })}
      data-tip="Runs against each other: overlaid, side by side, over seeds"
    >
      Compare
    </button>
  );
}

/** Task, recipe, policy and seed: what the run is. */
function Choices({ run }: { run: RunView }) {
  const recipe = usePage(expectedRecipe) ?? run.recipe;
  const seed = usePage((state) => expectedKnobs(state)?.seed) ?? run.seed;
  const drafts = usePage((state) => state.drafts);
  const policies = usePage((state) => state.policies);
  const recorded = useRecording((state) => state.shown !== undefined);
  const level = parameterAt(recipe, "task.level");
  const setup = () => setupNow()!;
  return (
    <div className="choices" inert={recorded}>
      <label>
        <span>Task</span>
        <select value={recipe.slots.task.plugin} onChange={(event) => edit("task", event.target.value)} aria-label="Task">
          {PLUGINS.task.map((task) => (
            <option key={task.id} value={task.id} disabled={misfitsOn(task.id).has(recipe.id)}>
              {task.name}
            </option>
          ))}
        </select>
      </label>
      <label className="level-choice">
        <span>Level</span>
        <select
          value={recipe.slots.task.params.level as string}
          onChange={(event) => edit("task.level", event.target.value)}
          aria-label="Level"
        >
          {level?.kind === "choice" &&
            level.options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
        </select>
      </label>
      <label className="recipe-choice" data-tip={recipe.name}>
        <span>Recipe</span>
        <select
          value={(drafts.recipe ?? recipe.id) as string}
          aria-label="Recipe"
          onChange={(event) => {
            const { value } = event.target;
            leaveRun("Start with the new recipe", () => start(withRecipe(setup(), value)));
          }}
        >
          <RecipeOptions task={recipe.slots.task.plugin} />
        </select>
      </label>
      <Difference />
      <label
        data-tip={`The network that learns: ${policies.map((p) => `${p.id} has ${Math.round(p.parameters / 1000)} thousand weights`).join(", ")}.`}
      >
        <span>Policy</span>
        <select
          value={(drafts.policy ?? run.setup.policy) as string}
          aria-label="Policy"
          onChange={(event) => {
            const { value } = event.target;
            leaveRun("Start with the new policy", () => start({ ...setup(), policy: value }));
          }}
        >
          {policies.map((policy) => (
            <option key={policy.id} value={policy.id}>
              {policy.id}
            </option>
          ))}
        </select>
      </label>
      <Seed seed={seed} />
    </div>
  );
}

/** How far the recipe is from GRPO, with every knob that was turned; a click opens the difference and the formulas. */
function Difference() {
  const recipe = usePage(expectedRecipe);
  if (!recipe) return null;
  const changes = count(changesFromGrpo(recipe).length, "change");
  return (
    <button
      type="button"
      className="quiet difference"
      aria-haspopup="dialog"
      aria-label={`${recipe.name}: ${changes} from GRPO. All recipes`}
      data-tip="The recipe against GRPO, its formulas, and all recipes"
      onClick={() => openRecipes()}
    >
      {changes}…
    </button>
  );
}

function Seed({ seed }: { seed: number }) {
  const [draft, setDraft] = useState<string>();
  const commit = () => {
    setDraft(undefined);
    if (draft !== undefined && draft.trim() !== "" && Number(draft) !== seed) edit("seed", Number(draft));
  };
  return (
    <label data-tip="Where all chance comes from: the same seed gives the same run. A new seed draws other problems and answers from the next step on.">
      <span>Seed</span>
      <input
        className="seed"
        inputMode="numeric"
        value={draft ?? String(seed)}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === "Enter" && commit()}
        aria-label="Seed"
      />
    </label>
  );
}
