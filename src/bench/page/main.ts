import type { Job } from "../job.ts";
import type { Message } from "./worker.ts";

/** The benchmark's page: it starts a job in a worker, as the app runs its engines in one, and hands on what the worker tells. */
const scope = globalThis as unknown as {
  /** Given by the program that opened the page. */
  tell(message: Message): void;
  start(job: Job): void;
  cancel(): void;
};

scope.start = (job) => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Message>) => scope.tell(data);
  worker.onerror = (event) => scope.tell({ type: "failed", message: event.message || "the worker failed" });
  scope.cancel = () => worker.postMessage("cancel");
  worker.postMessage(job);
};
