import { useMemo, useState } from "react";
import { recipeById } from "../../recipes/index.ts";
import type { ResolvedRecipe } from "../../recipes/recipe.ts";
import { setupNow, withRecipe } from "../actions.ts";
import { count, percent } from "../format.ts";
import { original } from "../knobs/describe.ts";
import { RecipeOptions } from "../recipes/options.tsx";
import { usePage } from "../state.ts";
import { type Curve, Curves, LOOKS, Swatch } from "./curves.tsx";
import { useCompare } from "./state.ts";
import { bandOf, findingOf } from "./sweep-result.ts";
import { cancelSweep, startSweep, sweepProgress, useSweep } from "./sweep-state.ts";
import { differencesFrom, setupAtEnd } from "./words.ts";

const SEEDS = [2, 3, 5, 8, 10, 20, 30];
const STEPS = [5, 10, 20, 30, 50, 100, 200];

/** The same recipe, or two, from several seeds in the background: what is luck and what is not. */
export function Seeds() {
  const sweep = useSweep();
  const [seeds, setSeeds] = useState(5);
  const [steps, setSteps] = useState(20);
  const [against, setAgainst] = useState("");
  const run = usePage((state) => state.run);
  const pins = useCompare((state) => state.pins);
  if (!run) return null;
  const start = () => {
    const setup = setupNow()!;
    const other = againstRecipe(against, setup.recipe);
    // The baseline first, so that the finding speaks of the knobs as they are turned now.
    const arms = other ? [other, setup.recipe] : [setup.recipe];
    const request = { arms, policy: setup.policy, seeds: Array.from({ length: seeds }, (_, i) => i + 1), steps };
    startSweep(request, namesOf(arms));
  };
  return (
    <>
      <p>
        One run is one draw of luck. Here the knobs as they are turned now train from seeds 1 to {seeds}, in the background and without the
        GPU; with a second recipe, each seed gives a pair.
      </p>
      <form
        className="sweep-form"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <Numbers name="Seeds" values={SEEDS} value={seeds} onChange={setSeeds} />
        <Numbers name="Steps" values={STEPS} value={steps} onChange={setSteps} />
        <label className="against">
          Against
          <select aria-label="Against" value={against} onChange={(event) => setAgainst(event.target.value)}>
            <option value="">nothing: one recipe</option>
            <option value="shipped">{run.recipe.name} as it ships</option>
            {pins.map((pin, i) => (
              <option key={pin.id} value={`pin ${pin.id}`}>
                pinned run {i + 1}: {setupAtEnd(pin).recipe.name}
              </option>
            ))}
            <RecipeOptions task={run.recipe.slots.task.plugin} />
          </select>
        </label>
        {sweep.running ? (
          // Of its own key: were it turned into the other button while it is clicked, the click would submit the form.
          <button key="cancel" type="button" onClick={cancelSweep}>
            Cancel
          </button>
        ) : (
          <button key="start" type="submit" className="primary">
            Run the seeds
          </button>
        )}
      </form>
      {sweep.request && <Result />}
    </>
  );
}

/** The other recipe, on the same task. */
function againstRecipe(choice: string, recipe: ResolvedRecipe): ResolvedRecipe | undefined {
  if (choice === "") return undefined;
  if (choice === "shipped") return original(recipe);
  const pin = choice.startsWith("pin ") && useCompare.getState().pins.find(({ id }) => id === choice.slice(4));
  if (pin) return setupAtEnd(pin).recipe;
  return withRecipe({ recipe, policy: "", seed: 0 }, recipeById(choice).id).recipe;
}

/** Names of recipes: their own, and what else tells them apart. */
function namesOf(arms: readonly ResolvedRecipe[]): string[] {
  if (arms.length === 1) return [arms[0].name];
  const course = (recipe: ResolvedRecipe) => ({ setup: { recipe, policy: "", seed: 0 }, edits: [] });
  const [a, b] = arms;
  if (a.name !== b.name) return [a.name, b.name];
  const words = differencesFrom(course(a), course(b)).join(", ");
  return [a.name, words === "" ? `${b.name} again` : `${b.name} with ${words}`];
}

interface NumbersProps {
  readonly name: string;
  readonly values: readonly number[];
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function Numbers({ name, values, value, onChange }: NumbersProps) {
  return (
    <label>
      {name}
      <select aria-label={name} value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {values.map((v) => (
          <option key={v}>{v}</option>
        ))}
      </select>
    </label>
  );
}

const CHARTS = [
  { title: "Reward", metric: "reward", domain: [0, 1] as const },
  { title: "Entropy", metric: "entropy", domain: undefined },
];

function Result() {
  const sweep = useSweep();
  const { request, names, running, runs, problem } = sweep;
  const finding = useMemo(() => findingOf(runs, names), [runs, names]);
  const charts = useMemo(
    () =>
      CHARTS.map(({ title, metric, domain }) => ({
        title,
        ...(domain ? { domain } : {}),
        curves: names.map((name, arm): Curve => ({ name, look: LOOKS[arm], points: bandOf(runs.filter((r) => r.arm === arm), metric) })), // biome-ignore format: a curve a line
      })),
    [runs, names],
  );
  const all = request!.arms.length * request!.seeds.length;
  return (
    <div className="sweep-result">
      <div className="compare-line">
        {running && <progress value={sweepProgress(sweep)} aria-label="Sweep" />}
        <output aria-label="Sweep so far">
          {running
            ? `${runs.length} of ${count(all, "run")} complete`
            : runs.length < all
              ? `stopped after ${runs.length} of ${all} runs`
              : `${all} runs`}
          {problem && `: ${problem}`}
        </output>
      </div>
      <p className={`finding ${finding?.outcome?.replaceAll(" ", "-") ?? ""}`} aria-live="polite">
        {finding?.sentence ?? "The first finding comes when every recipe has a complete run."}
      </p>
      <ul className="legend">
        {names.map((name, arm) => (
          <li key={name}>
            <Swatch look={LOOKS[arm]} /> {name}
          </li>
        ))}
        <li className="dim">bands: 95 % interval of the mean over seeds</li>
      </ul>
      <div className="curve-pair">
        {charts.map((chart) => (
          <Curves key={chart.title} {...chart} />
        ))}
      </div>
      <table className="ends">
        <thead>
          <tr>
            <th scope="col">pass@1 at the end, by seed</th>
            {request!.seeds.map((seed) => (
              <th key={seed} scope="col">
                {seed}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name, arm) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {request!.seeds.map((seed) => {
                const end = runs.find((r) => r.arm === arm && r.seed === seed)?.end["pass@1"];
                return <td key={seed}>{end === undefined ? "…" : percent(end)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
