import { expect, it } from "vitest";
import { LESSONS } from "./library/index.ts";
import { minutesAt, setupOf, sizeFor, trainingTime } from "./size.ts";

const parameters = (id: string) => ({ nano: 100_000, tiny: 400_000 })[id];
const speed = (tokensPerSecond: number) => ({ tokensPerSecond, policy: "nano", parameters: 100_000 });

it.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))("%s follows the machine's speed and keeps its minutes", (_, lesson) => {
  const { sizes } = lesson.setup;
  expect(sizeFor(lesson, speed(1), parameters)).toBe(sizes[0]);
  expect(sizeFor(lesson, speed(1e9), parameters)).toBe(sizes.at(-1));
  expect(minutesAt(lesson, speed(1e9), parameters)).toBe(lesson.minutes);
  expect(minutesAt(lesson, speed(10), parameters)).toBeGreaterThan(lesson.minutes);
  // Never slower on a faster machine, and within the time wherever any size fits.
  let before = 0;
  for (const tokens of [50, 200, 800, 3200, 12_800, 51_200]) {
    const size = sizeFor(lesson, speed(tokens), parameters);
    expect(sizes.indexOf(size)).toBeGreaterThanOrEqual(before);
    before = sizes.indexOf(size);
    if (before > 0) expect(trainingTime(lesson, size, speed(tokens), parameters(size.policy)!)).toBeLessThanOrEqual(lesson.trainingSeconds);
  }
});

it("a policy that does not ship is not used, and the setup is a run's", () => {
  const [lesson] = LESSONS;
  expect(sizeFor(lesson, speed(1e9), (id) => (id === "nano" ? 100_000 : undefined)).policy).toBe("nano");
  const setup = setupOf(lesson, lesson.setup.sizes[1], { settings: { "sampler.temperature": 0.5 } });
  expect(setup).toMatchObject({ policy: "nano", seed: lesson.setup.seed });
  expect(setup.recipe.slots.sampler.params).toMatchObject({ promptsPerStep: 16, groupSize: 8, temperature: 0.5 });
});
