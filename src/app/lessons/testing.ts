import { importHuggingFace } from "../../policy/checkpoint.ts";
import { readCheckpointFolder } from "../../policy/checkpoint-folder.ts";
import type { Engine } from "../../policy/engine.ts";
import { createPortableEngine } from "../../policy/portable/node.ts";
import { memoryRunStore } from "../../storage/run-store.ts";
import type { Command, Event } from "../../worker/protocol.ts";
import { Session } from "../../worker/session.ts";
import { EMPTY, usePage } from "../state.ts";
import { openWorker } from "../worker-client.ts";

/** Puts the real session behind the page in place of a worker, with the smallest policy. Returns what ends it. */
export async function liveApp(stub: (name: string, value: unknown) => void): Promise<{ engine: Engine; close: () => void }> {
  const engine = await createPortableEngine();
  const base = importHuggingFace(await readCheckpointFolder("public/policies/nano"));
  let closed = false;
  class InPlace {
    onmessage: ((message: { data: Event }) => void) | undefined;
    private readonly session = new Session({
      createEngine: async () => ({ engine, status: { kind: "portable", label: "portable" } }),
      loadBase: async (policy) => {
        if (policy !== "nano") throw new Error(`There is no policy ${policy} here.`);
        return base;
      },
      store: memoryRunStore(),
      emit: (event) => {
        if (!closed) this.onmessage?.({ data: structuredClone(event) });
      },
    });
    postMessage(command: Command): void {
      void this.session.handle(structuredClone(command));
    }
  }
  stub("Worker", InPlace);
  usePage.setState({ ...EMPTY, policies: [{ id: "nano", name: "Nano", parameters: 107_328 }] }, true);
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  return {
    engine,
    close: () => {
      closed = true;
    },
  };
}
