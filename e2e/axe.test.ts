import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { Page } from "playwright";
import { expect, it } from "vitest";
import { browse } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds serious or critical on the page as it stands, in both themes. */
async function barriers(page: Page, where: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.locator(`html[data-theme="${colorScheme}"]`).waitFor();
    const violations = await page.evaluate(async (source) => {
      if (!("axe" in window)) new Function(source)();
      const { axe: checker } = window as unknown as { axe: typeof axe };
      return (await checker.run(document, { resultTypes: ["violations"] })).violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        nodes: nodes.slice(0, 3).map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
      }));
    }, AXE);
    for (const { id, impact, nodes } of violations)
      if (impact === "serious" || impact === "critical") found.push(`${where}, ${colorScheme}: ${id} at ${nodes.join(" | ")}`);
  }
  return found;
}

it(
  "has no serious barrier for those who use a screen reader, a keyboard, or much contrast",
  async () => {
    const browsing = await browse({ gpu: false });
    try {
      const page = await browsing.newPage();
      const playground = new Playground(page);
      const found: string[] = [];
      const check = async (where: string) => found.push(...(await barriers(page, where)));
      await playground.open(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
      await check("before play");

      await playground.oneStep();
      await playground.oneStep();
      await check("paused");
      for (const view of ["Prompts", "Rewards", "Advantages", "Weights", "Objective", "Update"]) {
        await playground.view(view);
        await check(view);
      }

      // By keyboard alone: into the answers, to a token, and out again.
      await playground.view("Rollouts");
      await page.getByRole("grid").focus();
      await page.keyboard.press("ArrowRight");
      const inspector = page.getByRole("region", { name: "Token inspector" });
      await inspector.getByText("Alternatives").waitFor();
      await check("inspector");
      await page.keyboard.press("Escape");
      await inspector.getByText(/Click a token/).waitFor();

      await playground.button(/All recipes/).click();
      await page.getByRole("dialog").waitFor();
      await check("recipes");
      await page.keyboard.press("Escape");
      await playground.button("Runs").click();
      await page.getByRole("dialog").waitFor();
      await check("runs");
      await page.keyboard.press("Escape");

      // Behind each chart a table, which closes to where it was opened.
      const table = playground.button("This chart as table");
      await table.click();
      const numbers = page.getByRole("dialog", { name: "Learning as table" });
      await expect.poll(() => numbers.locator("tbody th").allTextContents()).toEqual(["0", "1", "2"]);
      await check("table");
      await page.keyboard.press("Escape");
      await expect.poll(() => table.evaluate((button) => button === document.activeElement)).toBe(true);

      await playground.button("Compare").click();
      await page.getByRole("tab", { name: "Side by side" }).waitFor();
      await check("compare");
      await playground.button("Compare").click();
      await playground.button("Learn").click();
      await page.getByRole("dialog", { name: "Learn" }).waitFor();
      await check("lessons");
      await page.getByRole("button", { name: "Begin" }).first().click();
      await page.getByRole("region", { name: /^Lesson: / }).waitFor();
      await check("lesson");

      expect(found).toEqual([]);

      // A theme chosen by hand is there on the next visit, whatever the system says.
      await page.emulateMedia({ colorScheme: "light" });
      await page.goto(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await playground.button("Change to dark colours").click();
      await page.reload();
      expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
      await playground.button("Change to light colours").click();
      await page.reload();
      expect(await page.locator("html").getAttribute("data-theme")).toBe("light");
      expect(browsing.complaints).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  2 * PATIENCE,
);
