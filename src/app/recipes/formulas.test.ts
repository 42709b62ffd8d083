// @vitest-environment node
import katex from "katex";
import { describe, expect, it } from "vitest";
import { RECIPES } from "../../recipes/index.ts";
import { formulaOf, grpo, resolveRecipe, withChange } from "../../recipes/recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../../recipes/slots.ts";
import { equationsOf, formulasOf } from "./formulas.tsx";

const plugins = [...SLOTS, ...LIST_SLOTS].flatMap((slot) => PLUGINS[slot].map((plugin) => [slot, plugin.id, plugin] as const));
const latexOf = (recipe: ReturnType<typeof grpo>, slot: string) => formulasOf(recipe).find((f) => f.slot === slot)?.latex;

describe("formulas", () => {
  it.each(plugins)("of %s %s can be set, with all their symbols", (_, __, plugin) => {
    for (const latex of [plugin.explanation.latex, ...Object.values(plugin.terms).map(({ symbol }) => symbol)]) {
      expect(katex.renderToString(latex, { throwOnError: true, strict: "error" })).toContain("katex");
    }
  });

  it("follow parameters that change their form, and can be set whatever these are", () => {
    for (const [slot, _, plugin] of plugins) {
      for (const [name, parameter] of Object.entries(plugin.parameters)) {
        const values =
          parameter.kind === "choice"
            ? parameter.options.map(({ value }) => value)
            : parameter.kind === "integer" || parameter.kind === "number"
              ? [parameter.min, parameter.max]
              : [];
        for (const value of values) {
          const defaults = Object.fromEntries(Object.entries(plugin.parameters).map(([n, p]) => [n, p.default]));
          const latex = formulaOf(slot, { plugin: plugin.id, params: { ...defaults, [name]: value } });
          for (const equation of equationsOf(latex))
            expect(() => katex.renderToString(equation, { throwOnError: true, strict: "error" }), equation).not.toThrow();
          expect(equationsOf(latex).join("").replace(/\s/g, "")).toBe(
            latex.replace(/(,\s*)\\q?quad(?![^{}]*\})/g, "$1").replace(/\s/g, ""),
          );
        }
      }
    }
    expect(latexOf(withChange(grpo(), "advantage.scale", "none"), "advantage")).toBe("A_i = r_i - \\mathrm{mean}(r)");
    const other = formulasOf(withChange(grpo(), "advantage.baseline", "leaveOneOut")).find((f) => f.slot === "advantage")!;
    expect(other.latex).toContain(other.symbols.baselines.symbol);
    expect(latexOf(withChange(grpo(), "objective.level", "sequence"), "objective")).toContain("^{1/|o|}");
    expect(latexOf(grpo(), "reward")).toBe("r = v");
    const cispo = withChange(grpo(), "objective", "cispo");
    expect(latexOf(cispo, "objective")).toContain("\\min(\\rho_t, \\epsilon_{\\text{high}})");
    expect(latexOf(withChange(cispo, "objective.bound", "around-one"), "objective")).toContain("1+\\epsilon_{\\text{high}}");
    expect(latexOf(withChange(withChange(grpo(), "objective", "reinforce"), "objective.importance", true), "objective")).toContain(
      "\\rho_t",
    );
    const masked = withChange(grpo(), "aggregation.maskTruncated", true);
    expect(latexOf(masked, "aggregation")).toContain("finished");
    const penalised = withChange(grpo(), "kl.coefficient", 0.1);
    expect(latexOf(penalised, "kl")).toContain("\\ell_t + \\beta\\,k_3");
    expect(latexOf(withChange(penalised, "kl.place", "reward"), "kl")).toContain("r_t - \\beta\\,k_3");
    expect(latexOf(withChange(penalised, "kl.biasCorrection", true), "kl")).toContain("\\beta\\,\\rho_t\\,k_3");
  });

  it("are those that take part: a penalty only with a coefficient, what is as in GRPO and says nothing not at all", () => {
    expect(formulasOf(grpo()).map((f) => f.slot)).toEqual(["reward", "advantage", "objective", "aggregation"]);
    expect(formulasOf(grpo()).some((f) => f.differs)).toBe(false);
    const turned = withChange(withChange(grpo(), "kl.coefficient", 0.1), "losses", "entropy");
    expect(formulasOf(turned).map((f) => [f.slot, f.differs])).toEqual([
      ["reward", false],
      ["advantage", false],
      ["objective", false],
      ["aggregation", false],
      ["losses", true],
      ["kl", false],
    ]);
    for (const recipe of RECIPES) if (recipe.id !== "grpo") expect(formulasOf(resolveRecipe(recipe)).length).toBeGreaterThan(3);
  });

  it("come with the numbers that stand in them, and with no others", () => {
    const numbers = (recipe: ReturnType<typeof grpo>, slot: string) =>
      formulasOf(recipe)
        .find((f) => f.slot === slot)!
        .knobs.map(({ symbol, value }) => [symbol, value]);
    expect(numbers(grpo(), "objective")).toEqual([
      ["\\epsilon_{\\text{low}}", "0.2"],
      ["\\epsilon_{\\text{high}}", "0.2"],
    ]);
    expect(numbers(withChange(grpo(), "objective.dualClip", 3), "objective")).toContainEqual(["c", "3"]);
    expect(numbers(withChange(withChange(grpo(), "losses", "entropy"), "losses.entropy.coefficient", 0.02), "losses")).toEqual([
      ["c", "0.02"],
    ]);
    expect(numbers(withChange(grpo(), "advantage.scale", "none"), "advantage")).toEqual([]);
  });

  it("of a person's own are shown as they were written", () => {
    const own = withChange(withChange(grpo(), "objective", "expression"), "objective.formula", "-ratio * advantage");
    expect(formulasOf(own).find((f) => f.slot === "objective")).toMatchObject({ written: "-ratio * advantage", differs: true });
  });
});
