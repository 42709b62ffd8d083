import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { readResultCode, writeResultCode } from "../src/app/workshop/result-code.ts";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

const address = () => `${browsing().url}${SMALL_RUN}&engine=portable`;
/** The browser says so whenever a page asks for a GPU and there is none. */
const complaints = () => browsing().complaints.filter((text) => !/No available adapters/.test(text));

it(
  "replays a link to its very place, with knobs turned on the way and controls hidden",
  async () => {
    const first = new Playground(await browsing().newPage());
    await first.open(address());
    await first.oneStep();
    const rate = first.page.getByLabel("Learning rate", { exact: true });
    await rate.fill("0.002");
    await rate.press("Enter");
    await first.page.getByText("From step 2: Learning rate 0.002").waitFor();
    await first.oneStep();
    await first.oneStep();
    const rewards = [await first.meanReward(2), await first.meanReward(3)];
    await first.backToLive();
    await first.button("Share this run").click();
    await first.page.getByText("this very place").click();
    await first.page.getByText(/Hide controls/).click();
    for (const name of ["Seed", "Charts", "Optimizer"]) await first.page.locator(".hideable").getByLabel(name, { exact: true }).check();
    const link = await first.page.getByLabel("Link to this run").inputValue();
    expect(link.length).toBeLessThan(500);
    expect(await first.page.locator("svg.qr path").getAttribute("d")).toMatch(/^M0 0h1v1h-1z/);
    await first.page.close();

    const second = new Playground(await browsing().newPage());
    const { page } = second;
    // Three steps may be over before anybody looks.
    await page.addInitScript(() => {
      const told: string[] = [];
      Object.assign(window, { told });
      new MutationObserver(() => told.push(document.querySelector(".replay")?.textContent ?? "")).observe(document, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    await page.goto(`${link}&engine=portable`);
    await second.completed(3);
    await page.locator(".replay").waitFor({ state: "detached" });
    expect(await page.evaluate(() => (window as unknown as { told: string[] }).told.join())).toMatch(/run again: step \d of 3/);
    await second.rest();
    expect(await second.step()).toBe(3);
    expect(await page.getByLabel("Seed", { exact: true }).isVisible()).toBe(false);
    expect(await page.getByRole("complementary", { name: "Charts" }).isVisible()).toBe(false);
    expect(await page.getByLabel("Learning rate", { exact: true }).isVisible()).toBe(false);
    expect(await page.getByLabel("Group size", { exact: true }).isVisible()).toBe(true);
    expect(await page.getByLabel("Learning rate", { exact: true }).inputValue()).toBe("0.002");
    expect([await second.meanReward(2), await second.meanReward(3)]).toEqual(rewards);
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "refuses a hostile link in a sentence and starts as ever",
  async () => {
    const playground = new Playground(await browsing().newPage());
    await playground.open(`${address()}&step=1e9&hide=%22%5D%7Bcolor:red%7D&edit=1:__proto__.x=1&phase=%3Cimg src=x%3E`);
    const told = await playground.page.getByRole("alert").or(playground.page.locator(".toast.error")).first().textContent();
    for (const part of ["step must be", "nothing to hide", "__proto__", "phase must be"]) expect(told).toContain(part);
    expect(await playground.step()).toBe(1);
    expect(complaints()).toEqual([]);
    await playground.page.close();
  },
  2 * PATIENCE,
);

it(
  "makes a result code, which the class board takes, draws, keeps and exports",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(address());
    await playground.oneStep();
    await page.locator(".pass-at-k", { hasText: "step 1" }).waitFor();
    await playground.button("Share this run").click();
    await playground.button("Make a result code").click();
    const code = await page.getByLabel("Result code", { exact: true }).inputValue();
    await page.goto(`${browsing().url}?board`);
    const wrong = code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");
    await page.getByLabel("Result codes").fill(`${code}\n${wrong}`);
    await playground.button("Add").click();
    await page.getByText(/1 result added\. .*a letter of this code is wrong/).waitFor();
    await expect.poll(() => page.locator(".dot-plot circle").count()).toBe(1);
    await page.reload();
    await expect.poll(() => page.locator(".dot-plot circle").count()).toBe(1);
    expect(await page.locator(".board tbody td").nth(1).textContent()).toBe("7");
    // The rest of the class: thirty seeds of one experiment, with their mean and its interval.
    const { setup } = readResultCode(code);
    const others = Array.from({ length: 29 }, (_, i) =>
      writeResultCode({ setup, seed: 100 + i, before: 0.2, after: 0.4 + (i % 10) / 50, steps: 1 }),
    );
    await page.getByLabel("Result codes").fill(others.join("\n"));
    await playground.button("Add").click();
    await page.getByText("29 results added.").waitFor();
    await expect.poll(() => page.locator(".dot-plot circle").count()).toBe(30);
    await page.getByText(/30 runs, mean \d+(\.\d+)?% \(95 % interval \d/).waitFor();

    const saved = page.waitForEvent("download");
    await playground.button("CSV").click();
    const file = await readFile((await (await saved).path())!, "utf8");
    expect(file.trim().split("\r\n")).toHaveLength(1 + 30);
    expect(file.split("\r\n")[0]).toBe("setup,seed,steps,pass@1 before,pass@1 after,code");
    expect(file).toContain(code);
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "checks a machine, and says what it found in a text to copy",
  async () => {
    const page = await browsing().newPage();
    await page.goto(`${browsing().url}?selfcheck`);
    // How fast it is, is the machine's affair.
    await page.getByText(/This machine can take part|Something is in the way/).waitFor({ timeout: PATIENCE });
    const text = await page.getByLabel("The result as text").inputValue();
    expect(text).toMatch(/✓ Secure and isolated/);
    expect(text).toMatch(/– GPU: /);
    expect(text).toMatch(/Training speed: [1-9]\d* tokens a second while training, on portable/);
    expect(text).toMatch(/✓ Storage: works/);
    expect(text).toMatch(/Browser: Mozilla/);
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "presents in large type, saves charts, and resets everything",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(address());
    await playground.oneStep();
    // Charts take turns to draw.
    await page.locator("[data-chart=reward] svg circle").first().waitFor();
    for (const kind of ["svg", "png", "csv"]) {
      const saved = page.waitForEvent("download");
      await playground.button(`Save the chart as ${kind.toUpperCase()}`).click();
      const file = await readFile((await (await saved).path())!);
      if (kind === "png") expect([...file.subarray(1, 4)]).toEqual([..."PNG"].map((c) => c.charCodeAt(0)));
      if (kind === "svg") expect(file.toString()).toMatch(/^<svg xmlns.*<title>Learning<.*<circle/s);
      if (kind === "csv") expect(file.toString()).toMatch(/^step,reward,pass@1\r\n/);
    }
    const before = (await playground.button(/Play$/).boundingBox())!.height;
    await page.keyboard.press("p");
    await page.locator(".app.presenting").waitFor();
    expect((await playground.button(/Play$/).boundingBox())!.height).toBeGreaterThan(before * 1.2);
    expect(await page.getByRole("region", { name: "Knobs" }).isVisible()).toBe(false);
    expect(
      await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth),
    ).toBe(true);
    await page.keyboard.press("p");

    await page.evaluate(() => localStorage.setItem("rlvr-mark", "1"));
    await playground.button("Share this run").click();
    await playground.button("Reset everything…").click();
    await playground.button("Delete everything").click();
    await page.waitForURL(browsing().url);
    await playground.phase("Verdicts");
    expect(await page.evaluate(() => localStorage.getItem("rlvr-mark"))).toBeNull();
    expect(await page.getByText(/Resume/).count()).toBe(0);
    expect(complaints()).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);
