import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { Page } from "playwright";
import { expect, it } from "vitest";
import { writeResultCode } from "../src/app/workshop/result-code.ts";
import { type Browsing, browse } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds serious or critical, theme by theme; names and roles are the same in both, so the second time only colours are looked at. */
class Checker {
  readonly page: Page;
  readonly found: string[] = [];

  constructor(page: Page) {
    this.page = page;
  }

  /** Looks at the whole page, or only at what has just come on it. */
  async check(where: string, within = "body"): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await this.page.locator(`html[data-theme="${colorScheme}"]`).waitFor();
      await this.look(`${where}, ${colorScheme}`, within, colorScheme === "dark");
    }
  }

  private async look(where: string, within: string, onlyColours: boolean): Promise<void> {
    const violations = await this.page.evaluate(
      async ([source, within, onlyColours]) => {
        if (!("axe" in window)) new Function(source)();
        const { axe: checker } = window as unknown as { axe: typeof axe };
        const parts = document.querySelectorAll(within);
        if (parts.length === 0) throw new Error(`there is no ${within} to check`);
        const rules = onlyColours ? { runOnly: { type: "rule" as const, values: ["color-contrast"] } } : {};
        const { violations } = await checker.run({ include: [...parts] } as axe.ElementContext, { resultTypes: ["violations"], ...rules });
        return violations.map(({ id, impact, nodes }) => ({
          id,
          impact,
          nodes: nodes.slice(0, 3).map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
        }));
      },
      [AXE, within, onlyColours] as const,
    );
    for (const { id, impact, nodes } of violations)
      if (impact === "serious" || impact === "critical") this.found.push(`${where}: ${id} at ${nodes.join(" | ")}`);
  }
}

const dialogs = "dialog[open]";

async function open(): Promise<{ browsing: Browsing; playground: Playground; page: Page; checker: Checker }> {
  const browsing = await browse({ gpu: false });
  const page = await browsing.newPage();
  return { browsing, page, playground: new Playground(page), checker: new Checker(page) };
}

