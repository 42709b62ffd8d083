import type { Claim } from "../../recipes/claim.ts";
import { OUTCOMES, type RecordedOutcome } from "../../recipes/outcomes.ts";
import type { Recipe, ResolvedRecipe } from "../../recipes/recipe.ts";
import { count, short } from "../format.ts";
import { changesFromGrpo } from "../knobs/describe.ts";
import { Formulas } from "./formulas.tsx";
import { waitsFor } from "./groups.ts";

/** What a recipe says of itself: why, from where, what it is said to do better, and whether it does here. */
export function About({ recipe }: { recipe: Recipe }) {
  const missing = waitsFor(recipe);
  return (
    <>
      <p>{recipe.summary}</p>
      {recipe.explanation && <p>{recipe.explanation}</p>}
      {recipe.source && (
        <p className="dim">
          Source:{" "}
          <a href={recipe.source.url} target="_blank" rel="noreferrer">
            {recipe.source.title}
          </a>
        </p>
      )}
      {missing.length > 0 && <p className="waits">It cannot run yet. It waits for {missing.join(", ")}.</p>}
      {recipe.claim && <ClaimAndOutcome claim={recipe.claim} outcome={OUTCOMES[recipe.id]} />}
    </>
  );
}

function ClaimAndOutcome({ claim, outcome }: { claim: Claim; outcome: RecordedOutcome | undefined }) {
  const { sentence, baseline, budget } = claim;
  return (
    <section className="claim">
      <h3>Claim</h3>
      <p>
        {sentence}{" "}
        <span className="dim">
          (Against {baseline.recipe}; {budget.policy}, {count(budget.tokens, "generated token")} a run.)
        </span>
      </p>
      {outcome ? (
        <>
          <p>
            <b className={`outcome ${outcome.outcome.replaceAll(" ", "-")}`}>{outcome.outcome}</b> here, with {count(outcome.seeds, "pair")}{" "}
            of runs on {outcome.date}.
          </p>
          <ul>
            {outcome.conditions.map((condition) => (
              <li key={condition.sentence}>
                {condition.sentence}{" "}
                <span className="dim">
                  {condition.outcome}
                  {condition.effect !== null && `: ${condition.compare === "ratio" ? "×" : ""}${short(condition.effect)}`}
                  {condition.interval && ` (95 %: ${short(condition.interval[0])} to ${short(condition.interval[1])})`}
                </span>
              </li>
            ))}
          </ul>
          {outcome.reason && <p>{outcome.reason}</p>}
        </>
      ) : (
        <p className="dim">Nobody has recorded here yet whether it holds.</p>
      )}
    </section>
  );
}

/** "This recipe against GRPO": the difference by knob, and the formulas that come of it. */
export function AgainstGrpo({ recipe }: { recipe: ResolvedRecipe }) {
  const differences = changesFromGrpo(recipe);
  return (
    <>
      <h3>Against GRPO</h3>
      {differences.length === 0 ? (
        <p>No difference: this is GRPO as it is frozen here.</p>
      ) : (
        <table className="against">
          <thead>
            <tr>
              <th scope="col">Knob</th>
              <th scope="col">GRPO</th>
              <th scope="col">here</th>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ path, label, from, to }) => (
              <tr key={path}>
                <td>{label}</td>
                <td>{from}</td>
                <td className="changed-value">{to}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <h3>Its formulas</h3>
      <Formulas recipe={recipe} />
    </>
  );
}
