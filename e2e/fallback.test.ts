import { expect, it } from "vitest";
import { sharedBrowser } from "./harness.ts";
import { firstVisit, PATIENCE, Playground, SMALL_RUN } from "./page.ts";

const browsing = sharedBrowser({ gpu: false });

it(
  "learns without a GPU just as well, and says why there is none",
  async () => {
    const playground = new Playground(await browsing().newPage());
    await playground.open(`${browsing().url}${SMALL_RUN}`);
    await playground.button(/^Engine: portable/).click();
    await playground.page.getByText(/^The GPU is not used/).waitFor();
    await playground.page.keyboard.press("Escape");
    await firstVisit(playground);
    expect(browsing().complaints).toEqual([]);
  },
  2 * PATIENCE,
);
