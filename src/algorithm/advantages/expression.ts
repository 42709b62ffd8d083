import { makeDomain, spread } from "../expression/domain.ts";
import { checkFinite, evaluate } from "../expression/evaluate.ts";
import { ADVANTAGE } from "../expression/inputs.ts";
import { MAX_LENGTH } from "../expression/parser.ts";
import { namedValues, needsOfFormula, scoredRows } from "../expression/plugin.ts";
import { compile } from "../expression/types.ts";
import type { AdvantagePlugin } from "../slots.ts";

const GRPO = `let baseline = group_mean(reward)
let spread = group_std(reward)
(reward - baseline) / (spread + 1e-6)`;

/** An advantage of one's own, as a formula. Rollouts that could not be scored are not part of the batch that it sees. */
export const expressionAdvantage: AdvantagePlugin = {
  id: "expression",
  name: "Your own formula",
  scope: "batch",
  parameters: {
    formula: {
      kind: "text",
      label: "Formula",
      default: GRPO,
      maxLength: MAX_LENGTH,
      check: (text) => void compile(text, ADVANTAGE),
      effect: "The advantage of each rollout or token, from its reward and what else is known of the batch.",
    },
  },
  needsOf: (params) => needsOfFormula(params.formula as string, ADVANTAGE),
  explanation: {
    sentence: "Say yourself how good an answer is compared with the others; what is above 0 becomes more probable, what is below less.",
    latex: "A_{i,t} = f(r, \\ldots)",
  },
  terms: {},
  estimate(batch, params) {
    const graph = compile(params.formula as string, ADVANTAGE);
    const scored = scoredRows(graph, batch, true);
    const domain = makeDomain(
      batch,
      (r) => scored[r],
      () => true,
    );
    const evaluation = evaluate(graph, batch, domain);
    checkFinite(graph, graph.result, evaluation, domain);
    const { shape } = graph.nodes[graph.result];
    const level = shape === "token" ? "token" : "rollout";
    const advantage = new Float64Array(level === "token" ? batch.offsets[batch.rows] : batch.rows);
    spread(evaluation.values[graph.result], shape, level, domain).forEach((a, i) => {
      advantage[domain.original[level][i]] = a;
    });
    return { level, advantage, terms: namedValues(graph, evaluation, domain, batch) };
  },
};
