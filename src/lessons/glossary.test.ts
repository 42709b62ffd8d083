import { expect, it } from "vitest";
import { METRICS } from "../loop/metric-names.ts";
import { PLUGINS } from "../recipes/slots.ts";
import { CONCEPTS } from "./concepts.ts";
import { glossary, searchGlossary } from "./glossary.ts";

it("explains every idea, method, knob and metric in the words of its declaration", () => {
  const entries = glossary();
  const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
  expect(of("idea")).toHaveLength(Object.keys(CONCEPTS).length);
  expect(of("metric")).toHaveLength(METRICS.length);
  const texts = new Set(entries.map((entry) => `${entry.title}: ${entry.text}`));
  for (const plugin of Object.values(PLUGINS).flat()) {
    expect(texts).toContain(`${plugin.name}: ${plugin.explanation.sentence}`);
    for (const { label, effect } of Object.values(plugin.parameters)) expect(texts).toContain(`${label}: ${effect}`);
  }
  expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
});

it("finds a term by its title first, and by other words for it", () => {
  expect(searchGlossary("entropy")[0].title).toBe("Entropy");
  expect(searchGlossary("completion").map((entry) => entry.title)).toContain("Rollout");
  expect(searchGlossary("clip_ratio/high_mean")[0].kind).toBe("metric");
  expect(searchGlossary("qqqq")).toEqual([]);
  expect(searchGlossary("")).toEqual(glossary());
});
