import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { recordedRun } from "../testing.ts";
import { Rows } from "./rows.tsx";

const { records } = await recordedRun({ "sampler.promptsPerStep": 8, "sampler.groupSize": 8 }, 2);
const [first, second] = [1, 2].map((step) => records.findLast((record) => record.step === step)!);

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Shows the first step's answers in a list of some height, then the second step's; tells how many rows each frame changed. */
function rowsChanged(height: number): { rows: number; changed: number[] } {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(height);
  const frames: FrameRequestCallback[] = [];
  vi.stubGlobal("requestAnimationFrame", (frame: FrameRequestCallback) => frames.push(frame));
  vi.stubGlobal("cancelAnimationFrame", (handle: number) => {
    frames[handle - 1] = () => {};
  });
  const texts = () => [...document.querySelectorAll(".row")].map((row) => row.getAttribute("aria-label")!);
  const settle = (each: () => void) => {
    for (let i = 0; i < frames.length; i++) {
      act(() => frames[i](0));
      each();
    }
    frames.length = 0;
  };
  const { rerender } = render(<Rows record={first} phase="evaluation" channel="none" />);
  // Tells the list how high it is.
  fireEvent.scroll(screen.getByRole("grid"));
  settle(() => {});
  let before = texts();
  const changed: number[] = [];
  const look = () => {
    const now = texts();
    changed.push(now.filter((text, i) => text !== before[i]).length);
    before = now;
  };
  rerender(<Rows record={second} phase="evaluation" channel="none" />);
  look();
  settle(look);
  expect(before).toEqual(second.rollouts.slice(0, before.length).map((rollout) => expect.stringContaining(`answer ${rollout.text}`)));
  return { rows: before.length, changed };
}

it("shows a new step's answers at once where few are in view", () => {
  const { rows, changed } = rowsChanged(500);
  expect(rows).toBeLessThan(24);
  expect(changed[0]).toBeGreaterThan(rows / 2);
  expect(changed.slice(1).every((count) => count === 0)).toBe(true);
});

it("shows them a few a frame where many are in view, and all in the end", () => {
  const { rows, changed } = rowsChanged(4000);
  expect(rows).toBe(64);
  expect(changed.filter((count) => count > 0).length).toBeGreaterThan(1);
  for (const count of changed) expect(count).toBeLessThanOrEqual(24);
});
