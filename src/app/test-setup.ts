import { configure } from "@testing-library/dom";
import { afterAll, vi } from "vitest";

// What is waited for is there at once on a quick machine; a slow one is no reason to fail.
configure({ asyncUtilTimeout: 30_000 });

/** What the page loads when it is needed may still be on its way when a file's last test ends; without its environment it would fail. */
afterAll(() => vi.dynamicImportSettled());
