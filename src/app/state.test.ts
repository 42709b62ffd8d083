// @vitest-environment node
import { describe, expect, it } from "vitest";
import { smallSetup } from "../loop/testing.ts";
import { withChange } from "../recipes/recipe.ts";
import type { Event, KeptRun } from "../worker/protocol.ts";
import { afterEvent, EMPTY, expectedRecipe, type PageState, shownPhase, shownRecord } from "./state.ts";
import { recordedRun, startOf } from "./testing.ts";
import { applyAll } from "./worker-client.ts";

const run = await recordedRun({}, 2);
const following = (events: readonly Event[], state: PageState = EMPTY) => events.reduce(afterEvent, state);
const kept = (id: string, steps: number): KeptRun => ({
  id,
  steps,
  policy: "nano",
  task: "reverse",
  recipe: "GRPO",
  seed: 7,
  savedAt: 0,
  bytes: 1,
});

describe("the page's state", () => {
  it("follows a run phase by phase", () => {
    let state = EMPTY;
    for (const event of run.events) {
      state = afterEvent(state, event);
      if (event.type === "phase") {
        expect(shownRecord(state)).toBe(event.record);
        expect(shownPhase(state)).toBe(event.phase);
      }
    }
    expect(state.step).toBe(2);
    expect(state.history.map((m) => m.step)).toEqual([1, 2]);
  });

  it("gives the same state whether events come one by one or a frame at a time", () => {
    expect(applyAll(EMPTY, run.events)).toEqual(following(run.events));
  });

  it("keeps whole rows on the stage while playing, and shows where it stands on pause", () => {
    const [first, second] = [1, 2].map((step) => run.events.filter((e) => e.type === "phase" && e.record.step === step));
    let state = following([run.events[0], ...first, { type: "step", step: 1, metrics: { step: 1, seconds: 0.1 } }]);
    state = following([{ type: "state", playing: true, busy: true }], state);
    const before = state.live;
    state = following(second.slice(0, 4), state);
    expect(state.latest!.phase).toBe("rewards");
    expect(state.live).toBe(before);
    const paused = following([{ type: "state", playing: false, busy: false }], state);
    expect(paused.live).toBe(state.latest);
    expect(following(second.slice(4, 5), state).live!.phase).toBe("advantages");
  });

  it("takes a slow run's rows as soon as they are drawn", () => {
    const second = run.events.filter((e) => e.type === "phase" && e.record.step === 2);
    let state = following([...run.events.filter((e) => e.type !== "phase" || e.record.step === 1)]);
    state = following(
      [
        { type: "step", step: 1, metrics: { step: 1, seconds: 5 } },
        { type: "state", playing: true, busy: true },
      ],
      state,
    );
    expect(following(second.slice(0, 1), state).live!.step).toBe(1);
    expect(following(second.slice(0, 2), state).live!.phase).toBe("rollouts");
  });

  it("turns knobs when the worker says so", () => {
    const recipe = withChange(run.setup.recipe, "sampler.groupSize", 3);
    let state = following(run.events);
    state = following(
      [
        { type: "edited", edit: { step: 3, path: "sampler.groupSize", value: 5 }, settings: run.setup.recipe },
        { type: "edited", edit: { step: 3, path: "sampler.groupSize", value: 3 }, settings: recipe },
        { type: "edited", edit: { step: 3, path: "seed", value: 11 }, settings: recipe },
      ],
      state,
    );
    expect(state.run).toMatchObject({ recipe, seed: 11, edits: [{ value: 3 }, { value: 11 }] });
  });

  it("keeps showing the newer of two turns of one knob until that is answered", () => {
    const started = afterEvent(EMPTY, startOf(smallSetup()));
    const edited = (value: number) => ({
      type: "edited" as const,
      edit: { step: 2, path: "sampler.groupSize", value },
      settings: withChange(started.run!.recipe, "sampler.groupSize", value),
    });
    const state = { ...started, drafts: { "sampler.groupSize": 6 } };
    const first = afterEvent(state, edited(5));
    expect(expectedRecipe(first)!.slots.sampler.params.groupSize).toBe(6);
    const second = afterEvent(first, edited(6));
    expect(second.drafts).toEqual({});
    expect(expectedRecipe(second)!.slots.sampler.params.groupSize).toBe(6);
  });

  it("starts from a run's edits when it is resumed", () => {
    const [started] = run.events as [Extract<Event, { type: "started" }>];
    const edits = [
      { step: 2, path: "optimizer.epochs", value: 3 },
      { step: 9, path: "optimizer.epochs", value: 4 },
    ];
    const state = following([{ ...started, step: 5, edits }]);
    expect(state.run!.recipe.slots.optimizer.params.epochs).toBe(3);
  });

  it("looks back without losing the live run, and ignores answers to older questions", () => {
    const state: PageState = { ...following(run.events), lookBack: { step: 1 } };
    expect(shownRecord(state)).toBeUndefined();
    expect(following([{ type: "record", step: 2, record: run.last }], state).lookBack).toEqual({ step: 1 });
    const back = following([{ type: "record", step: 1, record: run.records[0] }], state);
    expect(shownRecord(back)).toBe(run.records[0]);
    expect(back.live!.step).toBe(2);
  });

  it("lets the inspected token learn from later phases of its step, and keeps it in later steps", () => {
    const phases = run.events.filter((e) => e.type === "phase");
    const drawn = following([run.events[0], ...phases.slice(0, 2)]);
    const chosen: PageState = { ...drawn, selection: { record: drawn.live!, row: 1, index: 0 } };
    const stepDone = following(phases.slice(2), chosen);
    expect(stepDone.selection!.record).toMatchObject({ step: 1, phase: "evaluation" });
    const replaced = { ...drawn.live!, rollouts: drawn.live!.rollouts.map((r) => ({ ...r, text: `${r.text}?` })) };
    expect(following([{ type: "phase", phase: "rollouts", record: replaced }], chosen).selection).toBeUndefined();
  });

  it("counts a step once when it comes again after a recovery", () => {
    const state = following([...run.events, { type: "step", step: 2, metrics: run.last.metrics! }]);
    expect(state.history.map((m) => m.step)).toEqual([1, 2]);
  });

  it("adds a measurement to its step's metrics", () => {
    const evaluation = {
      problems: 64,
      samples: 4,
      passAtK: { 1: 0.5, 4: 0.75 },
      wellFormed: 1,
      accuracyWhenWellFormed: 0.5,
      meanLength: 4,
      entropy: 1,
    };
    const state = following([...run.events, { type: "evaluated", step: 0, evaluation }, { type: "evaluated", step: 2, evaluation }]);
    expect(state.start).toBe(evaluation);
    expect(state.history[1]).toMatchObject({ "pass@1": 0.5, "pass@4": 0.75 });
    expect(state.history[0]).not.toHaveProperty("pass@1");
  });

  it("offers the newest kept run, and keeps the list as runs are saved", () => {
    const engine = { kind: "portable", label: "portable" } as const;
    let state = following([{ type: "ready", engine, keptRuns: [kept("a", 34), kept("b", 3)] }]);
    expect(state.offer!.id).toBe("a");
    state = following(
      [
        { type: "saved", run: kept("c", 1) },
        { type: "saved", run: kept("b", 4) },
      ],
      state,
    );
    expect(state.keptRuns.map((r) => [r.id, r.steps])).toEqual([
      ["b", 4],
      ["c", 1],
      ["a", 34],
    ]);
  });

  it("shows errors and notices once each, few at a time; a fatal error ends everything", () => {
    const texts = ["a", "b", "b", "c", "d"];
    const state = following(texts.map((message) => ({ type: "notice", message })));
    expect(state.toasts.map((t) => t.text)).toEqual(["b", "c", "d"]);
    expect(following([{ type: "error", message: "e", fatal: false }], state).toasts.at(-1)).toMatchObject({ kind: "error", text: "e" });
    expect(following([{ type: "error", message: "f", fatal: true }], state)).toMatchObject({ fatal: "f", playing: false, busy: false });
  });
});
