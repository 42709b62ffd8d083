import wgsl from "../../../shaders/group_advantage.wgsl?raw";
import type { Kernel } from "../../policy/engine.ts";
import { meanAbsoluteDeviation, median, standardDeviation } from "../statistics.ts";

/** The values of the kernel's parameters `baseline`, `scale` and `scope`. */
export const BASELINE = { mean: 0, leaveOneOut: 1, median: 2 } as const;
export const SCALE = { none: 0, std: 1, meanAbsoluteDeviation: 2 } as const;
export const SCOPE = { group: 0, batch: 1 } as const;

/**
 * Group-relative advantages, `[rows]`, with the baseline and the scale that each was made from. Inputs: rewards and group numbers of the
 * rows; a reward that is no finite number is unscorable, counts nowhere and gets 0. `eps` is added to the scale. The WGSL file's header has every edge case.
 */
export const groupAdvantage: Kernel = {
  name: "group_advantage",
  wgsl,
  inputs: [
    { name: "rewards", type: "f32" },
    { name: "groups", type: "u32" },
  ],
  outputs: ["advantages", "baselines", "scales"].map((name) => ({ name, length: (sizes) => sizes.rewards })),
  params: [
    { name: "rows", type: "u32" },
    { name: "baseline", type: "u32" },
    { name: "scale", type: "u32" },
    { name: "ddof", type: "u32" },
    { name: "scope", type: "u32" },
    { name: "eps", type: "f32" },
  ],
  workgroups: (sizes) => [Math.ceil(sizes.rewards / 64), 1, 1],
  twin: ({ rewards, groups }, { rows, baseline, scale, ddof, scope, eps }) => {
    const advantages = new Float32Array(rows);
    const baselines = new Float32Array(rows);
    const scales = new Float32Array(rows);
    const members = new Map<number, number[]>();
    for (let r = 0; r < rows; r++) {
      if (!Number.isFinite(rewards[r])) continue;
      const group = members.get(groups[r]);
      if (group) group.push(rewards[r]);
      else members.set(groups[r], [rewards[r]]);
    }
    const everyone = [...members.values()].flat();
    for (let r = 0; r < rows; r++) {
      if (!Number.isFinite(rewards[r])) continue;
      const group = members.get(groups[r])!;
      const b = baselineOf(group, rewards[r], baseline);
      const s = scale === SCALE.none ? 1 : deviation(scope === SCOPE.batch ? everyone : group, scale, ddof);
      baselines[r] = b;
      scales[r] = s;
      advantages[r] = scale === SCALE.none || rewards[r] === b ? rewards[r] - b : (rewards[r] - b) / (s + eps);
    }
    return { advantages, baselines, scales };
  },
};

function baselineOf(group: readonly number[], reward: number, kind: number): number {
  const n = group.length;
  if (n === 1) return reward;
  if (kind === BASELINE.median) return median(group);
  const distance = group.reduce((sum, x) => sum + (x - reward), 0);
  return reward + distance / (kind === BASELINE.leaveOneOut ? n - 1 : n);
}

const deviation = (values: readonly number[], kind: number, ddof: number) =>
  kind === SCALE.meanAbsoluteDeviation ? meanAbsoluteDeviation(values) : standardDeviation(values, ddof);
