import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import Board from "./board.tsx";
import { writeResultCode } from "./result-code.ts";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
});

/** A browser with a camera that sees these texts, picture after picture. */
function camera(pictures: readonly string[][], refusal?: Error) {
  const stop = vi.fn();
  let at = 0;
  vi.stubGlobal(
    "BarcodeDetector",
    class {
      detect = async () => (pictures[at++] ?? []).map((rawValue) => ({ rawValue }));
    },
  );
  const getUserMedia = async () => {
    if (refusal) throw refusal;
    return { getTracks: () => [{ stop }] };
  };
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { mediaDevices: { getUserMedia } }));
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", { configurable: true, writable: true, value: null });
  return stop;
}

const code = (seed: number) => writeResultCode({ setup: 5, seed, before: 0.4, after: 0.8, steps: 30 });

it("takes each code that the camera sees once, says what is none, and lets the camera go", async () => {
  const stop = camera([[], [code(1)], [code(1), code(2), code(3)], ["https://example.org/"]]);
  const { container } = render(<Board />);
  fireEvent.click(screen.getByText("Scan with the camera"));
  await waitFor(() => expect(container.querySelectorAll("tbody tr")).toHaveLength(3), { timeout: 30_000 });
  await waitFor(() => expect(screen.getByText(/0 results added\. https:\/\/example\.org/)).toBeTruthy(), { timeout: 30_000 });
  expect(container.querySelectorAll("tbody tr")).toHaveLength(3);
  expect(stop).not.toHaveBeenCalled();
  fireEvent.click(screen.getByText("Stop the camera"));
  expect(stop).toHaveBeenCalledOnce();
});

it("says so when the camera is refused, and offers none where the browser reads no codes", async () => {
  camera([], Object.assign(new Error("no"), { name: "NotAllowedError" }));
  render(<Board />);
  fireEvent.click(screen.getByText("Scan with the camera"));
  await screen.findByText(/was not allowed to use it\. Codes can still be pasted/);
  cleanup();
  vi.unstubAllGlobals();
  render(<Board />);
  expect(screen.queryByText("Scan with the camera")).toBeNull();
});
