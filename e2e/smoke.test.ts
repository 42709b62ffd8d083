import { expect, inject, it } from "vitest";
import { browse } from "./harness.ts";

it("builds without a warning", () => {
  expect(inject("buildWarnings")).toEqual([]);
});

it.each(["/", "/classes/spring/rlvr/"])("loads from %s, isolated, without a complaint", async (path) => {
  const browsing = await browse({ gpu: false, path });
  try {
    const page = await browsing.newPage();
    await page.goto(browsing.url);
    expect(await page.title()).toContain("RLVR Playground");
    await page.getByText("RLVR Playground").first().waitFor();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.waitForLoadState("networkidle");
    expect(browsing.complaints).toEqual([]);
  } finally {
    await browsing.close();
  }
});
