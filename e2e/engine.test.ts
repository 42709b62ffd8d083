import type { Page } from "playwright";
import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: true });

const NAME = /^Engine: /;

/** Stands in for a driver that compiles one kernel wrongly: the page's worker is served with a line more. */
async function miscompile(page: Page, kernel: string, right: string, wrong: string): Promise<void> {
  const patch = (kernel: string, right: string, wrong: string) => {
    const compile = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (this: GPUDevice, descriptor: GPUShaderModuleDescriptor) {
      const code = descriptor.label === kernel ? descriptor.code.replaceAll(right, wrong) : descriptor.code;
      return compile.call(this, { ...descriptor, code });
    };
  };
  await page.route(/\/assets\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const line = `(${patch})(${[kernel, right, wrong].map((text) => JSON.stringify(text)).join(", ")});`;
    await route.fulfill({ response, body: `${await response.text()}\n${line}` });
  });
}

/** What earlier visits found out about GPUs. */
const findings = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<unknown[]>((resolve, reject) => {
        const opening = indexedDB.open("rlvr-playground-engine");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const asking = opening.result.transaction("findings").objectStore("findings").getAll();
          asking.onsuccess = () => resolve(asking.result);
          asking.onerror = () => reject(asking.error);
        };
      }),
  );

it(
  "a GPU that computes wrongly runs on plain kernels, and the page says what was wrong and by how much",
  async () => {
    const broken = new Playground(await browsing().newPage());
    await miscompile(broken.page, "row_forward", "sqrt(", "cos(");
    await broken.open(`${browsing().url}${SMALL_RUN}&engine=webgpu`);
    expect(await broken.button(NAME).getAttribute("aria-label")).not.toContain("portable");
    await broken.button(NAME).click();
    await broken.page.getByText(/^The self-test found that on .* off by [\d.]+ %: the plain kernels are used instead/).waitFor();
    await broken.page.keyboard.press("Escape");
    for (let step = 1; step <= 3; step++) expect(await broken.oneStep()).toBe(step);
    const rewards = [await broken.meanReward(1), await broken.meanReward(2)];

    // The same run on the same GPU without the fault: the same answers.
    const sound = new Playground(await browsing().newPage());
    await sound.open(`${browsing().url}${SMALL_RUN}&engine=webgpu`);
    await sound.button(NAME).click();
    await sound.page.getByText(/chosen by name/).waitFor();
    await sound.page.keyboard.press("Escape");
    for (let step = 1; step <= 3; step++) expect(await sound.oneStep()).toBe(step);
    expect([await sound.meanReward(1), await sound.meanReward(2)]).toEqual(rewards);
    expect(await findings(sound.page)).toEqual([{ passed: true }]);
    expect(browsing().complaints).toEqual([]);
  },
  3 * PATIENCE,
);

it(
  "an emulated GPU is left alone, with the reason, until it is asked for",
  async () => {
    const playground = new Playground(await browsing().newPage());
    await playground.open(`${browsing().url}${SMALL_RUN}`);
    await playground.button(/^Engine: portable/).click();
    await playground.page.getByText(/ is emulated in software and .* the portable engine, which is used instead\.$/).waitFor();
    await playground.page.getByRole("link", { name: "Use the emulated GPU all the same" }).click();
    await playground.phase("Verdicts");
    expect(await playground.button(NAME).getAttribute("aria-label")).not.toContain("portable");
    expect(playground.page.url()).toContain("engine=webgpu");
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
