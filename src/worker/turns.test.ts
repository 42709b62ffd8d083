import { expect, it } from "vitest";
import { Beside, Turns } from "./turns.ts";

/** Computes without ever waiting, as an engine on this thread does. */
async function compute(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

it("messages are heard between turns that never wait for anything", async () => {
  const turns = new Turns();
  let heard = false;
  setTimeout(() => {
    heard = true;
  });
  const before: boolean[] = [];
  const all = [0, 1, 2, 3].map(() =>
    turns.take(async () => {
      before.push(heard);
      await compute(60);
    }),
  );
  await Promise.all(all);
  expect(before.at(-1)).toBe(true);
});

it("turns come one after the other, whatever becomes of the one before", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const first = turns.take(async () => {
    order.push("begins");
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push("ends");
    throw new Error("in vain");
  });
  const second = turns.take(async () => order.push("second"));
  await expect(first).rejects.toThrow("in vain");
  await second;
  expect(order).toEqual(["begins", "ends", "second"]);
});

it("work beside the run gives way to the next, and tells when nothing is left", async () => {
  let ends = 0;
  const beside = new Beside(() => ends++);
  const done: string[] = [];
  const work = (name: string) => async (signal: AbortSignal) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(signal.aborted ? `${name} given up` : name);
  };
  beside.begin(work("a"));
  beside.begin(work("b"));
  expect(beside.busy).toBe(true);
  await beside.end();
  await new Promise((resolve) => setTimeout(resolve));
  expect(done).toEqual(["a given up", "b given up"]);
  expect(beside.busy).toBe(false);
  expect(ends).toBe(1);
});
