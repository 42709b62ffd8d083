import fc from "fast-check";
import { expect, it } from "vitest";
import { type Runner, spreadOf, standEven, stepsNow } from "./lockstep.ts";

const idle = (step: number): Runner => ({ step, busy: false, fit: true });
const busy = (step: number): Runner => ({ step, busy: true, fit: true });
const out = (step: number): Runner => ({ step, busy: false, fit: false });

it("takes one step for all when all stand at the same one, and lets those behind catch up first", () => {
  expect(stepsNow([idle(4), idle(4), idle(4)], true)).toEqual([1, 1, 1]);
  expect(stepsNow([idle(4), idle(4)], false)).toEqual([0, 0]);
  expect(stepsNow([idle(4), idle(9), idle(7)], true)).toEqual([5, 0, 2]);
  expect(stepsNow([idle(4), busy(9), idle(9)], true)).toEqual([5, 0, 0]);
  expect(stepsNow([idle(4), busy(4)], true)).toEqual([0, 0]);
});

it("neither waits for a run that is out nor runs after it", () => {
  expect(stepsNow([idle(4), out(2), idle(4)], true)).toEqual([1, 0, 1]);
  expect(stepsNow([idle(4), out(20)], true)).toEqual([1, 0]);
  expect(standEven([idle(4), out(2)])).toBe(true);
  expect(spreadOf([idle(4), out(200), idle(5)])).toBe(1);
  expect(stepsNow([], true)).toEqual([]);
});

/** A run as its worker drives it: steps left to take of those it was told, and after how many of all it fails for good. */
interface Sim {
  step: number;
  left: number;
  fails: number;
  told: number;
}

const asRunner = ({ step, left, fails }: Sim): Runner => ({ step, busy: left > 0, fit: fails > 0 });

/** What the page does with the runs, in whichever order they get on: `turns` picks who goes on next. */
function train(sims: Sim[], turns: readonly number[], pauseAfter: number): { even: boolean } {
  const tell = (further: boolean) => {
    const before = sims.map(asRunner);
    stepsNow(before, further).forEach((count, i) => {
      if (count === 0) return;
      expect(before[i].busy).toBe(false);
      expect(before[i].fit).toBe(true);
      sims[i].left = count;
      sims[i].told += count;
    });
  };
  const most = sims.reduce((sum, { step }) => sum + step + pauseAfter + 1, 0) * sims.length + turns.length + 1000;
  for (let turn = 0; turn < most; turn++) {
    const ending = turn >= pauseAfter;
    if (ending && standEven(sims.map(asRunner))) return { even: true };
    tell(!ending);
    const going = sims.filter(({ left, fails }) => left > 0 && fails > 0);
    if (going.length === 0) continue;
    const sim = going[(turns[turn % turns.length] ?? 0) % going.length];
    sim.fails--;
    if (sim.fails === 0) sim.left = 0;
    else {
      sim.step++;
      sim.left--;
    }
  }
  return { even: false };
}

it("brings all that do not fail to the same step, whoever is quicker, and tells nobody in vain", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ step: fc.nat(12), fails: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 8 })) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.nat(10), { minLength: 1, maxLength: 30 }),
      fc.nat(60),
      (runs, turns, pauseAfter) => {
        const sims = runs.map((run) => ({ ...run, left: 0, told: 0 }));
        const before = sims.map(({ step }) => step);
        expect(train(sims, turns, pauseAfter).even).toBe(true);
        const fit = sims.filter(({ fails }) => fails > 0);
        expect(new Set(fit.map(({ step }) => step)).size).toBeLessThanOrEqual(1);
        sims.forEach(({ step, told, fails }, i) => {
          if (fails > 0) expect(step - before[i]).toBe(told);
          else expect(step - before[i]).toBeLessThan(told);
        });
      },
    ),
    { numRuns: 300 },
  );
});
