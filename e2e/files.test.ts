import { readFile } from "node:fs/promises";
import type { Page } from "playwright";
import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** Runs as files: dropped on the page, and exported whether they are on screen or not. */

const browsing = sharedBrowser({ gpu: false });

/** Drags a file over the page, and lets it fall if it is welcome. */
async function drop(page: Page, name: string, content: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([name, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], name, { type: "application/json" }));
      return transfer;
    },
    [name, content] as const,
  );
  await page.dispatchEvent("body", "dragover", { dataTransfer });
  await page.dispatchEvent("body", "drop", { dataTransfer });
}

it(
  "takes a dropped file in, refuses a damaged one, and computes the answers of a kept run again",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable&set=evaluation.every=0`);
    await playground.oneStep();
    await playground.oneStep();
    await playground.button("Runs").click();
    const runs = page.getByRole("dialog", { name: "Kept runs" });
    const row = (which: "here" | "copy") =>
      runs.getByRole("row").filter(which === "here" ? { hasText: "on screen" } : { has: page.getByRole("button", { name: "Open" }) });
    const exported = async (which: "here" | "copy", what: RegExp) => {
      await row(which).getByRole("button", { name: "Export" }).click();
      const [saved] = await Promise.all([
        page.waitForEvent("download", { timeout: PATIENCE }),
        runs.getByRole("button", { name: what }).click(),
      ]);
      const file = await readFile((await saved.path())!, "utf8");
      // The menu closes by itself where one clicks outside of it.
      await runs.getByRole("heading", { name: "Kept runs" }).click();
      return file;
    };
    const file = await exported("here", /^Run file all/);
    const answers = await exported("here", /^Answers/);
    expect(answers.trim().split("\n")).toHaveLength(2 * 24);
    await runs.getByLabel("Close the kept runs").click();

    await drop(page, "cut.rlvr.json", file.slice(0, 2000));
    await page
      .getByRole("alert")
      .getByText(/cut off/)
      .waitFor();
    await expect.poll(() => runs.getByRole("row").count()).toBe(2);
    await runs.getByLabel("Close the kept runs").click();
    await drop(page, "run.rlvr.json", file);
    await page.getByText("The run of the file is kept here now, with 2 steps").waitFor();
    await expect.poll(() => runs.getByRole("row").count()).toBe(3);

    // Nobody has the copy's answers any more; computed again they are the same.
    expect(await exported("copy", /^All answers/)).toBe(answers);
    expect(await playground.step()).toBe(2);
    expect(browsing().complaints.filter((text) => !/No available adapters/.test(text))).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "keeps large weights in files, and a run without its file from its beginning",
  async () => {
    const first = new Playground(await browsing().newPage());
    const run = `${SMALL_RUN.replace("nano", "tiny")}&engine=portable&set=evaluation.every=0`;
    await first.open(`${browsing().url}${run}`);
    await first.play();
    // After ten steps there is a snapshot, wherever in a step the pause comes; what was kept before goes.
    await first.completed(10);
    await first.pause();
    const sizes = () =>
      first.page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("weights", { create: true });
        const found: number[] = [];
        for await (const handle of folder.values()) found.push((await (handle as FileSystemFileHandle).getFile()).size);
        return found;
      });
    // theta and Adam's two moments.
    const weights = 453_216 * 4 * 3;
    await expect.poll(sizes).toEqual([weights]);

    const kept = await first.page.evaluate(async () => {
      const request = indexedDB.open("rlvr-playground");
      const database = await new Promise<IDBDatabase>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
      const all = database.transaction("snapshots").objectStore("snapshots").getAll();
      const found = await new Promise<{ state: { theta: Float32Array } }[]>((resolve) => {
        all.onsuccess = () => resolve(all.result);
      });
      database.close();
      return found.map(({ state }) => state.theta.length);
    });
    expect(kept).toContain(0);

    // A visit later it goes on from its file.
    await first.page.reload();
    await first.phase("Verdicts");
    const offer = (await first.page.getByText(/tiny · Reverse · GRPO · \d+ steps/).textContent())!;
    const next = 1 + Number(/(\d+) steps/.exec(offer)![1]);
    await first.button("Resume").click();
    await first.at(next);
    expect(await first.oneStep()).toBe(next);
    const reward = await first.meanReward(next);
    await first.button("Runs").click();
    const runs = first.page.getByRole("dialog", { name: "Kept runs" });
    await runs.getByText("on screen").waitFor();
    await runs.getByLabel("Close the kept runs").click();

    // And if somebody has deleted the file, by computing its steps again: the same.
    await first.page.reload();
    await first.phase("Verdicts");
    await first.page.evaluate(async () => (await navigator.storage.getDirectory()).removeEntry("weights", { recursive: true }));
    await first.button("Resume").click();
    await first.page.locator(".of-step", { hasText: new RegExp(`^step ${next + 1}$`) }).waitFor({ timeout: PATIENCE });
    expect(await first.meanReward(next)).toBe(reward);
    expect(browsing().complaints.filter((text) => !/No available adapters/.test(text))).toEqual([]);
    await first.page.close();
  },
  2 * PATIENCE,
);

it(
  "takes no file where a link hides the kept runs, and keys of hidden parts do nothing",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable&set=evaluation.every=0&hide=runs,timeline,knobs`);
    await playground.button("Step").click();
    await playground.rest();
    await playground.phase("Evaluation");
    await drop(page, "run.rlvr.json", "{}");
    await page.getByText(/No file is taken in here/).waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);
    for (const key of ["Home", "ArrowLeft", "f"]) await page.keyboard.press(key);
    // Would any of them have done something, this would come after it.
    await page.keyboard.press(".");
    await playground.phase("Prompts");
    await page.locator(".of-step", { hasText: /^step 2$/ }).waitFor();
    await page.close();
  },
  2 * PATIENCE,
);
