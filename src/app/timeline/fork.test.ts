import { beforeEach, expect, it } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import type { Command } from "../../worker/protocol.ts";
import { backToLive, fork, giveUp, lookAt, turn, undo } from "../actions.ts";
import { EMPTY, expectedKnobs, usePage } from "../state.ts";
import { startOf, stubWorker } from "../testing.ts";
import { applyAll } from "../worker-client.ts";

let sent: Command[] = [];
beforeEach(() => {
  const edits = [
    { step: 4, path: "sampler.temperature", value: 0.8 },
    { step: 6, path: "seed", value: 11 },
  ];
  usePage.setState(applyAll(EMPTY, [{ ...startOf(smallSetup()), step: 9, edits }]), true);
  sent = stubWorker();
});

const knobs = () => {
  const { recipe, seed } = expectedKnobs(usePage.getState())!;
  const { temperature, groupSize } = recipe.slots.sampler.params;
  return { temperature, groupSize, seed };
};

it("shows the knobs in force at the step looked at", () => {
  expect(knobs()).toEqual({ temperature: 0.8, groupSize: 4, seed: 11 });
  lookAt(3);
  expect(knobs()).toEqual({ temperature: 1, groupSize: 4, seed: 7 });
  lookAt(5);
  expect(knobs()).toEqual({ temperature: 0.8, groupSize: 4, seed: 7 });
  backToLive();
  expect(knobs()).toEqual({ temperature: 0.8, groupSize: 4, seed: 11 });
});

it("what is turned while looking back is for a fork from there, and leaves the run alone", () => {
  lookAt(3);
  turn([["sampler.groupSize", 6]]);
  turn([["sampler.groupSize", 3]]);
  turn([
    ["objective", "sapo"],
    ["seed", 5],
  ]);
  expect(knobs()).toEqual({ temperature: 1, groupSize: 3, seed: 5 });
  undo("back");
  expect(knobs().seed).toBe(7);
  fork("Three");
  expect(sent).toEqual([
    { type: "record", step: 3 },
    {
      type: "fork",
      step: 3,
      changes: [
        ["sampler.groupSize", 3],
        ["objective", "sapo"],
      ],
      name: "Three",
    },
  ]);
});

it("another plug-in does away with what was turned on the one before it; going back to now forgets what was turned", () => {
  lookAt(3);
  turn([["objective.clipHigh", 0.5]]);
  turn([["objective", "sapo"]]);
  expect(usePage.getState().forkChanges).toEqual([["objective", "sapo"]]);
  backToLive();
  expect(usePage.getState().forkChanges).toEqual([]);
  turn([["sampler.groupSize", 6]]);
  expect(sent.at(-1)).toEqual({ type: "edit", path: "sampler.groupSize", value: 6 });
});

it("a recipe that would not fit its task any more is not turned to, and the reason is told", () => {
  turn([["reward", "co-reward"]]);
  expect(sent).toEqual([]);
  expect(usePage.getState().toasts.map(({ text }) => text)).toEqual([
    "GRPO asks every question in two forms, and Reverse has one form only: choose Countdown, Addition, or Sort as the task.",
  ]);
  turn([
    ["task", "sort"],
    ["reward", "co-reward"],
  ]);
  expect(sent.map((command) => command.type)).toEqual(["edit", "edit"]);
  // Back to a task that does not fit: not that way round, either.
  turn([["task", "reverse"]]);
  expect(sent).toHaveLength(2);
});

it("giving up, or going back to now, ends what is being computed again", () => {
  lookAt(3);
  giveUp();
  expect(usePage.getState().lookBack).toBeUndefined();
  lookAt(2);
  backToLive();
  expect(sent.map((command) => command.type)).toEqual(["record", "cancel", "record", "cancel"]);
  backToLive();
  expect(sent).toHaveLength(4);
});
