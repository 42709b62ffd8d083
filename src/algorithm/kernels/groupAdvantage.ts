import wgsl from "../../../shaders/group_advantage.wgsl?raw";
import type { Kernel } from "../../policy/engine.ts";
import { meanAbsoluteDeviation, median, standardDeviation } from "../statistics.ts";

/** The values of the kernel's parameters `baseline`, `scale` and `scope`. */
export const BASELINE = { mean: 0, leaveOneOut: 1, median: 2 } as const;
export const SCALE = { none: 0, std: 1, meanAbsoluteDeviation: 2 } as const;
export const SCOPE = { group: 0, batch: 1 } as const;

/**
 * Group-relative advantages, `[tokens]`: every token has its row's. Inputs: rewards and group numbers of the rows, `[rows]`, and where each
 * row's tokens begin, `[rows + 1]`. A reward that is no finite number is unscorable, counts nowhere and gets 0. `eps` is added to the scale.
 * The WGSL file's header has every edge case.
 */
export const groupAdvantage: Kernel = {
  name: "group_advantage",
  wgsl,
  inputs: [
    { name: "rewards", type: "f32" },
    { name: "groups", type: "u32" },
    { name: "offsets", type: "u32" },
  ],
  outputs: [{ name: "advantages", length: (_, params) => params.tokens }],
  params: [
    { name: "rows", type: "u32" },
    { name: "baseline", type: "u32" },
    { name: "scale", type: "u32" },
    { name: "ddof", type: "u32" },
    { name: "scope", type: "u32" },
    { name: "eps", type: "f32" },
    { name: "tokens", type: "u32" },
  ],
  workgroups: (sizes) => [Math.ceil(sizes.rewards / 64), 1, 1],
  twin: ({ rewards, groups, offsets }, { rows, baseline, scale, ddof, scope, eps, tokens }) => {
    const advantages = new Float32Array(tokens);
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
      const difference = rewards[r] - baselineOf(group, rewards[r], baseline);
      const divide = scale !== SCALE.none && difference !== 0;
      const spread = divide ? deviation(scope === SCOPE.batch ? everyone : group, scale, ddof) + eps : 1;
      advantages.fill(difference / spread, offsets[r], offsets[r + 1]);
    }
    return { advantages };
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
