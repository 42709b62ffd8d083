import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: true });

it(
  "goes on by itself when the GPU is lost in the middle of a run",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=webgpu`);
    // Every step number that is ever on the screen.
    await page.evaluate(() => {
      const seen: number[] = [];
      Object.assign(window, { seen });
      new MutationObserver(() => seen.push(Number(document.querySelector(".timeline output b")!.textContent))).observe(
        document.querySelector(".timeline output b")!,
        { characterData: true, childList: true, subtree: true },
      );
    });
    await playground.play();
    await playground.completed(3);
    const before = await playground.step();
    await browsing().crashGpu();
    await page.getByText(/The run goes on where it was/).waitFor();
    await playground.completed(before + 3);
    await playground.pause();
    const seen = await page.evaluate(() => (window as unknown as { seen: number[] }).seen);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    for (let step = 1; step <= before + 3; step++) expect(await playground.meanReward(step)).toBeGreaterThanOrEqual(0);
    expect(browsing().complaints.filter((text) => !/device.*lost|GPU process|context.*lost/i.test(text))).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "offers the run of a closed browser, and takes it up where it was",
  async () => {
    const first = new Playground(await browsing().newPage());
    await first.open(`${browsing().url}${SMALL_RUN}&engine=portable&recipe=dr-grpo`);
    await first.play();
    await first.completed(12);
    await first.pause();
    const steps = await first.oneStep();
    const reward = await first.meanReward(steps);
    await browsing().restart();

    const second = new Playground(await browsing().newPage());
    await second.open(`${browsing().url}${SMALL_RUN}&engine=portable`);
    await second.page.getByText(`nano · Reverse · Dr. GRPO · ${steps} steps`).waitFor();
    await second.button("Resume").click();
    await second.page.waitForFunction((n) => Number(document.querySelector(".timeline output b")?.textContent) === n + 1, steps, {
      polling: 100,
      timeout: PATIENCE,
    });
    expect(await second.page.getByLabel("Recipe", { exact: true }).inputValue()).toBe("dr-grpo");
    // The charts have the whole history back.
    await second.page.waitForFunction(
      (wanted) =>
        Math.abs(Number(document.querySelector("[aria-label=Learning] .chart-value.blue")?.textContent?.replace("reward", "")) - wanted) <
        0.006,
      reward,
      { polling: 100 },
    );
    expect(await second.oneStep()).toBe(steps + 1);
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
