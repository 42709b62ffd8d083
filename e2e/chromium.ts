import { existsSync } from "node:fs";
import { chromium } from "playwright";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * The Chromium to test in: the one named by the environment's CHROMIUM, the system's, or Playwright's own.
 * @throws Error saying what to do if there is none.
 */
export function chromiumPath(): string {
  const named = process.env.CHROMIUM;
  if (named && !existsSync(named)) throw new Error(`CHROMIUM names ${named}, which is not there.`);
  const path = named || [...PLACES, chromium.executablePath()].find((place) => place && existsSync(place));
  if (!path) throw new Error("No Chromium was found: install one, name it in CHROMIUM, or run `npx playwright install chromium`.");
  return path;
}
