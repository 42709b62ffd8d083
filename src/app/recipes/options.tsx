import { misfitsOn, RUNNABLE_GROUPS } from "./groups.ts";

/** The recipes that can run, as a list's options in groups; one that cannot run on this task says so and cannot be chosen. */
export function RecipeOptions({ task }: { task: string }) {
  const misfits = misfitsOn(task);
  return RUNNABLE_GROUPS.map(({ title, recipes }) => (
    <optgroup key={title} label={title}>
      {recipes.map(({ id, name }) => (
        <option key={id} value={id} disabled={misfits.has(id)} title={misfits.get(id)}>
          {misfits.has(id) ? `${name} (not on this task)` : name}
        </option>
      ))}
    </optgroup>
  ));
}
