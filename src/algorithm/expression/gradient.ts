import type { RolloutBatch } from "../batch.ts";
import { type Domain, spread } from "./domain.ts";
import { ExpressionError } from "./error.ts";
import { costOfReduction, type Evaluation, whereabouts } from "./evaluate.ts";
import type { Graph, Node } from "./types.ts";

/**
 * The derivatives of Σ weight·loss with respect to the policy's log-probs and entropies, by reverse-mode differentiation: from the loss
 * back to the inputs, each node hands on slope · ∂node/∂argument. Where a value has no say (the branch not taken, a weight of 0)
 * nothing is handed on, whatever the derivative there would be.
 * @param weight `[tokens of the domain]`.
 * @returns `[tokens of the domain]` for each of the two that the loss depends on.
 * @throws ExpressionError at the node whose derivative is not finite.
 */
export function gradient<B extends RolloutBatch>(
  graph: Graph<B>,
  batch: B,
  { values, budget }: Evaluation,
  domain: Domain,
  weight: Float64Array,
): Readonly<Partial<Record<"log_prob" | "entropy", Float64Array>>> {
  const { nodes, result } = graph;
  const slopes: (Float64Array | undefined)[] = nodes.map(() => undefined);
  // A loss that depends on its own token's numbers only is differentiated first and weighted then, which rounds as built-in objectives do.
  const own = nodes.every((node) => !node.differentiable || node.type !== "reduce");
  slopes[result] = unspread(own ? new Float64Array(domain.sizes.token).fill(1) : weight, nodes[result].shape, domain);
  const found: Partial<Record<"log_prob" | "entropy", Float64Array>> = {};
  for (let n = result; n >= 0; n--) {
    const node = nodes[n];
    const slope = slopes[n];
    if (!slope || !node.differentiable) continue;
    const into = (arg: number) => (slopes[arg] ??= new Float64Array(domain.sizes[nodes[arg].shape]));
    if (node.type === "input") inputBack(node, slope);
    else if (node.type === "reduce") reduceBack(node, slope, n, into(node.args[0]));
    else if (node.type === "apply") applyBack(node, slope, n, into);
  }
  return found;

  function inputBack(node: Node & { type: "input" }, slope: Float64Array): void {
    const input = graph.environment.inputs.get(node.name)!;
    const local = input.slope?.(batch);
    const total = (found[input.gradientInto!] ??= new Float64Array(domain.sizes.token));
    slope.forEach((s, i) => {
      const through = local ? s * local[domain.original.token[i]] : s;
      total[i] += own ? through * weight[i] : through;
      if (!Number.isFinite(total[i])) {
        throw new ExpressionError(graph.text, node.span, `the gradient that reaches this is ${total[i]}${whereabouts("token", i, domain)}`);
      }
    });
  }

  function reduceBack(node: Node & { type: "reduce" }, slope: Float64Array, n: number, into: Float64Array): void {
    const arg = node.args[0];
    budget.spend(node, costOfReduction(node.name, into.length));
    const { starts, items } = domain.segments(node.level, nodes[arg].shape);
    for (let i = 0; i < slope.length; i++) {
      if (slope[i] !== 0) node.fn.back!(values[arg], items, starts[i], starts[i + 1], slope[i], values[n][i], into);
    }
  }

  function applyBack(node: Node & { type: "apply" }, slope: Float64Array, n: number, into: (arg: number) => Float64Array): void {
    budget.spend(node, slope.length * (1 + node.args.length));
    const [a, b = a, c = a] = node.args.map((arg) => spread(values[arg], nodes[arg].shape, node.shape, domain));
    const y = values[n];
    node.args.forEach((arg, k) => {
      if (!nodes[arg].differentiable) return;
      const of = node.fn.slopes![k];
      const target = into(arg);
      const owner = domain.owner(node.shape, nodes[arg].shape);
      for (let i = 0; i < slope.length; i++) {
        if (slope[i] === 0) continue;
        const local = of(a[i], b[i], c[i], y[i]);
        if (!Number.isFinite(local)) {
          throw new ExpressionError(graph.text, node.span, `its slope is ${local}${whereabouts(node.shape, i, domain)}`);
        }
        if (local !== 0) target[owner[i]] += slope[i] * local;
      }
    });
  }
}

/** The slopes of a value of this shape, from those of the tokens that it was spread over. */
function unspread(slopes: Float64Array, shape: Node["shape"], domain: Domain): Float64Array {
  if (shape === "token") return slopes.slice();
  const total = new Float64Array(domain.sizes[shape]);
  domain.owner("token", shape).forEach((i, t) => {
    total[i] += slopes[t];
  });
  return total;
}
