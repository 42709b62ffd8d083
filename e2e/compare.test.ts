import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

const address = () => `${browsing().url}${SMALL_RUN}&engine=portable`;

it(
  "branches runs off, trains all in step, shows the same group of each, and ends one without the others",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(address());
    await playground.oneStep();
    await playground.button("Compare").click();
    await page.getByRole("tab", { name: "Side by side" }).click();
    expect(await playground.button("A/B the knobs just turned").isDisabled()).toBe(true);
    const turn = async (knob: string, value: string) => {
      const field = page.getByLabel(knob, { exact: true });
      await field.fill(value);
      await field.press("Enter");
    };
    const live = page.locator(".both-names li");
    /** Nobody computes, and nobody is on the way. */
    const rest = (all: "both" | "all") => page.getByRole("button", { name: `Step ${all}`, disabled: false }).waitFor({ timeout: PATIENCE });
    const stepsOf = async () => (await live.allTextContents()).map((text) => Number(/step (\d+)(?:End)?$/.exec(text)?.[1]));

    // Not a knob was turned before step 2, so both have the same first step; from step 3 on they answer differently.
    await turn("Learning rate", "0.003");
    await playground.button("A/B the knobs just turned").click();
    await page.locator(".both-names b").waitFor({ timeout: PATIENCE });
    await rest("both");
    await playground.button("Step both").click();
    for (const i of [0, 1]) await live.nth(i).getByText("step 2", { exact: true }).waitFor({ timeout: PATIENCE });
    await rest("both");
    expect(await live.nth(1).textContent()).toMatch(/Learning rate \S+ from step 2 step 2End$/);
    await page.locator(".compare .shared").first().waitFor();
    const answers = (side: "left" | "right") =>
      page.locator(`.beside tbody tr td.answer:nth-child(${side === "left" ? 1 : 4})`).allTextContents();
    await expect.poll(async () => (await answers("left")).length).toBe(4);
    await expect.poll(async () => (await answers("left")).join() === (await answers("right")).join()).toBe(true);

    // A third, without what is turned now.
    await playground.button("Add a run").click();
    await turn("Temperature", "0.5");
    await playground.button("A/B the knobs just turned").click();
    await page.locator(".both-names b").nth(1).waitFor({ timeout: PATIENCE });
    await rest("all");
    await playground.button("Train all").click();
    await live
      .first()
      .getByText(/^step (?:[5-9]|\d\d)$/)
      .waitFor({ timeout: PATIENCE });
    await playground.button("Pause all").click();
    await playground.button("Train all").waitFor({ timeout: PATIENCE });
    // Neither computes any more, and all have finished the step that they were in.
    await rest("all");
    const [reached, ...others] = await stepsOf();
    expect(others).toEqual([reached, reached]);
    await page.getByText(new RegExp(`^Step ${reached}, group 1 of 6`)).waitFor();
    await expect.poll(() => page.locator(".beside.narrow tbody td.answer").count()).toBe(12);
    // The others' curves are on the charts, named by what differs and nothing else.
    const pinned = page.getByLabel("Pinned runs").getByRole("listitem");
    expect(await pinned.allTextContents()).toEqual([
      expect.stringMatching(/^Learning rate \S+ from step 2; Temperature \S+ from step 3×$/),
      expect.stringMatching(/^Temperature \S+ from step 3×$/),
    ]);
    await expect.poll(() => page.locator("[data-chart=reward] .recharts-line").count()).toBe(6);

    // One is ended; the others go on.
    await page.getByRole("button", { name: /^End: .*Learning rate/ }).click();
    await rest("both");
    await playground.button("Step both").click();
    for (const i of [0, 1])
      await live
        .nth(i)
        .getByText(`step ${reached + 1}`, { exact: true })
        .waitFor({ timeout: PATIENCE });
    await expect.poll(() => pinned.count()).toBe(1);

    // What was ended stays kept, and may come back; those that are live are not offered again.
    await page.getByRole("tab", { name: "Runs tried" }).click();
    await page.locator(".tried tbody tr").nth(2).waitFor();
    await expect.poll(() => page.getByRole("button", { name: "beside", exact: true }).count()).toBe(1);
    expect(browsing().complaints).toEqual([]);
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
