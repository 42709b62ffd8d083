import type { Page } from "playwright";
import { expect, it } from "vitest";
import { browse } from "./harness.ts";
import { keepLedger, type Ledger, readLedger } from "./ledger.ts";
import { PATIENCE, Playground } from "./page.ts";

/**
 * How long a task takes depends on the machine (`npm run -s bench:page` measures it); what a task has to do does not, and is counted here.
 */

/** More answers than the stage shows at a time: 8 prompts × 8. pass@k would take so long that it is never measured while the run stands still. */
const ANSWERS = 64;
const RUN =
  "?policy=nano&task=reverse&level=4&seed=7&set=sampler.promptsPerStep=8&set=sampler.groupSize=8" +
  "&set=evaluation.every=0&set=evaluation.passAtKProblems=1024&set=evaluation.passAtKSamples=256";

/** At 1280 × 720 the stage shows fifteen rows while no token is inspected, and a few are kept ready above and below. */
const MOST_ROWS = 22;
const MOST_ADDED = 600;
/** A phase's message carries the step so far: about this much for each token drawn. */
const MOST_BYTES_A_TOKEN = 400;
/** Phases of a step after its first answers: rewards, advantages, four updates, evaluation. */
const PHASES_LEFT = 7;
const PHASES = 3 + PHASES_LEFT;

function expectLittle(work: Ledger): void {
  expect(work.rows).toBeLessThanOrEqual(MOST_ROWS);
  // One has its turn; where the thread is kept waiting, Recharts may complete the one before in the same rendering.
  expect(work.charts).toBeLessThanOrEqual(2);
  expect(work.added).toBeLessThanOrEqual(MOST_ADDED);
  expect(work.computed).toBe(0);
}

/** Waits until all charts are drawn, and nothing is changing any more. */
async function rest(page: Page): Promise<void> {
  await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
  await page.waitForFunction(
    () => {
      const { ledger } = window.kept;
      const still = window.kept.seen === ledger.renderings;
      window.kept.seen = ledger.renderings;
      return still;
    },
    undefined,
    { polling: 600 },
  );
}

/** Does something to an element and says what another then shows, before the thread has done anything else: no frame, no message. */
const atOnce = (page: Page, act: { click: string } | { choose: string; value: string }, shown: string): Promise<string> =>
  page.evaluate(
    async ([act, shown]) => {
      const find = (selector: string) => {
        const element = document.querySelector<HTMLElement>(selector);
        if (!element) throw new Error(`there is no ${selector}`);
        return element;
      };
      const target = find("click" in act ? act.click : act.choose);
      if ("value" in act) {
        const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), "value")!;
        set!.call(target, act.value);
        target.dispatchEvent(new Event(target instanceof HTMLSelectElement ? "change" : "input", { bubbles: true }));
      } else target.click();
      await Promise.resolve();
      const answer = find(shown);
      return answer instanceof HTMLInputElement || answer instanceof HTMLSelectElement ? answer.value : answer.textContent!;
    },
    [act, shown] as const,
  );

const hold = (page: Page, held: boolean) =>
  page.evaluate((held) => {
    if (held) window.kept.held = true;
    else window.kept.release();
  }, held);

it.each([
  { engine: "portable", steps: 12 },
  { engine: "webgpu", steps: 2 },
])(
  "gives the interface thread little to do while a run plays on $engine, and answers a hand at once",
  async ({ engine, steps }) => {
    const browsing = await browse({ gpu: engine === "webgpu" });
    try {
      const page = await browsing.newPage();
      await keepLedger(page);
      const playground = new Playground(page);
      await playground.open(`${browsing.url}${RUN}&engine=${engine}`);
      await rest(page);
      expectLittle(await readLedger(page));

      // From phase to phase: a message each, none much larger than what was drawn.
      await playground.oneStep();
      await rest(page);
      const step = await readLedger(page);
      expectLittle(step);
      expect(step.messages).toMatchObject({ phase: PHASES_LEFT, step: 1 });
      await playground.button("rollouts").click();
      const { answers, "mean length": length } = await playground.facts();
      expect(Number(answers)).toBe(ANSWERS);
      const tokens = ANSWERS * Number.parseFloat(length);
      expect(step.bytes).toBeGreaterThan(tokens * 8);
      expect(step.bytes).toBeLessThan(PHASES_LEFT * tokens * MOST_BYTES_A_TOKEN);

      // While it plays: never all answers, never all charts in one rendering.
      await readLedger(page);
      await playground.play();
      // One more has begun, so that the last one's message has surely come.
      await playground.completed(2 + steps);
      const playing = await readLedger(page);
      expectLittle(playing);
      expect(playing.messages.step).toBeGreaterThanOrEqual(steps);
      expect(playing.messages.phase).toBeLessThanOrEqual(PHASES * (playing.messages.step + 1));

      // The worker falls silent; what a hand does shows all the same, in the very task of the click.
      await hold(page, true);
      expect(await atOnce(page, { click: ".row .token" }, ".inspector")).toMatch(/token 1 of \d/);
      expect(await atOnce(page, { choose: "[aria-label='Group size slider']", value: "3" }, "[aria-label='Group size']")).toBe("4");
      expect(await atOnce(page, { choose: "[aria-label='Divide by']", value: "none" }, "[aria-label='Divide by']")).toBe("none");
      expect(await atOnce(page, { choose: "[aria-label='Task']", value: "sort" }, "[aria-label='Task']")).toBe("sort");
      expect(await atOnce(page, { click: ".play" }, ".play")).toContain("Pausing");
      await hold(page, false);
      await playground.button(/Play$/).waitFor();
      for (const [knob, value] of [
        ["Group size", "4"],
        ["Divide by", "none"],
        ["Task", "sort"],
      ])
        expect(await page.getByLabel(knob, { exact: true }).inputValue()).toBe(value);

      await hold(page, true);
      expect(await atOnce(page, { click: ".rail li:first-child button" }, ".stage h2")).toMatch(/^Prompts/);
      expect(await atOnce(page, { click: ".play" }, ".play")).toContain("Pause");
      await hold(page, false);
      await playground.pause();

      // A run that stands still costs nothing, once charts have had their turns and pass@k has been measured.
      await rest(page);
      await expect
        .poll(
          async () => {
            await readLedger(page);
            await page.evaluate(() => new Promise<void>((resolve) => setTimeout(resolve, 500)));
            return (await readLedger(page)).renderings;
          },
          { timeout: 60_000 },
        )
        .toBe(0);

      // From the beginning, because a long run is not left without a question; how long it is by now depends on the machine.
      await playground.button("Reset").click();
      const sure = page.getByRole("dialog").getByRole("button", { name: "Reset" });
      const beginning = page.locator(".timeline output b", { hasText: /^1$/ });
      await sure.or(beginning).first().waitFor();
      if (await sure.isVisible()) await sure.click();
      await playground.at(1);
      await playground.rest();

      await playground.view("Rollouts");
      await hold(page, true);
      expect(await atOnce(page, { choose: "[aria-label='Recipe']", value: "dapo" }, "[aria-label='Recipe']")).toBe("dapo");
      expect(await atOnce(page, { choose: "[aria-label='Colour tokens by']", value: "entropy" }, ".stage")).toContain("Starting a new run");
      await hold(page, false);
      await playground.phase("Verdicts");

      expect(browsing.complaints).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  2 * PATIENCE,
);
