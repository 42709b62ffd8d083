import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { firstVisit, PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: true });

it(
  "learns on the GPU while a person plays, looks inside, turns a knob, pauses and resets",
  async () => {
    const playground = new Playground(await browsing().newPage());
    await playground.open(`${browsing().url}${SMALL_RUN}&engine=webgpu`);
    expect(await playground.button(/^Engine: /).getAttribute("aria-label")).not.toContain("portable");
    await firstVisit(playground);
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);

it(
  "says in one sentence what is wrong with an address, and starts all the same",
  async () => {
    const playground = new Playground(await browsing().newPage());
    await playground.open(`${browsing().url}?policy=nano&engine=portable&task=chess`);
    await playground.page
      .getByRole("alert")
      .getByText(/"chess"/)
      .waitFor();
    expect(await playground.page.getByLabel("Task", { exact: true }).inputValue()).toBe("countdown");
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
