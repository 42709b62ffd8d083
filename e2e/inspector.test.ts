import type { Page } from "playwright";
import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** The formula with a token's numbers: its terms light up where they come from, and the stage lights the terms up. */

const browsing = sharedBrowser({ gpu: false });

const inspector = (page: Page) => page.getByRole("region", { name: "Token inspector" });
const term = (page: Page, key: string) => inspector(page).locator(`button[data-term="${key}"]`).first();
const shownTab = (page: Page) => page.getByRole("tab", { selected: true }).textContent();

/** Waits until what a selector finds is framed: "solid" for a number itself, "dashed" for what it was made of, "none" for no light. */
const framed = (page: Page, selector: string, how: "solid" | "dashed" | "none") =>
  page.waitForFunction(
    ([wanted, style]) => {
      const all = [...document.querySelectorAll(wanted)];
      return all.length > 0 && all.every((element) => getComputedStyle(element).outlineStyle === style);
    },
    [selector, how] as const,
    { polling: 50 },
  );

it(
  "lights up where a term comes from, and the term of what is pointed at, on every view",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable&set=kl.coefficient=0.05&set=evaluation.every=0`);
    await playground.oneStep();
    await playground.view("Rollouts");
    const row = page.locator(".row", { has: page.locator(".bar .up:not([style*='width: 0%'])") }).first();
    const number = await row.getAttribute("data-row");
    await row.locator(".token").nth(1).click();
    await inspector(page)
      .getByText(/token 2 of/)
      .waitFor();
    await page.mouse.move(5, 5);

    // From the formula to the stage: the group's mean, and the rewards that it was made of; nothing is switched away.
    const baseline = "advantage.group.baselines";
    await term(page, baseline).hover();
    await framed(page, `.chain button[data-term="${baseline}"]`, "solid");
    await framed(page, `.row[data-row="${number}"] > .reward`, "dashed");
    expect(
      await page.locator(".group .mean").evaluateAll((all) => all.filter((e) => getComputedStyle(e).outlineStyle === "solid").length),
    ).toBe(1);
    expect(await shownTab(page)).toBe("Rollouts");
    await inspector(page)
      .getByText(/Made from the rewards of its group’s 4 answers/)
      .waitFor();

    // From there to the view that shows it best, and the light goes with it.
    await inspector(page).getByRole("button", { name: "see Advantages" }).click();
    expect(await shownTab(page)).toBe("Advantages");
    await page.mouse.move(5, 5);
    await framed(page, ".group-plot .tick", "none");

    // From the stage to the formula: an answer's reward, then its group's baseline.
    await page.locator(".answers.selected .on-reward text").hover();
    await framed(page, '.chain button[data-term="reward"]', "solid");
    await framed(page, `.chain button[data-term="${baseline}"]`, "none");
    const group = await page.locator(".group-plot", { has: page.locator(".answers.selected") }).getAttribute("data-group");
    const tick = (await page.locator(`.group-plot[data-group="${group}"] .tick`).boundingBox())!;
    await page.mouse.move(tick.x + tick.width / 2, tick.y + 2);
    await framed(page, `.chain button[data-term="${baseline}"]`, "solid");
    await page.mouse.move(5, 5);
    await framed(page, `.chain button[data-term="${baseline}"]`, "none");

    // The objective: the ratio is how far right the dot lies.
    await playground.view("Objective");
    await term(page, "ratio").hover();
    await framed(page, ".scatter .mark-ratio", "solid");
    expect(await page.locator(".scatter .mark-ratio").evaluate((mark) => getComputedStyle(mark).opacity)).toBe("1");
    await page.mouse.move(5, 5);
    const dot = (await page.locator(".scatter .mark-dot").boundingBox())!;
    await page.mouse.move(dot.x + dot.width / 2, dot.y + dot.height / 2);
    await framed(page, '.chain button[data-term="ratio"]', "solid");
    await page.mouse.move(5, 5);

    // The weights: the bar under the token.
    await playground.view("Weights");
    await term(page, "weight").hover();
    await framed(page, `.weighed#token-${number}-1`, "solid");

    // By keyboard: one stop, arrow keys from term to term, Enter goes there.
    await page.mouse.move(5, 5);
    await term(page, "reward").focus();
    await framed(page, '.chain button[data-term="reward"]', "solid");
    await page.keyboard.press("ArrowRight");
    await framed(page, `.chain button[data-term="${baseline}"]`, "solid");
    expect(await term(page, baseline).getAttribute("aria-description")).toMatch(/Made from the rewards/);
    await page.keyboard.press("Enter");
    expect(await shownTab(page)).toBe("Advantages");
    await framed(page, `.group-plot[data-group="${group}"] .tick`, "solid");

    // More room, less room, and none.
    const height = async () => (await inspector(page).boundingBox())!.height;
    const usual = await height();
    await playground.button("More room for the formula").click();
    expect(await height()).toBeGreaterThan(usual + 50);
    await playground.button("More room for the formula").click();
    expect(await height()).toBe(usual);
    await playground.button("Close the inspector").click();
    expect(await height()).toBeLessThan(usual / 2);
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);

it(
  "shows the numbers behind a view as a table",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable&set=evaluation.every=0`);
    await playground.oneStep();
    const tables: readonly [view: string, button: string][] = [
      ["Rollouts", "Tokens by Δ probability as table"],
      ["Rewards", "Verdicts and rewards as table"],
      ["Advantages", "Rewards and advantages as table"],
      ["Weights", "Token weights as table"],
      ["Objective", "Dots as table"],
      ["Objective", "Curve as table"],
      ["Update", "Probabilities before and after as table"],
      ["Update", "Gradient by layer as table"],
    ];
    for (const [view, button] of tables) {
      await playground.view(view);
      const open = playground.button(button);
      await open.focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("table").waitFor();
      expect(await dialog.locator("tbody tr").count()).toBeGreaterThan(3);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    }
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
