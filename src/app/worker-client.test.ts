import { afterEach, expect, it, vi } from "vitest";
import type { Command } from "../worker/protocol.ts";
import { openWorker, stopWorker } from "./worker-client.ts";

afterEach(() => {
  stopWorker();
  vi.unstubAllGlobals();
});

it("opens the worker that the document had made, and another one after that", () => {
  const made: { sent: Command[] }[] = [];
  vi.stubGlobal(
    "Worker",
    class {
      sent: Command[] = [];
      constructor() {
        made.push(this);
      }
      postMessage = (command: Command) => void this.sent.push(command);
      terminate() {}
    },
  );
  const open: Command = { type: "open", policiesUrl: "https://here/policies/", engine: "auto" };
  globalThis.workerAhead = new Worker("worker.js");
  openWorker(open);
  expect(made).toHaveLength(1);
  expect(made[0].sent).toEqual([open]);
  openWorker(open);
  expect(made).toHaveLength(2);
  expect(made[1].sent).toEqual([open]);
});
