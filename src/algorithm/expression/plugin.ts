import type { RolloutBatch } from "../batch.ts";
import type { Need } from "../plugin.ts";
import type { Terms } from "../slots.ts";
import { type Domain, spread } from "./domain.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Environment } from "./inputs.ts";
import { compile, type Graph } from "./types.ts";

/** What must be measured for a formula. @throws ExpressionError if it cannot be read. */
export function needsOfFormula<B extends RolloutBatch>(text: string, environment: Environment<B>): Need[] {
  return [...new Set(compile(text, environment).inputs.flatMap((input) => input.need ?? []))];
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
