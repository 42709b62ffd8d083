import { makeDomain, spread } from "../expression/domain.ts";
import { checkFinite, evaluate } from "../expression/evaluate.ts";
import { gradient } from "../expression/gradient.ts";
import { OBJECTIVE, ratios } from "../expression/inputs.ts";
import { MAX_LENGTH } from "../expression/parser.ts";
import { namedValues, needsOfFormula, scoredRows } from "../expression/plugin.ts";
import { compile } from "../expression/types.ts";
import type { ObjectivePlugin } from "../slots.ts";

const CLIPPED = `let bounded = clip(ratio, 1 - 0.2, 1 + 0.2)
max(-ratio * advantage, -bounded * advantage)`;

/**
 * A loss of one's own, as a formula for each token, differentiated by the program. Tokens of weight 0 are not part of the batch that it
 * sees, and rollouts that could not be scored only if it does not read their reward.
 */
export const expressionObjective: ObjectivePlugin = {
  id: "expression",
  name: "Your own formula",
  scope: "batch",
  parameters: {
    formula: {
      kind: "text",
      label: "Formula",
      default: CLIPPED,
      maxLength: MAX_LENGTH,
      check: (text) => void compile(text, OBJECTIVE),
      effect: "The loss of each token, which training makes smaller; it must depend on log_prob, ratio or entropy.",
    },
  },
  needsOf: (params) => needsOfFormula(params.formula as string, OBJECTIVE),
  explanation: {
    sentence: "Say yourself what training makes smaller, token by token; the program works out the gradient.",
    latex: "\\mathcal L = \\sum_t w_t\\,\\ell_t(\\log\\pi, \\ldots)",
  },
  terms: { ratio: { symbol: "\\rho_t", meaning: "importance ratio: probability now over probability when the batch was drawn" } },
  lossAndCoefficients(batch, params) {
    const graph = compile(params.formula as string, OBJECTIVE);
    const scored = scoredRows(graph, batch, false);
    const counts = (t: number) => batch.weight[t] !== 0;
    const domain = makeDomain(
      batch,
      (r) => {
        if (!scored[r]) return false;
        for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) if (counts(t)) return true;
        return false;
      },
      counts,
    );
    const evaluation = evaluate(graph, batch, domain);
    checkFinite(graph, graph.result, evaluation, domain);

    const tokens = domain.original.token;
    const n = batch.logProb.length;
    const weight = Float64Array.from(tokens, (t) => batch.weight[t]);
    const loss = new Float64Array(n);
    let value = 0;
    spread(evaluation.values[graph.result], graph.nodes[graph.result].shape, "token", domain).forEach((l, i) => {
      loss[tokens[i]] = l;
      value += weight[i] * l;
    });

    const slopes = gradient(graph, batch, evaluation, domain, weight);
    const scatter = (values: Float64Array | undefined) => {
      const all = new Float64Array(n);
      values?.forEach((x, i) => {
        all[tokens[i]] = x;
      });
      return all;
    };
    const terms = { ...namedValues(graph, evaluation, domain, batch), ratio: ratios(batch) };
    const coefficient = scatter(slopes.log_prob);
    return { value, loss, coefficient, ...(slopes.entropy ? { entropyCoefficient: scatter(slopes.entropy) } : {}), terms };
  },
};
