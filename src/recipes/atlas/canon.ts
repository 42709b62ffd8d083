import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const canon: Recipe = {
  id: "canon",
  name: "CANON",
  summary: "Splits each group by entropy or length and compares the halves, so that the better side wins without anyone naming it.",
  explanation:
    "More entropy is better, shorter is better: such rules help on one task and harm on the next. CANON takes no side. It splits a group at the median of a metric and measures every answer against the mean of the other half, so whichever half earns more gets the larger advantages. With half the weight on the own half it is exactly Dr. GRPO. Watch in which direction entropy or length moves, and that it moves the other way on a task where the other side is right. An asymmetry below 1 brings a fixed preference back.",
  source: SOURCES.canon,
  base: "grpo@1",
  changes: {
    advantage: { plugin: "conditional" },
    objective: { params: { clipHigh: 0.28, dualClip: 3 } },
    aggregation: { plugin: "constant-length" },
  },
};
