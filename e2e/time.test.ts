import { readFile } from "node:fs/promises";
import type { Page } from "playwright";
import { expect, it, onTestFinished } from "vitest";
import { smallSetup } from "../src/loop/testing.ts";
import { browse, sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** Going back in a run, forking it, keeping it and handing it on, as a person does it. */

const browsing = sharedBrowser({ gpu: false });

const RUN = `${SMALL_RUN}&engine=portable&set=evaluation.every=5`;

/** The first rows on the stage: a long list draws no more than can be seen. */
async function answers(page: Page): Promise<(string | null)[]> {
  const rows = page.locator(".stage [role=row]");
  await rows.nth(7).waitFor({ state: "attached" });
  return rows.evaluateAll((all) => all.slice(0, 8).map((row) => row.textContent));
}

async function steps(playground: Playground, count: number, until: number): Promise<void> {
  const field = playground.page.getByLabel("How many steps");
  await field.fill(String(count));
  await field.press("Enter");
  await field.blur();
  await playground.completed(until);
  await playground.rest();
}

const timeline = (page: Page) => page.getByLabel("Look back at a step");

async function lookAt(playground: Playground, step: number): Promise<void> {
  await timeline(playground.page).fill(String(step));
  await playground.page.locator(".of-step", { hasText: `looking back at step ${step}` }).waitFor();
}

it(
  "looks back at any step as it was, forks there with a changed knob, keeps both runs, and hands one on as a file",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${RUN}`);

    // Step 3 while it is the newest, to compare with later.
    await steps(playground, 3, 3);
    await playground.button("verdicts").click();
    const then = await answers(page);
    expect(then.join()).toMatch(/right.*≠|≠.*right/);
    const temperature = page.getByLabel("Temperature", { exact: true });
    await temperature.fill("0.8");
    await temperature.press("Enter");
    await steps(playground, 9, 12);

    // Look back: the answers, and the knobs as they were.
    await lookAt(playground, 3);
    await playground.button("verdicts").click();
    expect(await answers(page)).toEqual(then);
    expect(await temperature.inputValue()).toBe("1");
    await page.keyboard.press("ArrowRight");
    await page.locator(".of-step", { hasText: "looking back at step 4" }).waitFor();
    expect(await temperature.inputValue()).toBe("0.8");
    await page.keyboard.press("Home");
    await page.locator(".of-step", { hasText: "looking back at step 1" }).waitFor();
    await page.keyboard.press("End");
    await playground.button("now").waitFor();
    await page.getByRole("button", { name: /^From step 4: .*Temperature 0\.8/ }).waitFor();

    // Fork at step 3 with another group size.
    await lookAt(playground, 3);
    const groupSize = page.getByLabel("Group size", { exact: true });
    await groupSize.fill("3");
    await groupSize.press("Enter");
    await page.getByText("holds in a fork, from step 4 on").waitFor();
    await playground.button(/^Fork at 3/).click();
    await page.getByText("step 4", { exact: true }).first().waitFor();
    await playground.button("now").waitFor();
    expect(await groupSize.inputValue()).toBe("3");
    expect(await temperature.inputValue()).toBe("1");
    await steps(playground, 2, 5);
    await playground.button("rollouts").click();
    expect((await playground.facts()).answers).toBe("18");
    // What they share can be looked at in both.
    await lookAt(playground, 3);
    await playground.button("verdicts").click();
    expect(await answers(page)).toEqual(then);
    await playground.backToLive();

    // Both are kept; names, search, and a deletion that is taken back.
    await playground.button("Runs").click();
    const runs = page.getByRole("dialog", { name: "Kept runs" });
    await runs.getByText("on screen").waitFor();
    await expect.poll(() => runs.getByRole("row").count()).toBe(3);
    await runs.getByText(/from “GRPO” at step 3/).waitFor();
    const name = runs.getByLabel("Name of GRPO");
    await name.fill("The original");
    await name.press("Enter");
    await runs.getByLabel("Name of The original").waitFor();
    await runs.getByLabel("Search kept runs").fill("original");
    await expect.poll(() => runs.getByRole("row").count()).toBe(2);
    await runs.getByLabel("Search kept runs").fill("");
    await runs.getByLabel("Delete The original").click();
    await runs.getByText("“The original” is deleted.").waitFor();
    await runs.getByLabel("Undo deleting The original").click();
    await runs.getByLabel("Name of The original").waitFor();

    // Export the original, forget it, import it again, and go on: the next step is the same as in the original.
    await runs.getByLabel("Export The original").click();
    const [download] = await Promise.all([page.waitForEvent("download"), runs.getByRole("button", { name: /^Run file all/ }).click()]);
    expect(download.suggestedFilename()).toBe("The-original-12-steps.rlvr.json");
    const file = (await download.path())!;
    await page.keyboard.press("Escape");
    await playground.button("Runs").click();
    const open = (title: string) => runs.getByRole("row", { name: title }).getByRole("button", { name: "Open" });
    await open("The original").click();
    await page.locator(".of-step", { hasText: "step 13" }).waitFor();
    await steps(playground, 1, 13);
    const reward = await playground.meanReward(13);
    await playground.button("update").click();
    const update = await playground.facts();
    await playground.backToLive();

    await playground.button("Runs").click();
    await open("Fork at step 3").click();
    await page.locator(".of-step", { hasText: "step 6" }).waitFor();
    await playground.button("Runs").click();
    await runs.getByLabel("Delete The original").click();
    await runs.getByLabel("Close the kept runs").click();
    await playground.button("Runs").click();
    await expect.poll(() => runs.getByRole("row").count()).toBe(2);
    await runs.getByLabel("Run file to import").setInputFiles(file);
    await page.getByText("The run of the file is kept here now, with 12 steps").waitFor();
    await open("The original").click();
    await page.locator(".of-step", { hasText: "step 13" }).waitFor();
    // A step before the file's snapshot is computed again, and comes to the same.
    await timeline(page).fill("3");
    await page.getByText("computed again, the same").waitFor();
    await playground.button("verdicts").click();
    expect(await answers(page)).toEqual(then);
    await playground.backToLive();
    await steps(playground, 1, 13);
    expect(await playground.meanReward(13)).toBe(reward);
    await playground.button("update").click();
    expect(await playground.facts()).toEqual(update);
    await playground.backToLive();

    // What is no run says so and changes nothing.
    await playground.button("Runs").click();
    await runs.getByText("on screen").waitFor();
    const rows = await runs.getByRole("row").count();
    const text = (await readFile(file)).toString();
    for (const [content, words] of [
      ["<script>alert(1)</script>", /not a run of the playground/],
      [text.slice(0, 5000), /cut off/],
      [text.replace('"version":1', '"version":9'), /newer than this page knows/],
      [text.replace('"seed":7', '"seed":1e99'), /seed must be a whole number/],
    ] as const) {
      await runs
        .getByLabel("Run file to import")
        .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(content) });
      const refusal = page.getByRole("alert").filter({ hasText: words });
      await refusal.getByRole("button", { name: "Close this message" }).click();
      await refusal.waitFor({ state: "detached" });
    }
    expect(await runs.getByRole("row").count()).toBe(rows);
    await page.keyboard.press("Escape");

    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("look back one step").waitFor();
    await page.keyboard.press("Escape");
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "slow motion shows one phase after another, and the run goes on while a person looks back",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${RUN}`);
    await page.getByLabel("Speed").selectOption("250");
    // Each is shown for a moment only: the page itself takes down which, because who asks now and then may miss some.
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(window, { seen });
      const look = () => {
        const title = document.querySelector(".stage h2")?.firstChild?.textContent ?? "";
        if (title !== seen.at(-1)) seen.push(title);
      };
      new MutationObserver(look).observe(document.body, { childList: true, characterData: true, subtree: true });
    });
    await playground.play();
    await page.waitForFunction(() => /Rewards.*Advantages.*Update/.test((window as unknown as { seen: string[] }).seen.join()), undefined, {
      timeout: PATIENCE,
    });
    await page.getByLabel("Speed").selectOption("0");
    await playground.completed(3);
    await lookAt(playground, 1);
    await playground.button("verdicts").click();
    const seen = await answers(page);
    await page.waitForTimeout(1500);
    expect(await playground.step()).toBe(1);
    expect(await answers(page)).toEqual(seen);
    await playground.button(/Pause$/).waitFor();
    await playground.backToLive();
    await playground.completed(4);
    await playground.pause();
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "takes over what an earlier version of the page kept",
  async () => {
    const fresh = await browse({ gpu: false });
    onTestFinished(() => fresh.close());
    const playground = new Playground(await fresh.newPage());
    const { page } = playground;
    // Any file of the site will do: the storage belongs to the address.
    await page.goto(`${fresh.url}policies/index.json`);
    const old = { id: "old", setup: smallSetup({ "sampler.promptsPerStep": 2 }), edits: [], plan: {}, steps: 1, savedAt: Date.now() };
    await page.evaluate(
      (run) =>
        new Promise<void>((resolve, reject) => {
          const request = indexedDB.open("rlvr-playground", 1);
          request.onerror = reject;
          request.onupgradeneeded = () => {
            request.result.createObjectStore("runs", { keyPath: "id" });
            request.result.createObjectStore("metrics");
          };
          request.onsuccess = () => {
            const transaction = request.result.transaction(["runs", "metrics"], "readwrite");
            transaction.objectStore("runs").put(run);
            transaction.objectStore("metrics").put({ step: 1, reward: 0.5 }, ["old", 1]);
            transaction.oncomplete = () => {
              request.result.close();
              resolve();
            };
          };
        }),
      old,
    );
    await playground.open(`${fresh.url}${RUN}`);
    await page.getByText("nano · Reverse · GRPO · 1 step").waitFor();
    await playground.button("Resume").click();
    await page.locator(".of-step", { hasText: "step 2" }).waitFor();
    await playground.oneStep();
    await playground.button("Runs").click();
    await page.getByRole("dialog", { name: "Kept runs" }).getByText("on screen").waitFor();
    expect(fresh.complaints).toEqual([]);
  },
  2 * PATIENCE,
);
