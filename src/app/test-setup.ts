import { afterAll, vi } from "vitest";

/** What the page loads when it is needed may still be on its way when a file's last test ends; without its environment it would fail. */
afterAll(() => vi.dynamicImportSettled());
