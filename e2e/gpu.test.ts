import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** What takes a second worker, or a measured speed, on a GPU: emulated in software here, so the runs are as small as can be. */

const browsing = sharedBrowser({ gpu: true });

it(
  "trains two runs beside each other, each on a device of its own",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=webgpu&set=evaluation.every=0`);
    expect(await playground.button(/^Engine: /).getAttribute("aria-label")).not.toContain("portable");
    expect(await playground.oneStep()).toBe(1);
    const rate = page.getByLabel("Learning rate", { exact: true });
    await rate.fill("0.003");
    await rate.press("Enter");
    await page.getByText("From step 2: Learning rate 0.003").waitFor();
    await playground.button("Compare").click();
    await page.getByRole("tab", { name: "Side by side" }).click();
    await playground.button("A/B the knobs just turned").click();
    const both = page.getByRole("button", { name: "Step both", disabled: false });
    await both.waitFor({ timeout: PATIENCE });
    // The knob is felt in the update of step 2, so that both give the same answers there, and not in step 3.
    const answers = (side: "left" | "right") =>
      page.locator(`.beside tbody tr td.answer:nth-child(${side === "left" ? 1 : 4})`).allTextContents();
    for (const step of [2, 3]) {
      await both.click();
      for (const i of [0, 1]) {
        await page.locator(".both-names li").nth(i).getByText(`step ${step}`, { exact: true }).waitFor({ timeout: PATIENCE });
      }
      await both.waitFor({ timeout: PATIENCE });
      await page.getByText(new RegExp(`^Step ${step}, group 1 of 6`)).waitFor();
      if (step === 2) await expect.poll(async () => (await answers("left")).join() === (await answers("right")).join()).toBe(true);
    }
    expect(await page.getByLabel("Pinned runs").textContent()).toMatch(/^Learning rate \S+ from step 2×$/);
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "sizes a lesson to its speed, and guides through its first parts",
  async () => {
    const page = await browsing().newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${browsing().url}?lesson=verifiable-reward&engine=webgpu`);
    const lesson = page.getByRole("region", { name: /^Lesson: / });
    const next = () => lesson.getByRole("button", { name: "Next" }).click();
    await lesson.getByRole("heading", { name: "Many answers can be right" }).waitFor();
    await lesson.getByLabel("No, it computes the answer").check();
    await lesson
      .locator(".reveal")
      .getByText(/It needs no key/)
      .waitFor();
    expect(await page.getByLabel("Policy", { exact: true }).inputValue()).toMatch(/^(nano|tiny)$/);
    await next();
    await lesson.getByRole("heading", { name: "It gives its reasons" }).waitFor();
    await page.getByRole("heading", { name: /^Verdicts/ }).waitFor();
    await next();
    await lesson.getByLabel("Two: right and wrong").check();
    await lesson.getByRole("button", { name: "Turn verdicts into rewards" }).click();
    await lesson
      .locator(".reveal")
      .getByText(/Nearly right earns nothing/)
      .waitFor();
    await page.getByRole("heading", { name: /^Rewards/ }).waitFor();
    expect(await page.getByRole("button", { name: /^Engine: / }).getAttribute("aria-label")).not.toContain("portable");
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);
