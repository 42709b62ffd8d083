import type { RolloutBatch } from "../batch.ts";
import type { Need } from "../plugin.ts";
import type { Terms } from "../slots.ts";
import { scorableRows } from "../statistics.ts";
import { type Domain, spread } from "./domain.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Environment } from "./inputs.ts";
import { compile, type Graph } from "./types.ts";

/** What must be measured for a formula. @throws ExpressionError if it cannot be read. */
export function needsOfFormula<B extends RolloutBatch>(text: string, environment: Environment<B>): Need[] {
  return [...new Set(compile(text, environment).inputs.flatMap((input) => input.need ?? []))];
}

/**
 * `[rows]`: whether a rollout has all numbers of the verifier that a formula reads. Those that do not count nowhere.
 * @param always Whether the reward counts even where the formula does not read it.
 */
export function scoredRows<B extends RolloutBatch>({ environment, nodes }: Graph<B>, batch: B, always: boolean): boolean[] {
  const read = nodes.flatMap((node) => {
    if (node.type === "part") return Object.hasOwn(batch.parts, node.name) ? [(r: number) => batch.parts[node.name][r]] : [];
    const input = node.type === "input" ? environment.inputs.get(node.name)! : undefined;
    const values = input?.scored ? input.read(batch) : undefined;
    if (typeof values !== "object" || input!.shape === "token") return [];
    return [(r: number) => Number(values[input!.shape === "group" ? batch.group[r] : r])];
  });
  const readsReward =
    always || nodes.some((node) => node.type === "part" || (node.type === "input" && environment.inputs.get(node.name)!.scored));
  const scorable = readsReward ? scorableRows(batch) : new Array<boolean>(batch.rows).fill(true);
  return scorable.map((yes, r) => yes && read.every((value) => Number.isFinite(value(r))));
}

/** A formula's named values as terms, `[rows]` or `[N]`; 0 where the batch does not count. */
export function namedValues(graph: Graph<never>, { values }: Evaluation, domain: Domain, batch: RolloutBatch): Terms {
  return Object.fromEntries(
    graph.lets.map(({ name, node }) => {
      const { shape } = graph.nodes[node];
      const level = shape === "token" ? "token" : "rollout";
      const all = new Float64Array(level === "token" ? batch.offsets[batch.rows] : batch.rows);
      spread(values[node], shape, level, domain).forEach((x, i) => {
        all[domain.original[level][i]] = x;
      });
      return [name, all];
    }),
  );
}
