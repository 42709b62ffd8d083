import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { PATIENCE } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rlvr-lessons-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The lesson beside the app, by what is on the screen. */
const lessonOf = (page: Page) => page.getByRole("region", { name: /^Lesson: / });

/** Waits until the lesson's part is done, and goes to the next. */
async function next(page: Page): Promise<void> {
  await lessonOf(page)
    .getByRole("button", { name: /^(Next|Finish)$/ })
    .click({ timeout: PATIENCE });
}

it(
  "offers the first lesson to a newcomer, who goes through it to its end by clicking",
  async () => {
    const page = await browsing().newPage();
    await page.goto(browsing().url);
    const welcome = page.getByRole("region", { name: "First lesson" });
    await welcome.getByRole("button", { name: "Begin" }).click({ timeout: PATIENCE });
    const lesson = lessonOf(page);
    const part = (title: string) => lesson.getByRole("heading", { name: title }).waitFor({ timeout: PATIENCE });

    await part("Questions that a program can check");
    // The speed was measured; the prompts are shown, and the first one is quoted.
    const quoted = lesson.locator("code");
    await quoted.waitFor({ timeout: PATIENCE });
    await page.locator(".stage", { hasText: (await quoted.textContent())! }).waitFor();
    await next(page);
    await part("The model answers, several times");

    // A word explained in place.
    await lesson.getByRole("button", { name: "rollout" }).hover();
    await page
      .getByRole("tooltip")
      .getByText(/drawn, token by token/)
      .waitFor();
    await next(page);

    await part("Which are right?");
    const verdicts = lesson.getByRole("button", { name: "Show the verdicts" });
    expect(await verdicts.isDisabled()).toBe(true);
    await lesson.getByRole("slider").fill("40");
    await lesson.getByRole("button", { name: "That is my guess" }).click();
    await verdicts.click();
    const reveal = lesson.locator(".reveal");
    const [, right, answers] = /(\d+) of (\d+) are right/.exec((await reveal.textContent())!)!;
    await page.locator(".stage .facts", { hasText: `${right} of ${answers}` }).waitFor();
    await next(page);

    await part("Better than the others");
    await lesson.getByLabel("They shall become less probable").check();
    await lesson.getByRole("button", { name: "Compute the advantages" }).click();
    await reveal.waitFor();
    await next(page);

    await part("Look at one character");
    await page
      .getByRole("region", { name: "Token inspector" })
      .getByText(/token \d+ of \d/)
      .waitFor();
    await next(page);

    await part("The update");
    await lesson.getByLabel("higher").check();
    await lesson.getByRole("button", { name: "Update the model" }).click();
    await reveal.waitFor({ timeout: PATIENCE });
    expect(await reveal.textContent()).toMatch(/from [\d.]+% to [\d.]+%/);
    await next(page);

    await part("Again and again");
    await lesson.getByLabel("clearly more are right").check();
    await lesson.getByRole("button", { name: "Train 20 steps" }).click();
    await reveal.waitFor({ timeout: PATIENCE });
    expect(await reveal.textContent()).toMatch(/from \d+(\.\d+)?% \(the first five steps\) to \d/);
    await next(page);

    await part("What you have seen");
    // A visit later the lesson is where it was left, with its run.
    await page.reload();
    await page.getByRole("button", { name: "Learn", exact: true }).click();
    await page.getByRole("button", { name: /^Continue at 8 of 8/ }).click({ timeout: PATIENCE });
    await part("What you have seen");
    // The run is trained again up to there; a step that still counts up is no place to compare with.
    await page.waitForFunction(() => document.querySelector(".lesson-doing") === null, undefined, { timeout: PATIENCE });
    await lesson.getByRole("button", { name: "Finish" }).click({ timeout: PATIENCE });
    await lesson.getByText(/predictions came true/).waitFor();

    // The worksheet has the answers, and printing prints it alone.
    await lesson.getByRole("button", { name: "Worksheet with my answers" }).click();
    const paper = page.getByRole("dialog", { name: "Worksheet" });
    await paper.getByText(/☒ clearly more are right/).waitFor();
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".header").isVisible()).toBe(false);
    expect(await paper.getByRole("heading", { name: "One update, start to finish" }).isVisible()).toBe(true);
    expect((await page.pdf()).length).toBeGreaterThan(10_000);
    await page.emulateMedia({ media: "screen" });
    await paper.getByRole("button", { name: "Close" }).click();

    // Left, the run stays.
    const step = await page.getByLabel("Step", { exact: true }).textContent();
    await lesson.getByRole("button", { name: "Leave, keep the run" }).click();
    await lesson.waitFor({ state: "detached" });
    expect(await page.getByLabel("Step", { exact: true }).textContent()).toBe(step);
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);

