// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Table } from "../../as-table.tsx";
import { recordedRun } from "../../testing.ts";
import { channelById } from "../channels.ts";
import { lengthOf } from "../token-facts.ts";
import { objectiveCurves } from "./objective-curve.ts";
import { dotsOf } from "./objective-dots.ts";
import { advantageTable, changeTable, channelTable, curveTable, dotTable, gradientTable, rewardTable, weightTable } from "./tables.ts";

const { last: record } = await recordedRun({ "sampler.groupSize": 6, tokenWeights: "top-entropy" });
const tokens = record.rollouts.reduce((sum, _, row) => sum + lengthOf(record, row), 0);

/** Every row has as many cells as there are heads, and a name of its own. */
function whole({ heads, rows }: Table): void {
  for (const row of rows) expect(row).toHaveLength(heads.length);
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length);
}

describe("tables have every number of their picture", () => {
  it("tokens by channel, weight and change", () => {
    for (const table of [channelTable(record, channelById("entropy")), weightTable(record, undefined), changeTable(record, undefined)]) {
      whole(table);
      expect(table.rows).toHaveLength(tokens);
    }
    const masked = weightTable(record, undefined).rows.filter(([, , weight]) => weight === "0, masked");
    expect(masked.length).toBeGreaterThan(0);
    // One update: the answers of its mini-batch alone.
    const one = changeTable(record, 0);
    whole(one);
    expect(one.rows).toHaveLength(record.updates[0].logProb.length);
    expect(one.heads).toContain("when drawn");
  });

  it("answers with verdict, parts, reward and advantage", () => {
    whole(rewardTable(record, true));
    expect(rewardTable(record, true).heads).toEqual(["place", "answer", "verdict", "correct", "reward"]);
    expect(rewardTable(record, false).heads).toEqual(["place", "answer", "verdict"]);
    const table = advantageTable(record);
    whole(table);
    expect(table.rows).toHaveLength(record.rollouts.length);
    const at = table.heads.indexOf("advantage");
    const read = table.rows.map((row) => Number(row[at]!.replace("−", "-"))).sort((a, b) => a - b);
    const wanted = record.rollouts.map((r) => r.advantage!).sort((a, b) => a - b);
    read.forEach((value, i) => void expect(value).toBeCloseTo(wanted[i], 1));
  });

  it("dots, their curve, and the gradient by layer and tensor", () => {
    const { dots } = dotsOf(record, undefined, "loss");
    const table = dotTable(record, dots, "loss");
    whole(table);
    expect(table.rows).toHaveLength(dots.length);
    const curves = objectiveCurves(record.settings, 0.5, 2)!;
    const curve = curveTable(curves, curves.curves.loss!, "loss");
    whole(curve);
    expect(curve.rows[0][0]).toBe("0.5000");
    expect(curve.rows.at(-1)![0]).toBe("2.0000");
    const gradient = gradientTable(record, 0);
    whole(gradient);
    expect(gradient.rows.length).toBeGreaterThan(record.updates[0].tensorGradNorms.length);
  });
});
