import { expect, it } from "vitest";
import type { Metrics } from "../../loop/record.ts";
import { csvFile, svgFile } from "./chart-files.ts";
import { MAIN_CHART } from "./series.ts";

it("writes every step, and leaves what was not measured empty", () => {
  const history: Metrics[] = [
    { step: 1, reward: 0.25 },
    { step: 2, reward: 0.5, "pass@1": 0.4 },
  ];
  const pinned = {
    key: "b",
    metric: "reward",
    name: "reward",
    colour: "red",
    dash: "none",
    run: "seed 8",
    history: [{ step: 3, reward: 1 }],
  };
  expect(csvFile(MAIN_CHART, history, { "pass@1": 0.2 }, [pinned])).toBe(
    "step,reward,pass@1,reward (seed 8)\r\n0,,0.2,\r\n1,0.25,,\r\n2,0.5,0.4,\r\n3,,,1\r\n",
  );
});

it("makes a picture that stands alone: no variables, classes or styles of the page, and text that cannot be markup", () => {
  document.documentElement.style.setProperty("--blue", "#123456");
  document.body.innerHTML =
    '<svg class="c" style="pointer-events: none"><path class="d" stroke="var(--blue)" d="M0 0"/><text fill="var(--unknown)">1</text></svg>';
  const svg = svgFile(document.querySelector("svg")!, "Reward <b>", [{ name: "a & b", colour: "var(--blue)" }]);
  expect(svg).not.toMatch(/var\(|class=|style=|<b>/);
  expect(svg).toContain("#123456");
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  expect(parsed.querySelector("title")!.textContent).toBe("Reward <b>");
  expect(parsed.querySelectorAll("path")).toHaveLength(1);
});
