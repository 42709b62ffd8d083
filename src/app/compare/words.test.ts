import { expect, it } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import { differenceLine, differencesFrom } from "./words.ts";

const setup = smallSetup();
const plain = { setup, edits: [] };

it("names what differs, each with the step from which it does", () => {
  const course = {
    setup: { ...setup, seed: setup.seed + 1 },
    edits: [
      { step: 1, path: "sampler.temperature", value: 0.5 },
      { step: 7, path: "optimizer.learningRate", value: 0.003 },
    ],
  };
  expect(differencesFrom(plain, course)).toEqual(["Temperature 0.5", "Learning rate 0.003 from step 7", `seed ${setup.seed + 1}`]);
  expect(differenceLine(plain, course)).toBe(`Temperature 0.5, seed ${setup.seed + 1}; Learning rate 0.003 from step 7`);
});

it("says a step once for all that changed there, oldest first", () => {
  const edit = (step: number, path: string, value: number) => ({ step, path, value });
  const edits = [edit(3, "sampler.temperature", 0.5), edit(3, "sampler.groupSize", 6), edit(12, "optimizer.learningRate", 0.003)];
  expect(differenceLine(plain, { setup, edits })).toBe("Group size 6, Temperature 0.5 from step 3; Learning rate 0.003 from step 12");
  // Seen from the other run it is what that one did not do.
  expect(differenceLine({ setup, edits: [edit(3, "sampler.temperature", 0.5)] }, plain)).toMatch(/^Temperature \S+ from step 3$/);
  expect(differenceLine(plain, plain)).toBe("the same");
});
