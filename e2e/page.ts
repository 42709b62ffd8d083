import type { Page } from "playwright";
import { expect } from "vitest";

/** The playground as a person handles it: by what is on the screen. */

/** Long enough for a software GPU on a busy machine; nothing waits this long unless it fails. */
export const PATIENCE = 400_000;

/** A small run: short words to reverse, 6 prompts × 4 answers, measured on few held-out problems. */
export const SMALL_RUN =
  "?policy=nano&task=reverse&level=4&seed=7&set=sampler.promptsPerStep=6&set=sampler.groupSize=4" +
  "&set=evaluation.problems=32&set=evaluation.passAtKProblems=4&set=evaluation.passAtKSamples=4";

export class Playground {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens an address and waits for the policy's first answers. */
  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await this.phase("Verdicts");
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  /** Waits until the stage shows a phase. */
  phase(title: string): Promise<void> {
    return this.page.getByRole("heading", { name: new RegExp(`^${title}`) }).waitFor();
  }

  /** Chooses a view of the stage; it stays, whatever the phase. */
  async view(name: string): Promise<void> {
    await this.page.getByRole("tab", { name, exact: true }).click();
  }

  /** The step shown, which moves while anything runs. */
  async step(): Promise<number> {
    return Number((await this.page.getByLabel("Step", { exact: true }).textContent())!.replace(/\D/g, ""));
  }

  /** Waits until a step is shown. */
  async at(step: number): Promise<void> {
    await this.page.locator(".timeline output b", { hasText: new RegExp(`^${step}$`) }).waitFor({ timeout: PATIENCE });
  }

  /** Waits until a phase is shown and nothing runs. */
  async rest(): Promise<void> {
    await this.page.locator(".rail:not(.busy) .current").waitFor({ timeout: PATIENCE });
  }

  /** Waits until a step is complete, or a later one has begun. */
  async completed(step: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const shown = Number(document.querySelector(".timeline output b")?.textContent);
        const done = document.querySelector(".rail .current button")?.textContent === "evaluation";
        return shown > wanted || (shown === wanted && done);
      },
      step,
      { polling: 100, timeout: PATIENCE },
    );
  }

  /** The stage's numbers of the shown phase. */
  async facts(): Promise<Record<string, string>> {
    return this.page.evaluate(() =>
      Object.fromEntries(
        [...document.querySelectorAll(".stage .facts > div")].map((d) => [
          d.querySelector("dt")!.textContent,
          d.querySelector("dd")!.textContent,
        ]),
      ),
    );
  }

  /** Looks back at a complete step (the newest may be the live one) and reads the mean reward of its answers. */
  async meanReward(step: number): Promise<number> {
    await this.page.getByLabel("Look back at a step").fill(String(step));
    await this.page.locator(".of-step", { hasText: new RegExp(`step ${step}$`) }).waitFor();
    await this.button("rewards").click();
    return Number((await this.facts())["mean reward"]);
  }

  async backToLive(): Promise<void> {
    if ((await this.button("back to now").count()) > 0) await this.button("back to now").click();
    await this.button("now").waitFor();
  }

  /** Runs to the end of the step, and waits until the run stands still. */
  async oneStep(): Promise<number> {
    await this.rest();
    const complete = (await this.page.locator(".rail .current button").textContent()) === "evaluation";
    const step = (await this.step()) + (complete ? 1 : 0);
    await this.button("Step").click();
    // What was said of the step before may still be on its way: only the step itself tells that it is done.
    await this.completed(step);
    await this.rest();
    return this.step();
  }

  async play(): Promise<void> {
    await this.button(/Play$/).click();
    await this.button(/Pause$/).waitFor();
  }

  /** Asks for a pause, and waits until the phase in progress has ended. */
  async pause(): Promise<void> {
    await this.button(/Pause$/).click();
    await this.button(/Play$/).waitFor();
    await this.rest();
  }
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** A first visit, from the first answers to a reset: the same on every engine. */
export async function firstVisit(playground: Playground): Promise<void> {
  const { page } = playground;
  const inspector = page.getByRole("region", { name: "Token inspector" });

  // One phase at a time to the end of the first step.
  for (const phase of ["Rewards", "Advantages", "Update"]) {
    await playground.button("Phase").click();
    await playground.phase(phase);
  }
  await playground.rest();
  expect((await playground.facts()).update).toBe("1 of 4");
  expect(await playground.oneStep()).toBe(1);

  // A token of an answer with an advantage: its numbers add up.
  await playground.view("Rollouts");
  await page
    .locator(".row", { has: page.locator(".bar .up:not([style*='width: 0%'])") })
    .first()
    .locator(".token")
    .nth(1)
    .click();
  await inspector.getByText(/token 2 of \d/).waitFor();
  await inspector.getByRole("listitem").nth(4).waitFor();
  await inspector.locator(".term > :nth-child(3)").nth(2).waitFor();
  const terms = await inspector.locator(".term > :nth-child(3)").allTextContents();
  const [advantage, , coefficient] = terms.map((text) => Number(text.split("=").at(-1)!.replace("−", "-")));
  expect(advantage).toBeGreaterThan(0);
  expect(coefficient).toBeLessThanOrEqual(0);
  expect(await inspector.locator(".facts").textContent()).toMatch(/probability[\d.]+% → [\d.]+%/);

  // A knob turned now is felt from the next step on.
  const groupSize = page.getByLabel("Group size", { exact: true });
  await groupSize.fill("999");
  await groupSize.press("Enter");
  await page.getByText(/Group size must lie between 1 and 256, got 999/).waitFor();
  await groupSize.fill("5");
  await groupSize.press("Enter");
  await page.getByText("From step 2: Group size 5").waitFor();
  expect(await playground.oneStep()).toBe(2);
  await playground.button("rollouts").click();
  expect((await playground.facts()).answers).toBe("30");

  // Two dozen steps: the mean reward rises.
  await playground.play();
  await playground.completed(24);
  await playground.pause();
  const early = [await playground.meanReward(1)];
  await playground.backToLive();
  const stands = await playground.step();
  for (let step = 2; step <= 8; step++) early.push(await playground.meanReward(step));
  const late: number[] = [];
  for (let step = 17; step <= 24; step++) late.push(await playground.meanReward(step));
  await playground.backToLive();
  expect(mean(late)).toBeGreaterThan(mean(early) + 0.1);
  expect(await playground.step()).toBe(stands);

  // Reset asks, because the run is long; the knob stays as it was turned.
  await page.keyboard.press("r");
  await page.getByText(/steps behind it/).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
  // The run may have been paused at its verdicts, too: the step tells them apart.
  await playground.at(1);
  await playground.phase("Verdicts");
  expect(await groupSize.inputValue()).toBe("5");
}
