import type { PluginDeclaration } from "../../algorithm/plugin.ts";
import { formulaOf, grpo, pluginOf, type ResolvedRecipe, termsOf, type Use } from "../../recipes/recipe.ts";
import { type ListSlot, SLOT_NAMES, type Slot } from "../../recipes/slots.ts";
import { annotate } from "../inspector/annotate.ts";
import { isList, showValue } from "../knobs/describe.ts";
import { Tex } from "../tex/tex.tsx";

/** From the reward to the step: the order in which a recipe's formulas are read. */
const READ: readonly (Slot | ListSlot)[] = [
  "sampler",
  "guidance",
  "groupFilter",
  "rewardChannel",
  "reward",
  "rewards",
  "advantage",
  "shapers",
  "objective",
  "tokenWeights",
  "aggregation",
  "losses",
  "kl",
  "reference",
  "optimizer",
];

/** These say nothing where they are as in GRPO. */
const QUIET: readonly (Slot | ListSlot)[] = ["sampler", "guidance", "groupFilter", "rewardChannel", "reference", "optimizer"];

interface Knob {
  /** LaTeX. */
  readonly symbol: string;
  /** In words, or the symbol once more. */
  readonly label: string;
  /** As knobs show it. */
  readonly value: string;
}

export interface FormulaInUse {
  readonly slot: Slot | ListSlot;
  readonly declaration: PluginDeclaration;
  readonly symbols: PluginDeclaration["terms"];
  readonly latex: string;
  /** The numbers that stand in it. */
  readonly knobs: readonly Knob[];
  /** A formula of a person's own, as it was written. */
  readonly written: string | undefined;
  /** Whether GRPO has another formula here, or none. */
  readonly differs: boolean;
}

/** The formulas of the plug-ins in use that take part; a penalty whose coefficient is 0 does not. */
export function formulasOf(recipe: ResolvedRecipe): FormulaInUse[] {
  const base = grpo();
  const inForce = (slot: Slot | ListSlot): readonly Use[] => {
    if (isList(slot)) return recipe.lists[slot];
    const use = recipe.slots[slot];
    return slot === "kl" && use.params.coefficient === 0 ? [] : [use];
  };
  return READ.flatMap((slot) =>
    inForce(slot).map((use) => {
      const declaration = pluginOf(slot, use.plugin);
      const latex = formulaOf(slot, use);
      const text = Object.entries(declaration.parameters).find(([, parameter]) => parameter.kind === "text");
      const differs = isList(slot) || base.slots[slot].plugin !== use.plugin || latex !== formulaOf(slot, base.slots[slot]);
      const symbols = termsOf(slot, use);
      const knobs = knobsIn(recipe, slot, use, latex);
      return { slot, declaration, symbols, latex, knobs, written: text && String(use.params[text[0]]), differs };
    }),
  ).filter(({ slot, differs }) => differs || !QUIET.includes(slot));
}

/** The recipe's formulas with their symbols' meanings. Beside those that GRPO does not have, the others are told in short. */
export function Formulas({ recipe }: { recipe: ResolvedRecipe }) {
  const formulas = formulasOf(recipe);
  const all = !formulas.some((formula) => formula.differs);
  return (
    <ul className="formulas">
      {formulas.map((formula) => {
        const { slot, declaration, latex, knobs, written, differs } = formula;
        const terms = all || differs ? termsIn(formula) : [];
        const numbers = all || differs ? knobs : [];
        return (
          <li key={`${slot} ${declaration.id}`} className={differs ? "differs" : ""}>
            <h4>
              {SLOT_NAMES[slot]}
              <span> {declaration.name}</span>
              {!all && <i>{differs ? (isList(slot) ? "added to GRPO" : "other than GRPO") : "as in GRPO"}</i>}
            </h4>
            {(all || differs) && <p>{declaration.explanation.sentence}</p>}
            {written === undefined ? (
              <div className="equations">
                {equationsOf(latex).map((equation) => (
                  <Tex key={equation} latex={equation} block />
                ))}
              </div>
            ) : (
              <pre>{written}</pre>
            )}
            {terms.length + numbers.length > 0 && (
              <dl>
                {terms.map(({ symbol, meaning }) => (
                  <div key={symbol}>
                    <dt>
                      <Tex latex={symbol} />
                    </dt>
                    <dd>{meaning}</dd>
                  </div>
                ))}
                {numbers.map(({ symbol, label, value }) => (
                  <div key={symbol}>
                    <dt>
                      <Tex latex={symbol} />
                    </dt>
                    <dd>
                      <b>{value}</b> {label.length > 2 && label}
                    </dd>
                  </div>
                ))}
              </dl>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** The equations that a formula sets side by side, so that a narrow place can have them below one another. */
export function equationsOf(latex: string): string[] {
  const equations = [""];
  let depth = 0;
  for (const piece of latex.split(/(,\s*\\q?quad|\\begin\{|\\end\{|\\[{}]|[{}])/)) {
    if (depth === 0 && /^,\s*\\q?quad$/.test(piece)) {
      equations[equations.length - 1] += ",";
      equations.push("");
      continue;
    }
    // An environment is as deep as a brace; the brace of its name is open here, too.
    if (piece === "{") depth++;
    else if (piece === "\\begin{") depth += 2;
    else if (piece === "}") depth--;
    equations[equations.length - 1] += piece;
  }
  return equations.map((equation) => equation.trim());
}

/** The parameters whose symbols a formula has, with their values. */
function knobsIn(recipe: ResolvedRecipe, slot: Slot | ListSlot, { plugin, params }: Use, latex: string): Knob[] {
  return Object.entries(pluginOf(slot, plugin).parameters).flatMap(([name, parameter]) => {
    const symbol = parameter.kind === "number" || parameter.kind === "integer" ? parameter.symbol : undefined;
    if (symbol === undefined || annotate(latex, [{ symbol, key: name }]) === latex) return [];
    const path = isList(slot) ? `${slot}.${plugin}.${name}` : `${slot}.${name}`;
    return [{ symbol, label: parameter.label, value: showValue(recipe, path, params[name]) }];
  });
}

/** The symbols to explain, beside those of its numbers; where parameters decide the form, those that it has. */
function termsIn({ declaration, symbols, knobs, latex }: FormulaInUse) {
  const terms = Object.values(symbols).filter(({ symbol }) => !knobs.some((knob) => knob.symbol === symbol));
  return declaration.latexOf ? terms.filter(({ symbol }) => latex.includes(symbol)) : terms;
}
