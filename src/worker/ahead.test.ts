import { expect, it } from "vitest";
import { reproducible } from "../loop/testing.ts";
import { memoryRunStore } from "../storage/run-store.ts";
import { open, openSession, small } from "./testing.ts";

it("turns the knobs of a link at their steps, as a person did", async () => {
  const byHand = openSession(memoryRunStore());
  await byHand.send(open);
  await byHand.send({ type: "start", setup: small });
  await byHand.send({ type: "step" });
  await byHand.until(() => byHand.of("step").length === 1 && byHand.idle());
  await byHand.send({ type: "edit", path: "sampler.groupSize", value: 6 });
  await byHand.send({ type: "step", count: 2 });
  await byHand.until(() => byHand.of("step").length === 3 && byHand.idle());

  const byLink = openSession(memoryRunStore());
  await byLink.send(open);
  await byLink.send({ type: "start", setup: small, edits: [byHand.of("edited")[0].edit] });
  await byLink.send({ type: "step", count: 3 });
  await byLink.until(() => byLink.of("step").length === 3 && byLink.idle());
  const metrics = (of: typeof byHand) => of.of("step").map((e) => reproducible(e.metrics));
  expect(metrics(byLink)).toEqual(metrics(byHand));
  expect(byLink.last().rollouts.length).toBe(12);

  await byLink.send({ type: "start", setup: small, edits: [{ step: 2, path: "sampler.groupSize", value: -1 }] });
  expect(byLink.of("error")).toHaveLength(1);
  // The run in progress is still there.
  await byLink.send({ type: "step" });
  await byLink.until(() => byLink.of("step").length === 4 && byLink.idle());
});
