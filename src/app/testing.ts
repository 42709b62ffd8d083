import { vi } from "vitest";
import type { StepRecord } from "../loop/record.ts";
import { Run, type RunSetup } from "../loop/run.ts";
import { smallSetup } from "../loop/testing.ts";
import { importHuggingFace } from "../policy/checkpoint.ts";
import { readCheckpointFolder } from "../policy/checkpoint-folder.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import type { Command, Event } from "../worker/protocol.ts";
import { openWorker } from "./worker-client.ts";

/** What a worker sends in real steps of a small run: the loop on the portable engine, with the records as they were after each phase. */
export async function recordedRun(changes: Record<string, number | boolean | string> = {}, steps = 1, recipe = "grpo") {
  const setup = smallSetup({ "sampler.promptsPerStep": 3, ...changes }, recipe);
  const engine = await createPortableEngine();
  // Tests for the page run in the root; there, a URL relative to this file would be one of the page's assets.
  const base = importHuggingFace(await readCheckpointFolder("public/policies/nano"));
  const run = await Run.open(engine, setup, base, { inspect: true });
  const records: StepRecord[] = [];
  const events: Event[] = [startOf(setup)];
  for (let i = 0; i < steps; i++) {
    for await (const record of run.next()) {
      records.push(structuredClone(record));
      events.push({ type: "phase", phase: record.phase, record: records.at(-1)! });
    }
    const { step, metrics } = records.at(-1)!;
    events.push({ type: "step", step, metrics: metrics! });
  }
  run.dispose();
  return { setup, records, events, last: records.at(-1)! };
}

export function startOf(setup: RunSetup): Extract<Event, { type: "started" }> {
  return { type: "started", runId: "run-1", setup, edits: [], step: 0, history: [], records: [] };
}

/** Stands in for a worker: keeps what it is sent, and says what a test has it say. */
export class WorkerEnd {
  onmessage: ((message: { data: Event }) => void) | undefined;
  onerror: ((event: { message: string; preventDefault(): void }) => void) | undefined;
  terminated = false;
  sent: Command[] = [];
  postMessage = (command: Command) => void this.sent.push(command);
  terminate = () => {
    this.terminated = true;
  };
}

/** Every worker made from here on is a stand-in. @returns them, in the order in which they are made */
export function stubWorkers(): WorkerEnd[] {
  const ends: WorkerEnd[] = [];
  vi.stubGlobal(
    "Worker",
    class extends WorkerEnd {
      constructor() {
        super();
        ends.push(this);
      }
    },
  );
  return ends;
}

/** Stands in for the worker's end and opens it. @returns what the page sends to it from here on */
export function stubWorker(): Command[] {
  const ends = stubWorkers();
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  const { sent } = ends[0];
  sent.length = 0;
  return sent;
}
