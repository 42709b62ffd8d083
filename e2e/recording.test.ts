import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

const complaints = () => browsing().complaints.filter((text) => !/No available adapters/.test(text));

it(
  "shows a recording as what it is, plays and scrubs it without an engine, and trains it live when asked",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await page.goto(`${browsing().url}?recording=reverse`);
    const label = page.getByRole("region", { name: "Recording" });
    await label.getByText(/Recording of a real run: made on portable \(1 thread\), \d+ \w+ \d{4}\./).waitFor();
    expect(page.workers()).toHaveLength(0);
    await page.getByText(/Knobs only show here/).waitFor();
    expect(await page.getByRole("button", { name: "Fork" }).isDisabled()).toBe(true);

    const slider = page.getByLabel("Look back at a step");
    await slider.fill("12");
    await page.locator(".timeline output", { hasText: "step 12" }).waitFor();
    for (const phase of ["prompts", "rollouts", "verdicts", "rewards", "advantages", "update", "evaluation"]) {
      await page.getByRole("navigation", { name: "Run" }).getByRole("button", { name: phase, exact: true }).click();
      await page.locator(".stage h2").first().waitFor();
    }
    await playground.button("Reset").click();
    const sure = page.getByRole("dialog").getByRole("button", { name: "Reset" });
    await sure.click();
    await playground.at(1);
    await playground.phase("Verdicts");
    await playground.button(/Play$/).click();
    await playground.completed(3);
    await playground.button(/Pause$/).click();
    expect(page.workers()).toHaveLength(0);
    await label.waitFor();

    await playground.button("Train it yourself").click();
    await label.waitFor({ state: "detached", timeout: PATIENCE });
    await playground.at(1);
    await playground.phase("Verdicts");
    expect(page.workers().length).toBeGreaterThan(0);
    await playground.oneStep();
    await page.getByRole("button", { name: "Fork", disabled: false }).waitFor();
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "makes a recording of a run, opens its file in the run's place, and refuses a damaged one",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}?policy=nano&task=reverse&level=4&engine=portable&set=sampler.promptsPerStep=4`);
    await playground.oneStep();
    await playground.button("Runs").click();
    await page
      .getByRole("button", { name: /^Export/ })
      .first()
      .click();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: /^As a recording/ }).click();
    const file = await (await saved).path();
    const input = page.getByLabel("Run file to import");
    await input.setInputFiles({ name: "bad.rlvr-recording", mimeType: "", buffer: Buffer.from([0x1f, 0x8b, 1, 2, 3]) });
    await page.getByText("This recording is damaged or cut off.").waitFor();
    expect(await page.getByRole("region", { name: "Recording" }).count()).toBe(0);
    await input.setInputFiles(file!);
    await page.getByText(/Recording of a real run: made on portable/).waitFor();
    expect(await playground.step()).toBe(1);
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "is kept for offline use once it was used",
  async () => {
    const page = await browsing().newPage();
    await page.goto(browsing().url);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const kept = () =>
      page.evaluate(async () => {
        const urls = await Promise.all(
          (await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)),
        );
        return urls.flat().filter((url) => url.includes("recordings/")).length;
      });
    await page.evaluate(async () => {
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) if (request.url.includes("recordings/")) await cache.delete(request);
      }
    });
    expect(await kept()).toBe(0);
    await page.goto(`${browsing().url}?recording=reverse`);
    await page.getByText(/Recording of a real run/).waitFor();
    await expect.poll(kept, { timeout: PATIENCE }).toBe(1);
    await page.close();
  },
  2 * PATIENCE,
);