it(
  "opens a lesson by its address, a teacher's own file, and no hostile one; the glossary is searched",
  async () => {
    const page = await browsing().newPage();
    await page.goto(`${browsing().url}?lesson=the-std&at=2&policy=nano`);
    await lessonOf(page).getByRole("heading", { name: "Divide" }).waitFor({ timeout: PATIENCE });
    await lessonOf(page).getByRole("button", { name: "Leave the lesson" }).click();

    await page.getByRole("button", { name: "Learn", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Learn" });
    // A shipped lesson as a file, edited by hand.
    const card = dialog.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Why a group" }) });
    const [saved] = await Promise.all([page.waitForEvent("download"), card.getByRole("button", { name: "File" }).click()]);
    const lesson = JSON.parse(await readFile((await saved.path())!, "utf8"));
    const write = async (name: string, content: unknown) => {
      const path = join(folder, name);
      await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
      return path;
    };
    const give = async (path: string) => dialog.getByLabel("Lesson file").setInputFiles(path);
    const refusal = dialog.getByRole("alert");

    const hostile: readonly [string, unknown, RegExp][] = [
      ["page.json", "<script>alert(1)</script>", /not JSON/],
      ["other.json", { ...lesson, format: "rlvr-lesson@9" }, /format must be one of rlvr-lesson@1/],
      [
        "huge.json",
        { ...lesson, setup: { ...lesson.setup, sizes: [{ policy: "nano", prompts: 256, group: 256 }] } },
        /more than 1024 answers/,
      ],
      [
        "long.json",
        { ...lesson, steps: [{ title: "x", say: "y", enter: [{ train: 1e9 }] }] },
        /steps\[0\]\.enter\[0\]\.train must be a whole number/,
      ],
      ["knob.json", { ...lesson, setup: { ...lesson.setup, settings: { "sampler.evil": 1 } } }, /sampler\.evil/],
      ["key.json", { ...lesson, onload: "alert(1)" }, /no "onload"/],
    ];
    for (const [name, content, reason] of hostile) {
      await give(await write(name, content));
      await refusal.getByText(reason).waitFor();
      expect(await refusal.textContent()).toContain(name);
    }
    expect(await dialog.getByText("yours").count()).toBe(0);

    const script = "<img src=x onerror=alert(1)>";
    await give(await write("mine.json", { ...lesson, id: "mine", title: `My groups ${script}` }));
    await dialog.getByRole("heading", { name: /^My groups/ }).waitFor();
    await refusal.waitFor({ state: "detached" });
    expect(await page.locator("img[src=x]").count()).toBe(0);
    await page.reload();
    await page.getByRole("button", { name: "Learn", exact: true }).click();
    await dialog.getByRole("heading", { name: /^My groups/ }).waitFor();

    await dialog.getByRole("tab", { name: "Glossary" }).click();
    await dialog.getByRole("searchbox").fill("importance ratio");
    await dialog.getByText(/divided by its probability when it was drawn/).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(browsing().complaints).toEqual([]);
    await page.close();
  },
  2 * PATIENCE,
);
