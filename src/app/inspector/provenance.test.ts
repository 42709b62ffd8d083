// @vitest-environment node
import katex from "katex";
import { describe, expect, it } from "vitest";
import { ADVANTAGE, OBJECTIVE } from "../../algorithm/expression/inputs.ts";
import type { PluginDeclaration } from "../../algorithm/plugin.ts";
import type { StepRecord } from "../../loop/record.ts";
import { formulaOf, termsOf } from "../../recipes/recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../../recipes/slots.ts";
import { VIEWS } from "../stage/views/store.ts";
import { annotate } from "./annotate.ts";
import { type At, PLACES, type Place } from "./places.ts";
import { COMMON, INPUTS, placeOfParameter, placeOfTerm } from "./provenance.ts";

const plugins = [...SLOTS, ...LIST_SLOTS].flatMap((slot) =>
  PLUGINS[slot].map((plugin: PluginDeclaration) => [slot, plugin.id, plugin] as const),
);
const defaults = (plugin: PluginDeclaration) =>
  Object.fromEntries(Object.entries(plugin.parameters).map(([name, parameter]) => [name, parameter.default] as const));

/** A group of two answers, as far as places look. */
const at: At = {
  record: { groups: [{ members: [0, 1] }], rollouts: [{ group: 0 }, { group: 0 }] } as unknown as StepRecord,
  row: 1,
  index: 2,
  key: "objective.clipped.ratio",
  rows: [0, 1],
  path: "objective.clipLow",
};

describe("every term has a place that it comes from", () => {
  it.each(plugins)("in %s %s", (slot, id, plugin) => {
    for (const term of Object.keys(plugin.terms)) expect(placeOfTerm(slot, id, term), term).toBeDefined();
    for (const name of Object.keys(plugin.parameters)) expect(PLACES).toHaveProperty([placeOfParameter(`${slot}.${name}`)]);
  });

  it("also what a person's own formula can name, and a value that it names itself", () => {
    for (const name of [...ADVANTAGE.inputs.keys(), ...OBJECTIVE.inputs.keys()]) expect(INPUTS[name], name).toBeDefined();
    for (const slot of ["advantage", "objective"] as const) expect(placeOfTerm(slot, "expression", "my_own_name")).toBeDefined();
    expect(placeOfTerm("objective", "clipped", "nobody_declared_this")).toBeUndefined();
  });

  it("whose baseline and spread are the batch's where the recipe says so", () => {
    expect(placeOfTerm("advantage", "group", "baselines")).toBe("groupMean");
    expect(placeOfTerm("advantage", "group", "baselines", { "advantage.baseline": "batchMean" })).toBe("batchRewards");
    expect(placeOfTerm("advantage", "group", "scales", { "advantage.scope": "batch" })).toBe("batchRewards");
  });
});

describe("every place", () => {
  it.each(Object.entries<Place>(PLACES))("%s says where a number comes from, and has a view or a knob", (_, place) => {
    expect(place.from(at)).toMatch(/^[A-Z].*\.$/);
    expect(place.itself(at).length).toBeGreaterThan(0);
    for (const selector of [...place.itself(at), ...(place.sources?.(at) ?? [])]) expect(selector).not.toMatch(/undefined|NaN|\s$/);
    if (place.view === undefined) expect(place.itself(at)[0]).toContain("data-knob");
    else expect(VIEWS.map((view) => view.id)).toContain(place.view);
  });
});

/** The terms' keys that a set formula carries. */
const keysIn = (latex: string) => {
  const html = katex.renderToString(latex, { throwOnError: true, strict: false, trust: ({ command }) => command === "\\htmlData" });
  return new Set([...html.matchAll(/data-term="([^"]+)"/g)].map(([, key]) => key));
};

describe("annotate", () => {
  it.each(plugins)("keeps the formula of %s %s and names its terms in it", (slot, id, plugin) => {
    const params = defaults(plugin);
    const latex = formulaOf(slot, { plugin: id, params });
    const terms = Object.entries(termsOf(slot, { plugin: id, params })).map(([name, { symbol }]) => ({
      symbol,
      key: `${slot}.${id}.${name}`,
      number: "-0.25",
    }));
    const common = Object.entries(COMMON).flatMap(([key, { symbols }]) =>
      symbols.filter((s) => !terms.some(({ symbol }) => symbol === s)).map((symbol) => ({ symbol, key, number: "1e-6" })),
    );
    const set = annotate(latex, [...terms, ...common]);
    const shown = keysIn(set);
    for (const { symbol, key } of terms) if (set.includes(`term=${key}}`)) expect(shown, symbol).toContain(key);
    // Without marks it is the formula itself.
    expect(annotate(latex, [])).toBe(latex);
    expect(set.replace(/\{\\htmlData\{term=[^}]+\}\{\\underset\{\\textsf\{[^}]+\}\}\{/g, "").length).toBeLessThanOrEqual(set.length);
  });

  it("tells symbols apart that begin alike, and leaves words, subscripts and powers alone", () => {
    const marks = ["A", "A_t", "r", "\\pi", "\\log\\pi_{\\text{ref}}", "\\rho_t"].map((symbol, i) => ({ symbol, key: `k${i}` }));
    const named = (latex: string) => [...annotate(latex, marks).matchAll(/term=(k\d)/g)].map(([, key]) => key);
    expect(named("A_t + A")).toEqual(["k1", "k0"]);
    expect(named("A_v\\,A^2")).toEqual([]);
    expect(named("\\mathrm{clip}(\\rho_t) + \\text{reward} + x_{r} + x^A + \\operatorname{rA}")).toEqual(["k5"]);
    expect(named("\\log\\pi_{\\text{ref}} - \\log\\pi")).toEqual(["k4", "k3"]);
    expect(named("\\pitchfork + r'_i")).toEqual([]);
    expect(keysIn(annotate("\\tfrac1r", marks))).toEqual(new Set(["k2"]));
  });

  it("sets the terms of the common estimators and objectives in their formulas", () => {
    const cases = [
      ["advantage", "group", ["advantage.group.baselines", "advantage.group.scales", "reward"]],
      ["objective", "gspo", ["objective.gspo.ratio", "advantage"]],
      ["objective", "cispo", ["objective.cispo.ratio", "objective.cispo.factor"]],
      ["kl", "k3", ["kl.k3.kl", "refLogProb", "logProb"]],
      ["aggregation", "token-mean", ["tokens", "loss"]],
      ["tokenWeights", "top-entropy", ["tokenWeights.top-entropy.kept", "entropy"]],
    ] as const;
    for (const [slot, id, wanted] of cases) {
      const plugin: PluginDeclaration = PLUGINS[slot].find((p) => p.id === id)!;
      const params = defaults(plugin);
      const own = Object.entries(termsOf(slot, { plugin: id, params })).map(([name, { symbol }]) => ({
        symbol,
        key: `${slot}.${id}.${name}`,
      }));
      const rest = Object.entries(COMMON).flatMap(([key, { symbols }]) =>
        symbols.filter((s) => !own.some((o) => o.symbol === s)).map((symbol) => ({ symbol, key })),
      );
      const shown = keysIn(annotate(formulaOf(slot, { plugin: id, params }), [...own, ...rest]));
      for (const key of wanted) expect(shown, `${slot} ${id}`).toContain(key);
    }
  });
});
