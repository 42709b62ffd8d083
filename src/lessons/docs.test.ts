import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { readLesson } from "./check.ts";
import { FACTS } from "./facts.ts";

const page = await readFile(new URL("../../docs/lessons.md", import.meta.url), "utf8");

it("the guide's example is a lesson that the page plays", () => {
  const [, example] = /```json\n([\s\S]*?)```/.exec(page)!;
  expect(readLesson(example).steps).toHaveLength(1);
});

it("the guide lists every fact", () => {
  for (const [name, { meaning }] of Object.entries(FACTS)) expect(page).toContain(`| \`${name}\` | ${meaning} |`);
});
