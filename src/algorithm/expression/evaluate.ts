import type { Numbers, RolloutBatch } from "../batch.ts";
import { type Domain, pick, spread } from "./domain.ts";
import { ExpressionError } from "./error.ts";
import type { Input, Shape } from "./inputs.ts";
import { nearest } from "./nearest.ts";
import type { Graph, Node } from "./types.ts";

/** The values of every node of a formula on a batch. */
export interface Evaluation {
  readonly values: readonly Float64Array[];
  readonly budget: Budget;
}

/** Single operations that one formula may take in a step: a bound on its time, the same on every machine. */
export const MAX_OPERATIONS = 5e7;

/** Counts a formula's operations. */
export class Budget {
  private left: number;
  private readonly text: string;

  constructor(text: string, operations: number) {
    this.text = text;
    this.left = operations;
  }

  /** @throws ExpressionError at the node that goes beyond what is left. */
  spend(node: Node, operations: number): void {
    this.left -= operations;
    if (this.left < 0) {
      throw new ExpressionError(this.text, node.span, "it takes too long on this batch: use a shorter formula or a smaller batch");
    }
  }
}

/**
 * Computes a formula's nodes, one after the other, over the part of the batch that counts.
 * @throws ExpressionError if an input was not measured, a part of the reward is not there, or it takes too long.
 */
export function evaluate<B extends RolloutBatch>(graph: Graph<B>, batch: B, domain: Domain, operations = MAX_OPERATIONS): Evaluation {
  const values: Float64Array[] = [];
  const budget = new Budget(graph.text, operations);
  for (const node of graph.nodes) values.push(compute(graph, node, values, batch, domain, budget));
  return { values, budget };
}

function compute<B extends RolloutBatch>(
  graph: Graph<B>,
  node: Node,
  values: readonly Float64Array[],
  batch: B,
  domain: Domain,
  budget: Budget,
): Float64Array {
  const size = domain.sizes[node.shape];
  if (node.type === "number") return Float64Array.of(node.value);
  if (node.type === "input") {
    budget.spend(node, size);
    const input = graph.environment.inputs.get(node.name)!;
    const all = input.read(batch);
    if (all === undefined) throw new ExpressionError(graph.text, node.span, `${node.name} was not measured in this step`);
    return gather(all, input, domain);
  }
  if (node.type === "part") {
    budget.spend(node, size);
    return pick(partOf(graph, node, batch), domain.original.rollout);
  }
  if (node.type === "reduce") {
    const { shape } = graph.nodes[node.args[0]];
    budget.spend(node, costOfReduction(node.name, domain.sizes[shape]));
    const { starts, items } = domain.segments(node.level, shape);
    const x = values[node.args[0]];
    const reduced = new Float64Array(size);
    for (let i = 0; i < size; i++) reduced[i] = node.fn.value(x, items, starts[i], starts[i + 1]);
    return reduced;
  }
  budget.spend(node, size * (1 + node.args.length));
  const [a, b = a, c = a] = node.args.map((arg) => spread(values[arg], graph.nodes[arg].shape, node.shape, domain));
  const { value } = node.fn;
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) out[i] = value(a[i], b[i], c[i]);
  return out;
}

/** A median sorts. */
export const costOfReduction = (name: string, size: number) => (name.endsWith("median") ? size * Math.ceil(Math.log2(size + 2)) : size);

function gather(all: number | Numbers | readonly boolean[], { shape }: Pick<Input<never>, "shape">, domain: Domain): Float64Array {
  if (typeof all === "number") return Float64Array.of(all);
  return pick(all as Numbers, domain.original[shape]);
}

function partOf(graph: Graph<never>, node: Node & { type: "part" }, batch: RolloutBatch): Numbers {
  if (Object.hasOwn(batch.parts, node.name)) return batch.parts[node.name];
  const known = Object.keys(batch.parts);
  const near = nearest(node.name, known);
  const have = known.length === 0 ? "this reward has no parts" : `it has ${known.join(", ")}`;
  throw new ExpressionError(
    graph.text,
    node.span,
    `the reward has no part ${JSON.stringify(node.name)}; ${near ? `did you mean ${JSON.stringify(near)}?` : have}`,
  );
}

/**
 * Looks at the values of a node.
 * @throws ExpressionError if one is not finite, at the first operation that made it so, with the rollout and token.
 */
export function checkFinite(graph: Graph<never>, node: number, { values }: Evaluation, domain: Domain): void {
  const bad = values[node].findIndex((x) => !Number.isFinite(x));
  if (bad < 0) return;
  const { origin, at } = originOf(graph, node, bad, values, domain);
  const { span, shape, type } = graph.nodes[origin];
  const what = type === "apply" ? made(graph, origin, at, values, domain) : `this is ${values[origin][at]}`;
  throw new ExpressionError(graph.text, span, `${what}${whereabouts(shape, at, domain)}`);
}

/** Follows a value that is not finite back to the operation that first made it from finite ones. */
function originOf(
  graph: Graph<never>,
  node: number,
  at: number,
  values: readonly Float64Array[],
  domain: Domain,
): { origin: number; at: number } {
  for (let origin = node; ; ) {
    const from = sourcesOf(graph, origin, at, values, domain).find((source) => !Number.isFinite(values[source.origin][source.at]));
    if (!from) return { origin, at };
    ({ origin, at } = from);
  }
}

/** The values that went into one value of a node; of a choice, only the branch taken. */
function sourcesOf(graph: Graph<never>, origin: number, at: number, values: readonly Float64Array[], domain: Domain) {
  const node = graph.nodes[origin];
  if (node.type === "reduce") {
    const [arg] = node.args;
    const { starts, items } = domain.segments(node.level, graph.nodes[arg].shape);
    return Array.from(items.subarray(starts[at], starts[at + 1]), (item) => ({ origin: arg, at: item }));
  }
  if (node.type !== "apply") return [];
  const sources = node.args.map((arg) => ({ origin: arg, at: domain.owner(node.shape, graph.nodes[arg].shape)[at] }));
  if (node.name !== "if" && node.name !== "where") return sources;
  const [condition, yes, no] = sources;
  return [values[condition.origin][condition.at] ? yes : no];
}

/** "log of -1 is NaN", "1 / 0 is Infinity". */
function made(graph: Graph<never>, origin: number, at: number, values: readonly Float64Array[], domain: Domain): string {
  const node = graph.nodes[origin] as Node & { type: "apply" };
  const args = node.args.map((arg) => short(values[arg][domain.owner(node.shape, graph.nodes[arg].shape)[at]]));
  const written = /^[a-z]/.test(node.name) ? `${node.name}(${args.join(", ")})` : `${args[0]} ${node.name} ${args[1]}`;
  return `${written} is ${values[origin][at]}`;
}

const short = (x: number) => String(Number(x.toPrecision(6)));

/** " for rollout 3, token 5" (from 1). */
export function whereabouts(shape: Shape, at: number, domain: Domain): string {
  if (shape === "scalar") return "";
  if (shape === "group") return ` for group ${domain.original.group[at] + 1}`;
  if (shape === "rollout") return ` for rollout ${domain.original.rollout[at] + 1}`;
  const row = domain.original.rollout[domain.owner("token", "rollout")[at]];
  return ` for rollout ${row + 1}, token ${domain.original.token[at] - domain.firstToken[row] + 1}`;
}
