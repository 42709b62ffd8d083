import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

it(
  "runs another recipe, shaped and with an objective of a person's own, and hands it on as a link",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable`);

    // GSPO against GRPO, in words and in formulas.
    await playground.button(/All recipes$/).click();
    const recipes = page.getByRole("dialog", { name: "Recipes" });
    await recipes.getByRole("searchbox").fill("GSPO");
    await recipes.getByRole("button", { name: /^GSPO/ }).click();
    const gspo = recipes.getByRole("article", { name: "GSPO" });
    await expect
      .poll(() => gspo.locator(".against tbody tr").allTextContents())
      .toEqual(["ObjectiveClipped surrogateSequence clip (GSPO)", "AggregationMean over tokensMean over tokens, then answers"]);
    await gspo.locator(".formulas .differs .katex-display").first().waitFor();
    expect(await gspo.locator(".formulas .differs math").first().textContent()).toContain("clip");
    await gspo.getByRole("button", { name: "Start with it" }).click();
    await playground.phase("Verdicts");
    expect(await page.getByLabel("Recipe", { exact: true }).inputValue()).toBe("gspo");

    // A shaper more.
    await playground.button("Add to Advantage shaping").click();
    await page.getByRole("searchbox", { name: "Search in Advantage shaping" }).fill("mean 0");
    await playground.button(/^Whitening/).click();
    await playground.button("Remove Whitening").waitFor();

    // An objective of one's own: a mistake is shown where it is, and nothing runs with it.
    await playground.button("More of Objective").click();
    await page.getByLabel("Method", { exact: true }).selectOption({ label: "Your own formula" });
    const formula = page.locator(".formula textarea");
    await formula.fill("-ratio * advantge");
    await formula.press("Control+Enter");
    const mistake = page.locator(".formula-problem");
    await mistake.getByText("line 1, column 10").waitFor();
    expect(await mistake.textContent()).toContain("advantge");
    expect(await playground.step()).toBe(1);
    await playground.button(/Play$/).waitFor();

    // Mended, it trains.
    await formula.fill("-min(ratio, 1.5) * advantage");
    await formula.press("Control+Enter");
    await mistake.waitFor({ state: "detached" });
    for (let step = 1; step <= 3; step++) expect(await playground.oneStep()).toBe(step);
    await playground.button(/All recipes$/).click();
    expect(await recipes.locator(".formulas pre").textContent()).toBe("-min(ratio, 1.5) * advantage");
    // The group of the last step under other conventions.
    await recipes.getByRole("button", { name: /^Conventions side by side/ }).click();
    await expect.poll(() => recipes.locator(".comparison tbody tr").count()).toBe(9);
    await page.keyboard.press("Escape");

    // Someone else opens the link: the same knobs, the same formula, the same link again.
    const link = async (of: Playground): Promise<string> => {
      await of.button("Share this run").click();
      const address = await of.page.getByLabel("Link to this run").inputValue();
      await of.page.keyboard.press("Escape");
      return address;
    };
    const address = await link(playground);
    const other = new Playground(await browsing().newPage());
    await other.open(`${address}&engine=portable`);
    expect(await other.page.getByLabel("Recipe", { exact: true }).inputValue()).toBe("gspo");
    await other.button("Remove Whitening").waitFor();
    expect(await other.page.locator(".formula textarea").inputValue()).toBe("-min(ratio, 1.5) * advantage");
    expect(await link(other)).toBe(address);
    expect(await other.page.getByRole("alert").count()).toBe(0);

    // One step back, one forth.
    await other.button("Remove Whitening").click();
    await other.button("Remove Whitening").waitFor({ state: "detached" });
    await other.page.keyboard.press("Control+z");
    await other.button("Remove Whitening").waitFor();
    await expect.poll(() => link(other)).toBe(address);
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
