// @vitest-environment node
import { describe, expect, it } from "vitest";
import { PLUGINS } from "../../recipes/slots.ts";
import { recordedRun } from "../testing.ts";
import { captionOf } from "./captions.ts";

/** Two lines of the stage at 1280 × 720. */
const ROOM = 220;

describe("the caption of the advantages", () => {
  it("speaks of the group only where the group is compared with", async () => {
    const text = async (changes: Record<string, string>) => captionOf((await recordedRun(changes)).last, "advantages", false).text;
    expect(await text({})).toContain("compared with its own group");
    expect(await text({ advantage: "maxrl" })).toBe(PLUGINS.advantage.find((plugin) => plugin.id === "maxrl")!.explanation.sentence);
    const shaped = await text({ shapers: "whiten,confidence" });
    expect(shaped).toContain("Whitening, Confidence of the answer");
    for (const caption of [shaped, await text({ advantage: "gae", shapers: "whiten" })]) expect(caption.length).toBeLessThan(ROOM);
  });
});
