import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { RECIPES } from "../../recipes/index.ts";
import { type Recipe, resolveRecipe } from "../../recipes/recipe.ts";
import { setupNow, start, withRecipe } from "../actions.ts";
import { leaveRun } from "../confirm.tsx";
import { count } from "../format.ts";
import { Icon } from "../icons.tsx";
import { changesFromGrpo } from "../knobs/describe.ts";
import { expectedRecipe, usePage } from "../state.ts";
import { Conventions } from "./conventions.tsx";
import { About, AgainstGrpo } from "./details.tsx";
import { GROUPS, mentions, misfitsOn, runnable } from "./groups.ts";
import { CONVENTIONS_PAGE, closeRecipes, useRecipes } from "./open.ts";
import "./recipes.css";

/** All recipes, searchable, each as its difference from GRPO with its formulas; first of them the run on screen. */
export default function Recipes() {
  const id = useRecipes((state) => state.id);
  const choose = (next: string | undefined) => useRecipes.setState({ id: next });
  const running = usePage(expectedRecipe);
  const [query, setQuery] = useState("");
  const sought = useDeferredValue(query);
  const dialog = useRef<HTMLDialogElement>(null);
  const details = useRef<HTMLElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another recipe is read from its beginning
  useEffect(() => {
    if (details.current) details.current.scrollTop = 0;
  }, [id]);
  const words = sought
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const groups = GROUPS.map((group) => ({ ...group, recipes: group.recipes.filter((recipe) => mentions(recipe, words)) })).filter(
    ({ recipes }) => recipes.length > 0,
  );
  const written = GROUPS.flatMap(({ recipes }) => recipes).find((recipe) => recipe.id === id);
  return (
    <dialog ref={dialog} className="recipes" onClose={closeRecipes} aria-label="Recipes">
      <header>
        <h2>Recipes</h2>
        <input
          type="search"
          value={query}
          placeholder="Search by name, idea or source"
          onChange={(event) => setQuery(event.target.value)}
          aria-label="Search recipes"
        />
        <button type="button" className="quiet" aria-label="Close the recipes" onClick={() => dialog.current?.close()}>
          <Icon name="times" size={12} />
        </button>
      </header>
      <nav aria-label="Recipes">
        {running && (
          <button type="button" className="entry" aria-current={id === undefined} onClick={() => choose(undefined)}>
            <b>This run</b>
            <span>
              {running.name}, {count(changesFromGrpo(running).length, "change")} from GRPO
            </span>
          </button>
        )}
        <button type="button" className="entry" aria-current={id === CONVENTIONS_PAGE} onClick={() => choose(CONVENTIONS_PAGE)}>
          <b>Conventions side by side</b>
          <span>GRPO as eight frameworks compute it, on a group of this run.</span>
        </button>
        {groups.map(({ title, recipes }) => (
          <section key={title} aria-label={title}>
            <h3>{title}</h3>
            {recipes.map((recipe) => (
              <button
                key={recipe.id}
                type="button"
                className={`entry ${runnable(recipe) ? "" : "waiting"}`}
                aria-current={recipe.id === id}
                onClick={() => choose(recipe.id)}
              >
                <b>{recipe.name}</b>
                <span>{recipe.summary}</span>
              </button>
            ))}
          </section>
        ))}
        {groups.length === 0 && <p className="dim">No recipe mentions that.</p>}
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too */}
      <article ref={details} tabIndex={0} aria-label={id === CONVENTIONS_PAGE ? "Conventions" : (written?.name ?? "This run")}>
        {id === CONVENTIONS_PAGE ? <Conventions /> : written ? <Written recipe={written} /> : <Running />}
      </article>
    </dialog>
  );
}

/** A recipe as it ships. */
function Written({ recipe }: { recipe: Recipe }) {
  const resolved = useMemo(() => (runnable(recipe) ? resolveRecipe(recipe) : undefined), [recipe]);
  const task = usePage((state) => expectedRecipe(state)?.slots.task.plugin);
  const ready = task !== undefined;
  const problem = ready ? misfitsOn(task).get(recipe.id) : undefined;
  const begin = () => {
    closeRecipes();
    leaveRun(`Start with ${recipe.name}`, () => start(withRecipe(setupNow()!, recipe.id)));
  };
  return (
    <>
      <div className="title">
        <h2>{recipe.name}</h2>
        <button type="button" className="primary" disabled={!resolved || !ready || problem !== undefined} onClick={begin}>
          {!resolved ? "Cannot run yet" : problem === undefined ? "Start with it" : "Not on this task"}
        </button>
      </div>
      {problem !== undefined && <p className="waits">{problem}.</p>}
      <About recipe={recipe} />
      {resolved && <AgainstGrpo recipe={resolved} />}
    </>
  );
}

/** The run on screen, with every knob as it is turned. */
function Running() {
  const recipe = usePage(expectedRecipe);
  if (!recipe) return <p className="dim">There is no run yet.</p>;
  const written = RECIPES.find(({ id }) => id === recipe.id);
  return (
    <>
      <div className="title">
        <h2>{recipe.name}, as it runs</h2>
      </div>
      {written && <p>{written.summary}</p>}
      <AgainstGrpo recipe={recipe} />
    </>
  );
}