it(
  "has no serious barrier on the stage, for those who use a screen reader, a keyboard, or much contrast",
  async () => {
    const { browsing, playground, page, checker } = await open();
    try {
      await playground.open(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
      // The rest is as after a step.
      await checker.check("before play", ".transport, .time-row, .stage, .charts");
      await playground.oneStep();
      await playground.oneStep();
      await checker.check("paused");
      for (const view of ["Prompts", "Rewards", "Advantages", "Weights", "Objective", "Update", "Evaluation"]) {
        await playground.view(view);
        await checker.check(view, ".stage");
      }
      await playground.button(/^Draw \d+ answers$/).click();
      await page.locator(".answers-drawn table").waitFor();
      await checker.check("answers drawn", ".stage");
      await playground.view("Rollouts");
      await playground.button("tree").click();
      await page.locator(".tree .token").first().waitFor();
      await checker.check("tree", ".stage");
      await playground.button("rows").click();

      // By keyboard alone: into the answers, to a token, and out again.
      await page.getByRole("grid").focus();
      await page.keyboard.press("ArrowRight");
      const inspector = page.getByRole("region", { name: "Token inspector" });
      await inspector.getByText("Alternatives").waitFor();
      await checker.check("inspector", ".inspector");
      await page.keyboard.press("Escape");
      await inspector.getByText(/Click a token/).waitFor();

      await page.getByLabel("Look back at a step").fill("1");
      await page.locator(".of-step", { hasText: /looking back at step 1/ }).waitFor();
      await checker.check("looking back", ".time-row, .stage");
      await playground.backToLive();

      await page.keyboard.press("p");
      await page.locator(".app.presenting").waitFor();
      await checker.check("presenting");
      await page.keyboard.press("p");
      await page.locator(".app:not(.presenting)").waitFor();

      expect(checker.found).toEqual([]);

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

it(
  "has no serious barrier in what opens over the stage or in its place",
  async () => {
    const { browsing, playground, page, checker } = await open();
    try {
      await playground.open(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await playground.oneStep();
      await playground.oneStep();
      const panel = async (opener: string | RegExp, where: string, within: string, ready = within) => {
        await playground.button(opener).click();
        await page.locator(ready).first().waitFor();
        await checker.check(where, within);
        await page.keyboard.press("Escape");
        await page.locator(within).first().waitFor({ state: "detached" });
      };
      await panel(/All recipes/, "recipes", dialogs, ".formulas .katex");
      await panel("Runs", "runs", dialogs, ".kept-runs tbody tr");
      await panel("What is this?", "help", ".popover-panel");
      await panel(/^Engine: /, "engine", ".popover-panel");
      await panel("Share this run", "share", ".popover-panel", ".qr path");

      // Behind each chart a table, which closes to where it was opened.
      const table = playground.button("This chart as table");
      await table.click();
      const numbers = page.getByRole("dialog", { name: "Learning as table" });
      await expect.poll(() => numbers.locator("tbody th").allTextContents()).toEqual(["0", "1", "2"]);
      await checker.check("table", dialogs);
      await page.keyboard.press("Escape");
      await expect.poll(() => table.evaluate((button) => button === document.activeElement)).toBe(true);

      const size = page.getByLabel("Group size", { exact: true });
      await size.fill("999");
      await size.press("Enter");
      await page.getByText(/must lie between 1 and 256/).waitFor();
      await checker.check("refused knob", ".knobs");
      await size.fill("4");
      await size.press("Enter");
      await page.getByLabel("Find a knob or method").fill("kl");
      await page.locator(".found").first().waitFor();
      await checker.check("knobs searched", ".knobs");
      await page.getByLabel("Find a knob or method").fill("");

      await playground.button("Compare").click();
      for (const tab of ["Runs tried", "Over seeds", "Side by side"]) {
        await page.getByRole("tab", { name: tab }).click();
        await page.getByRole("tab", { name: tab, selected: true }).waitFor();
        await checker.check(tab, ".compare");
      }
      await playground.button("Compare").click();

      await playground.button("Learn").click();
      await page.getByRole("dialog", { name: "Learn" }).waitFor();
      await checker.check("lessons", dialogs);
      await page.getByRole("tab", { name: "Glossary" }).click();
      await page.getByPlaceholder("Search all terms").waitFor();
      await checker.check("glossary", dialogs);
      await page.getByRole("tab", { name: "Lessons" }).click();
      await page.getByRole("button", { name: "Begin" }).first().click();
      await page.getByRole("region", { name: /^Lesson: / }).waitFor();
      await checker.check("lesson", ".lesson");

      expect(checker.found).toEqual([]);
      expect(browsing.complaints).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  2 * PATIENCE,
);

it(
  "has no serious barrier in a recording, on the class board and in the self-check",
  async () => {
    const { browsing, page, checker } = await open();
    try {
      await page.goto(`${browsing.url}?recording=reverse`);
      await page.getByRole("region", { name: "Recording" }).waitFor();
      await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
      await checker.check("recording");

      await page.goto(`${browsing.url}?board`);
      const codes = [1, 2, 3, 4].map((seed) =>
        writeResultCode({ setup: seed % 2 ? 11 : 12, seed, before: 0.2, after: 0.2 + seed / 10, steps: 20 }),
      );
      await page.getByLabel("Result codes").fill(codes.join("\n"));
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await page.locator(".dot-plot circle").nth(3).waitFor();
      await checker.check("class board");

      await page.goto(`${browsing.url}?selfcheck`);
      await page.locator(".check-list li").first().waitFor();
      await checker.check("self-check");

      expect(checker.found).toEqual([]);
      expect(browsing.complaints.filter((text) => !/No available adapters/.test(text))).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  PATIENCE,
);
