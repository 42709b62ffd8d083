import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

const address = () => `${browsing().url}${SMALL_RUN}&engine=portable`;

it(
  "branches a second run off, trains both in step, and shows the same group of each",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(address());
    await playground.oneStep();
    await playground.button("Compare").click();
    await page.getByRole("tab", { name: "Side by side" }).click();
    expect(await playground.button("A/B the knobs just turned").isDisabled()).toBe(true);
    const rate = page.getByLabel("Learning rate", { exact: true });
    await rate.fill("0.003");
    await rate.press("Enter");
    await playground.button("A/B the knobs just turned").click();
    // Not a knob was turned before step 2, so both have the same first step; from step 3 on they answer differently.
    await playground.button("Step both").click();
    const told = page.locator(".both-names");
    await told.getByText(/step 2[\s\S]*Learning rate .* from step 2, step 2/).waitFor();
    await page.locator(".compare .shared").first().waitFor();
    const answers = (side: "left" | "right") =>
      page.locator(`.beside tbody tr td.answer:nth-child(${side === "left" ? 1 : 4})`).allTextContents();
    // Both still compute, one after the other.
    await expect
      .poll(async () => {
        const [left, right] = [await answers("left"), await answers("right")];
        return left.length > 0 && left.join() === right.join();
      })
      .toBe(true);

    await playground.button(/Train both/).click();
    await told.getByText(/on screen, step (?:[6-9]|\d\d)/).waitFor({ timeout: PATIENCE });
    await playground.button(/Pause both/).click();
    await playground.button(/Train both/).waitFor();
    // Neither computes any more, and both have finished the step that they were in.
    await page.getByRole("button", { name: "Step both", disabled: false }).waitFor();
    expect(await told.textContent()).toMatch(/, step (\d+).*, step \1$/s);
    await page.locator(".beside").waitFor();
    // The second run's curves are on the charts, named by what differs and nothing else.
    expect(await page.getByLabel("Pinned runs").textContent()).toMatch(/^Learning rate \S+ from step 2×$/);
    await expect.poll(() => page.locator("[data-chart=reward] .recharts-line").count()).toBe(4);

    await page.getByRole("tab", { name: "Runs tried" }).click();
    await page.locator(".tried tbody tr").nth(1).waitFor();
    await expect.poll(() => page.locator(".tried tbody tr", { hasText: "Learning rate" }).count()).toBe(1);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "runs seeds in the background, tells the finding in words, and can be cancelled",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(address());
    await playground.button("Compare").click();
    await page.getByRole("tab", { name: "Over seeds" }).click();
    await page.getByLabel("Seeds", { exact: true }).selectOption("2");
    await page.getByLabel("Steps", { exact: true }).selectOption("5");
    await page.getByLabel("Against", { exact: true }).selectOption("dr-grpo");
    await playground.button("Run the seeds").click();
    // The run on screen goes on beside it.
    await playground.play();
    await playground.completed(2);
    await playground.pause();
    await page.getByText("4 runs", { exact: true }).waitFor({ timeout: PATIENCE });
    await page
      .locator(".finding", {
        hasText: /GRPO against Dr\. GRPO: .* points \(pass@1 .*; 95 % interval .*; 2 seeds\).*(inconclusive|holds|not hold)/i,
      })
      .waitFor();
    await expect.poll(() => page.locator(".ends td").count()).toBe(4);
    await page.getByRole("button", { name: "numbers" }).first().click();
    await expect.poll(() => page.locator(".curve-table tbody tr").count()).toBe(5);

    await page.getByLabel("Steps", { exact: true }).selectOption("200");
    await playground.button("Run the seeds").click();
    await page.waitForFunction(() => (document.querySelector<HTMLProgressElement>(".sweep-result progress")?.value ?? 0) > 0);
    await page.locator(".sweep-form").getByRole("button", { name: "Cancel" }).click();
    await page.getByText(/stopped after \d of 4 runs/).waitFor();
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);
