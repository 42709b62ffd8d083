import type { Page } from "playwright";
import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** The views of the stage, as a person goes from phase to phase. */

const browsing = sharedBrowser({ gpu: false });

const VIEWS = ["Prompts", "Rollouts", "Rewards", "Advantages", "Weights", "Objective", "Update", "Evaluation"];

const shownTab = (page: Page) => page.getByRole("tab", { selected: true }).textContent();
const stage = (page: Page) => page.getByRole("tabpanel");
const number = (text: string) => Number(text.replace("−", "-"));

async function phase(playground: Playground, title: string): Promise<void> {
  await playground.button("Phase").click();
  await playground.phase(title);
}

/** Where the view lies on the screen: it must not move. */
const box = (page: Page) => page.locator("#stage-view").boundingBox();

it(
  "shows each phase in a view of its own, all from the same record",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable`);
    const wide = (await box(page))!;

    // Verdicts: what the verifier said, in words. What lies ahead says what will be here.
    expect(await shownTab(page)).toBe("Rewards");
    const judged = stage(page).getByRole("row", { name: /^answer/ });
    const spoken = (await judged.first().getAttribute("aria-label"))!;
    expect(spoken).toMatch(/, (right|wrong: .+)$/);
    await playground.view("Objective");
    await stage(page).getByText("Every token as a dot on the curve of the objective.").waitFor();
    await stage(page)
      .getByText(/from “update” on/)
      .waitFor();

    // The prompts as pictures: the given letters, and as many to find.
    await playground.view("Prompts");
    const card = stage(page).getByRole("article").first();
    const word = /reverse (\w+):/.exec((await card.getAttribute("aria-label"))!)![1];
    const tiles = await card.locator(".tile").allTextContents();
    expect(tiles).toEqual([...word, ...[...word].map(() => "?")]);

    // Answers as rows, then as trees: as many answers at the leaves.
    await playground.view("Rollouts");
    await stage(page).locator(".row .token").nth(10).waitFor();
    await playground.button("tree").click();
    const tree = stage(page).locator(".tree").first();
    await tree.locator(".leaf").first().waitFor();
    const times = await tree
      .locator(".leaf")
      .evaluateAll((leaves) => leaves.map((leaf) => Number(leaf.querySelector(".times")?.textContent?.slice(1) ?? 1)));
    expect(times.reduce((a, b) => a + b, 0)).toBe(4);
    await tree.locator(".token").first().click();
    await page
      .getByRole("region", { name: "Token inspector" })
      .getByText(/token 1 of/)
      .waitFor();
    await playground.button("rows").click();
    // The inspector takes its room from below; from here on nothing moves.
    const place = (await box(page))!;
    expect(place).toMatchObject({ x: wide.x, y: wide.y, width: wide.width });
    expect(place.height).toBeLessThan(wide.height);

    // From here the view follows the phase.
    await playground.button("follow").click();
    await phase(playground, "Rewards");
    expect(await shownTab(page)).toBe("Rewards");
    const rights = stage(page).getByRole("row", { name: /right.*reward 1\.00/ });
    if ((await rights.count()) > 0) expect(await rights.first().locator(".piece").count()).toBe(1);
    const wrongs = stage(page).getByRole("row", { name: /wrong.*reward 0\.00/ });
    expect(await wrongs.first().locator(".piece").count()).toBe(0);

    await phase(playground, "Advantages");
    expect(await shownTab(page)).toBe("Advantages");
    await stage(page).locator(".answers").first().waitFor();
    const groups = stage(page).locator(".group");
    const [plots, idle] = [await stage(page).locator(".group-plot").count(), await stage(page).locator(".idle-group").count()];
    expect(plots + idle).toBe(await groups.count());
    const [sentence] = await stage(page)
      .locator(".answers")
      .evaluateAll((marks) => marks.map((m) => m.getAttribute("aria-label")!));
    expect(sentence).toMatch(/^\d answers?: reward [\d.]+, advantage [+−]?[\d.]+$/);

    await phase(playground, "Update");
    expect(await shownTab(page)).toBe("Update");
    await expect.poll(() => stage(page).locator(".gradients li").count()).toBe(4);
    await playground.oneStep();

    // The objective: the dots can be walked by keys, and each tells what the inspector shows.
    await playground.view("Objective");
    const dots = stage(page).getByRole("slider", { name: /tokens over the ratio/ });
    expect(Number(/^\d+/.exec((await dots.getAttribute("aria-label"))!)![0])).toBeGreaterThan(20);
    await dots.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await dots.getAttribute("aria-valuetext")).toMatch(/, ratio [\d.]+, loss −?[\d.]+, (not clipped|held)/);
    await page
      .getByRole("region", { name: "Token inspector" })
      .getByText(/token \d+ of/)
      .waitFor();
    // The canvas holds a picture, not one colour.
    const colours = () =>
      dots.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      });
    await expect.poll(colours).toBeGreaterThan(20);

    // The update: before and after, for the step and for one update.
    await playground.view("Update");
    await stage(page).locator(".dumbbell").nth(8).waitFor();
    const whole = await stage(page).locator(".dumbbell").count();
    expect(await stage(page).locator(".dumbbell .after").count()).toBe(whole);
    await page.getByRole("button", { name: "Update 2: epoch 1, mini-batch 2" }).click();
    await stage(page)
      .getByText(/lr [\d.e−]+ · \|∇\| [\d.e−]+/)
      .waitFor();
    await playground.button("step").click();

    await playground.view("Weights");
    await stage(page).getByText("No token of 24 answers is masked.").waitFor();
    const sums = await stage(page).locator(".row-weight").allTextContents();
    expect(sums.every((sum) => number(sum) > 0)).toBe(true);

    // Nothing has moved, whatever was shown.
    for (const view of VIEWS) {
      await playground.view(view);
      expect(await box(page)).toEqual(place);
    }

    // The evaluation: measured when the run stands still, before and after; answers are drawn on demand.
    await stage(page).locator(".curve.now").waitFor({ timeout: PATIENCE });
    expect(
      await stage(page)
        .getByRole("img", { name: /before training: pass@1 .*; now: pass@1 / })
        .count(),
    ).toBe(1);
    await playground.button("Draw 64 answers").click();
    const table = stage(page).getByRole("table");
    await table.waitFor();
    const shares = await table.locator("tbody td:nth-of-type(1)").allTextContents();
    const total = shares.reduce((sum, share) => sum + Number.parseFloat(share), 0);
    expect(total).toBeGreaterThan(95);
    expect(total).toBeLessThan(105);

    // Tabs by keys.
    await page.getByRole("tab", { selected: true }).focus();
    await page.keyboard.press("Home");
    expect(await shownTab(page)).toBe("Prompts");
    await page.keyboard.press("ArrowLeft");
    expect(await shownTab(page)).toBe("Evaluation");
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);

it(
  "marks misread verdicts, tells what was thrown away and why, and shows the answer that a demonstration gives",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    const query = "&engine=portable&set=groupFilter=mixed&set=rewardChannel=flipped&set=guidance=solver";
    await playground.open(`${browsing().url}${SMALL_RUN}${query}`);
    await playground.oneStep();
    await playground.button("rewards").click();
    expect(await shownTab(page)).toBe("Rewards");
    await stage(page)
      .getByText(/⚡ \d+ verdicts? misread/)
      .waitFor();
    await stage(page)
      .getByText(/thrown away: \d+ groups?, \d+ tokens/)
      .waitFor();
    const list = stage(page).getByRole("grid");
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await stage(page)
      .getByText(/of 4 right · round \d/)
      .first()
      .waitFor();
    await playground.view("Prompts");
    await stage(page).getByText("shown:").first().waitFor();
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);

it(
  "keeps a chosen view while steps fly by, and lets a click on the rail bring the phase's own",
  async () => {
    const playground = new Playground(await browsing().newPage());
    const { page } = playground;
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=portable&set=evaluation.every=0`);
    await playground.play();
    await playground.completed(1);
    expect(await shownTab(page)).toBe("Rollouts");
    await playground.view("Advantages");
    await playground.completed(4);
    expect(await shownTab(page)).toBe("Advantages");
    await playground.pause();
    expect(await shownTab(page)).toBe("Advantages");
    await playground.button("prompts").click();
    expect(await shownTab(page)).toBe("Prompts");
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
