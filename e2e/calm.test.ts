import type { Page } from "playwright";
import { expect, it } from "vitest";
import { browse } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

/** Nothing jumps while a run streams, nothing moves for those who asked for stillness, and a screen reader is not talked to step by step. */

interface Seen {
  /** Parts of the page that moved without being asked to: how far, as browsers score it, and which. */
  shifts: { value: number; moved: string[] }[];
  /** What regions that are read out came to say. */
  said: string[];
}

declare global {
  interface Window {
    seen: Seen;
  }
}

/** Before the page's own code: watches what moves and what is said. */
const watch = (page: Page) =>
  page.addInitScript(() => {
    window.seen = { shifts: [], said: [] };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, sources } = entry as PerformanceEntry & { value: number; sources: { node: Node | null }[] };
        const moved = sources.map(({ node }) => (node instanceof Element ? `${node.tagName}.${node.className}` : String(node?.nodeName)));
        window.seen.shifts.push({ value, moved });
      }
    }).observe({ type: "layout-shift", buffered: true });
    const READ_OUT =
      "[aria-live=polite], [aria-live=assertive], [role=alert], [role=status]:not([aria-live=off]), output:not([aria-live=off])";
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const region = (target instanceof Element ? target : target.parentElement)?.closest(READ_OUT);
        if (region) window.seen.said.push(region.textContent);
      }
    }).observe(document, { childList: true, characterData: true, subtree: true });
  });

const shifted = (seen: Seen) => seen.shifts.reduce((sum, { value }) => sum + value, 0);
/** Browsers call 0.1 good; a page made to stand still moves by next to nothing. */
const MOST_SHIFT = 0.02;

it(
  "stands still while it loads and while steps stream, moves nothing for those who asked for that, and does not chatter",
  async () => {
    const browsing = await browse({ gpu: false });
    try {
      const page = await browsing.newPage();
      const playground = new Playground(page);
      await watch(page);
      await playground.open(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
      const loaded = await page.evaluate(() => window.seen);
      expect(shifted(loaded), JSON.stringify(loaded.shifts)).toBeLessThan(MOST_SHIFT);

      await page.evaluate(() => {
        window.seen = { shifts: [], said: [] };
      });
      await playground.play();
      // While a step is computed, its station pulses…
      await page.waitForFunction(() => document.querySelector(".rail.busy") && document.getAnimations().length > 0);
      await page.emulateMedia({ reducedMotion: "reduce" });
      // …except for those who want nothing to move.
      const moving = await page.waitForFunction(
        () =>
          matchMedia("(prefers-reduced-motion: reduce)").matches &&
          document.querySelector(".rail.busy") && {
            animations: document.getAnimations().length,
            moved: [...document.querySelectorAll("*")].filter((element) => {
              const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
              return animationName !== "none" || /[1-9]/.test(transitionDuration) || scrollBehavior === "smooth";
            }).length,
          },
      );
      expect(await moving.jsonValue()).toEqual({ animations: 0, moved: 0 });
      await playground.completed(10);
      await playground.pause();

      const streamed = await page.evaluate(() => window.seen);
      expect(shifted(streamed), JSON.stringify(streamed.shifts)).toBeLessThan(MOST_SHIFT);
      expect(streamed.said).toEqual([]);
      expect(browsing.complaints).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  PATIENCE,
);

/** The page's parts from top to bottom, left to right: the way that Tab goes. */
const PARTS = [".header", ".transport", ".time-row", ".knobs", ".stage", ".inspector", ".charts"];

it(
  "can be walked through by Tab in the order of what is seen; what Enter opens Escape closes, back to where it was opened",
  async () => {
    const browsing = await browse({ gpu: false });
    try {
      const page = await browsing.newPage();
      const playground = new Playground(page);
      await playground.open(`${browsing.url}${SMALL_RUN}&engine=portable`);
      await page.locator("[data-chart] .recharts-surface").nth(8).waitFor();
      await playground.oneStep();
      await playground.view("Rollouts");

      await page.evaluate(() => {
        (document.activeElement as HTMLElement).blur();
        getSelection()?.removeAllRanges();
        document.querySelector<HTMLElement>(".header select")!.focus();
      });
      const walked: number[] = [];
      const unseen: string[] = [];
      for (let pressed = 0; pressed < 300; pressed++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate((parts) => {
          const element = document.activeElement!;
          const { outlineStyle, outlineWidth } = getComputedStyle(element);
          return {
            part: parts.findIndex((part) => element.closest(part)),
            lit: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
            name: element.outerHTML.slice(0, 160),
          };
        }, PARTS);
        if (at.part < 0 || at.part < (walked.at(-1) ?? 0)) break;
        walked.push(at.part);
        if (!at.lit) unseen.push(at.name);
      }
      expect(unseen).toEqual([]);
      expect(new Set(walked)).toEqual(new Set([0, 1, 2, 3, 4, 6]));

      for (const name of ["Learn", "Share this run", "Runs", "What is this?", /All recipes/, /^Engine: /, "This chart as table"]) {
        const opener = playground.button(name).first();
        await opener.focus();
        await page.keyboard.press("Enter");
        const opened = page.locator("dialog[open], .popover-panel");
        await opened.first().waitFor();
        await page.keyboard.press("Escape");
        await opened.first().waitFor({ state: "detached" });
        await expect.poll(() => opener.evaluate((element) => element === document.activeElement), { message: String(name) }).toBe(true);
      }
      expect(browsing.complaints).toEqual([]);
    } finally {
      await browsing.close();
    }
  },
  PATIENCE,
);
