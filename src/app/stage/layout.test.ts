// @vitest-environment node
import { describe, expect, it } from "vitest";
import { recordedRun } from "../testing.ts";
import { automaticChannel, CHANNELS, channelById, levelClass } from "./channels.ts";
import { factsOf } from "./facts.ts";
import { GROUP_HEIGHT, layoutOf, neighbour, placeOf, ROW_HEIGHT, visible, withDiscarded } from "./layout.ts";
import { lengthOf } from "./token-facts.ts";

const { records, last } = await recordedRun();

describe("the list of rollouts", () => {
  const layout = layoutOf(last, "evaluation");

  it("puts each group's rollouts under its prompt, without gaps or overlap", () => {
    expect(layout.items.filter((i) => i.kind === "row").map((i) => i.row)).toEqual(last.rollouts.map((_, r) => r));
    layout.items.slice(1).forEach((item, i) => {
      const before = layout.items[i];
      expect(item.top).toBeGreaterThanOrEqual(before.top + (before.kind === "group" ? GROUP_HEIGHT : ROW_HEIGHT));
    });
    expect(layoutOf(last, "prompts").items.every((i) => i.kind === "group")).toBe(true);
  });

  it("makes only what is in view", () => {
    const inView = visible(layout, 200, 260, 0);
    expect(inView.length).toBeLessThan(5);
    for (const item of inView) expect(item.top).toBeLessThanOrEqual(260);
    expect(visible(layout, 0, layout.height)).toHaveLength(layout.items.length);
  });

  it("finds a rollout's place, or its group's where rollouts have none", () => {
    const { group } = last.rollouts[5];
    expect(placeOf(layout, last, 5)).toMatchObject({ kind: "row", row: 5, group });
    const groups = layoutOf(last, "evaluation", { group: 90, row: 0 });
    expect(placeOf(groups, last, 5)).toMatchObject({ kind: "group", group, height: 90 });
    expect(groups.rows).toEqual(layout.rows);
    const some = layoutOf(last, "evaluation", {}, (row) => row === 5);
    expect(some.items.map((item) => item.kind)).toEqual(["group", "row"]);
  });

  it("puts what was thrown away at the end", () => {
    const { problem } = last.groups[0];
    const record = { ...last, discarded: [{ round: 0, problem, texts: ["ab"], scores: [1], reason: "all right" }] };
    const longer = withDiscarded(layout, record, 36);
    expect(longer.items.at(-1)).toEqual({ kind: "discarded", index: 0, top: layout.height, height: 36 });
    expect(longer.height).toBe(layout.height + 36);
  });

  it("walks from rollout to rollout and stops at the ends", () => {
    expect(neighbour(layout, 0, 1)).toBe(1);
    expect(neighbour(layout, 0, -1)).toBe(0);
    expect(neighbour(layout, last.rollouts.length - 1, 5)).toBe(last.rollouts.length - 1);
  });
});

describe("channels", () => {
  it.each(CHANNELS.filter((c) => c.id !== "none").map((c) => [c.id, c] as const))(
    "%s has a value for every token, of any sign it promises",
    (_, channel) => {
      for (let row = 0; row < last.rollouts.length; row++) {
        const values = Array.from(channel.values(last, row)!);
        expect(values).toHaveLength(lengthOf(last, row));
        for (const value of values) {
          expect(levelClass(channel, value, last)).toMatch(channel.low ? /^([ud][1-6])?$/ : /^(s[1-6])?$/);
          expect(channel.text(value).length).toBeGreaterThan(0);
        }
      }
    },
  );

  it("colours what is pushed up blue, whatever the sign of the coefficient", () => {
    const good = last.rollouts.findIndex((r) => r.advantage! > 0);
    const colours = (id: "advantage" | "coefficient") =>
      Array.from(channelById(id).values(last, good)!, (value) => levelClass(channelById(id), value, last)[0]);
    expect(colours("advantage")).toEqual(colours("advantage").map(() => "u"));
    expect(colours("coefficient")).not.toContain("d");
  });

  it("is chosen by the phase, and stays while playing", () => {
    for (const record of records) expect(channelById(automaticChannel(record.phase, false))).toBeDefined();
    expect(new Set(records.map((r) => automaticChannel(r.phase, true)))).toEqual(new Set(["advantage"]));
  });
});

it("tells numbers of every phase", () => {
  const facts = records.map((record) => Object.fromEntries(factsOf(record, record.phase).map((f) => [f.label, f.value])));
  const right = last.rollouts.filter((r) => r.verdict!.score === 1).length;
  expect(facts[2].right).toBe(`${right} of ${last.rollouts.length}`);
  expect(facts.filter((f) => "update" in f).map((f) => f.update)).toEqual(["1 of 4", "2 of 4", "3 of 4", "4 of 4"]);
});
