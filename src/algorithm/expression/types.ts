import type { RolloutBatch } from "../batch.ts";
import { ExpressionError, type Span } from "./error.ts";
import {
  type Elementwise,
  FUNCTIONS,
  type Kind,
  LEVELS,
  type Level,
  OPERATORS,
  REDUCTIONS,
  type Reduction,
  reductionOf,
} from "./functions.ts";
import { ADVANTAGE, type Environment, type Input, OBJECTIVE, SHAPES, type Shape } from "./inputs.ts";
import { nearest } from "./nearest.ts";
import { type Expression, type Program, parse } from "./parser.ts";

/** What a value is, and what it is made of: earlier nodes, by number. */
export type Node = {
  readonly span: Span;
  readonly shape: Shape;
  readonly kind: Kind;
  /** Whether a gradient flows through it into the policy. */
  readonly differentiable: boolean;
} & (
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "input"; readonly name: string }
  | { readonly type: "part"; readonly name: string }
  | { readonly type: "apply"; readonly name: string; readonly fn: Elementwise; readonly args: readonly number[] }
  | { readonly type: "reduce"; readonly name: string; readonly fn: Reduction; readonly level: Level; readonly args: readonly [number] }
);

/** A formula whose types fit: its nodes in an order in which they can be computed, each name's value once. */
export interface Graph<B extends RolloutBatch> {
  readonly text: string;
  readonly environment: Environment<B>;
  readonly nodes: readonly Node[];
  /** Named values, as node numbers. */
  readonly lets: readonly { readonly name: string; readonly node: number }[];
  readonly result: number;
  readonly inputs: readonly Input<B>[];
}

/** Nodes of a formula. */
export const MAX_NODES = 1000;

const WORDS: Readonly<Record<Shape, string>> = {
  scalar: "one value for the whole batch",
  group: "one value per group",
  rollout: "one value per rollout",
  token: "one value per token",
};
const KIND_WORDS: Readonly<Record<Kind, string>> = { number: "a number", boolean: "true or false" };

/**
 * Reads a formula and checks its types: what each value is (a number, or true or false) and what it has one of (batch, group, rollout,
 * token).
 * @throws ExpressionError at the first thing that does not fit.
 */
export function compile<B extends RolloutBatch>(text: string, environment: Environment<B>): Graph<B> {
  return new Checker(parse(text), environment).graph();
}

const wider = (a: Shape, b: Shape): Shape => (SHAPES.indexOf(a) >= SHAPES.indexOf(b) ? a : b);

class Checker<B extends RolloutBatch> {
  private readonly program: Program;
  private readonly environment: Environment<B>;
  private readonly nodes: Node[] = [];
  private readonly names = new Map<string, number>();
  private readonly used = new Map<string, number>();

  constructor(program: Program, environment: Environment<B>) {
    this.program = program;
    this.environment = environment;
  }

  graph(): Graph<B> {
    const { program, environment, nodes } = this;
    for (const { name, at, value } of program.lets) {
      const taken = this.names.has(name)
        ? "has a value already"
        : environment.inputs.has(name)
          ? "is an input"
          : isFunction(name)
            ? "is a function"
            : undefined;
      if (taken) this.fail(at, `${name} ${taken}: take another name`);
      this.names.set(name, this.check(value));
    }
    const result = this.check(program.result);
    this.want(result, "number", `the ${environment.target}`);
    if (environment.target === "objective" && !nodes[result].differentiable) {
      this.fail(program.result.span, "no gradient reaches the policy: a loss must depend on log_prob, ratio or entropy");
    }
    return {
      text: program.text,
      environment,
      nodes,
      lets: [...this.names].map(([name, node]) => ({ name, node })),
      result,
      inputs: [...this.used.keys()].map((name) => environment.inputs.get(name)!),
    };
  }

  private add(node: Node): number {
    if (this.nodes.length >= MAX_NODES) this.fail(node.span, `it is too large: more than ${MAX_NODES} operations`);
    return this.nodes.push(node) - 1;
  }

  private check(expression: Expression): number {
    const { span } = expression;
    if (expression.type === "number") {
      return this.add({ type: "number", value: expression.value, span, shape: "scalar", kind: "number", differentiable: false });
    }
    if (expression.type === "text") return this.fail(span, 'a text belongs into part("…") only');
    if (expression.type === "name") return this.name(expression.name, span);
    return this.call(expression);
  }

  private name(name: string, span: Span): number {
    const own = this.names.get(name) ?? this.used.get(name);
    if (own !== undefined) return own;
    const input = this.environment.inputs.get(name);
    if (input) {
      const { shape, kind } = input;
      const node = this.add({ type: "input", name, span, shape, kind, differentiable: input.gradientInto !== undefined });
      this.used.set(name, node);
      return node;
    }
    if (isFunction(name)) return this.fail(span, `${name} is a function: write ${name}(…)`);
    const other = this.environment.target === "advantage" ? OBJECTIVE : ADVANTAGE;
    const near = nearest(name, [...this.names.keys(), ...this.environment.inputs.keys()]);
    if (other.inputs.has(name)) return this.fail(span, `${name} is known to an ${other.target} only`);
    return this.fail(span, `there is no ${name}${near ? `; did you mean ${near}?` : ""}`);
  }

  private call({ name, at, args, span, operator }: Extract<Expression, { type: "call" }>): number {
    if (name === "part") return this.part(args, span);
    const reduced = operator ? undefined : reductionOf(name);
    const fn = operator ? OPERATORS.get(name) : FUNCTIONS.get(name);
    if (reduced && (!fn || args.length === 1)) return this.reduce(name, reduced, args, span);
    if (!fn) return this.unknownFunction(name, at);
    if (args.length !== fn.args.length) {
      const wanted = fn.args.map((arg) => arg.name).join(", ");
      const alone = reduced ? "1 or " : "";
      return this.fail(span, `${name}(${wanted}) takes ${alone}${count(fn.args.length)}, got ${args.length}`);
    }
    const values = args.map((arg, i) => {
      const value = this.check(arg);
      this.want(value, fn.args[i].kind, operator ? `what ${JSON.stringify(sign(name))} takes here` : `${fn.args[i].name} of ${name}`, arg);
      return value;
    });
    return this.add({
      type: "apply",
      name,
      fn,
      args: values,
      span,
      shape: values.map((v) => this.nodes[v].shape).reduce(wider),
      kind: fn.result,
      differentiable: fn.slopes !== undefined && values.some((v) => this.nodes[v].differentiable),
    });
  }

  private reduce(
    name: string,
    { fn, level, reduction }: NonNullable<ReturnType<typeof reductionOf>>,
    args: readonly Expression[],
    span: Span,
  ): number {
    if (args.length !== 1) return this.fail(span, `${name}(x) takes ${count(1)}, got ${args.length}`);
    const value = this.check(args[0]);
    this.want(value, reduction.arg, `x of ${name}`, args[0]);
    const { shape, differentiable } = this.nodes[value];
    const wanted = level === "rollout" ? "token" : level === "group" ? "rollout" : undefined;
    const fits = wanted ? shape === wanted : shape !== "scalar";
    if (!fits) {
      const hint =
        level === "group" && shape === "token"
          ? `reduce it to rollouts first, as in ${name}(mean(x))`
          : level === "rollout" && shape === "rollout"
            ? `for the rollouts of a group write group_${fn}, for all of them batch_${fn}`
            : `it needs no ${fn}`;
      this.fail(args[0].span, `${name} takes ${wanted ? WORDS[wanted] : "several values"}, and this is ${WORDS[shape]}; ${hint}`);
    }
    return this.add({
      type: "reduce",
      name,
      fn: reduction,
      level,
      args: [value],
      span,
      shape: level === "batch" ? "scalar" : level,
      kind: "number",
      differentiable: differentiable && reduction.back !== undefined,
    });
  }

  private part(args: readonly Expression[], span: Span): number {
    const [name] = args;
    if (args.length !== 1 || name.type !== "text") {
      return this.fail(args[0]?.span ?? span, 'part takes the name of one part of the reward in quotes, as in part("correct")');
    }
    return this.add({ type: "part", name: name.value, span, shape: "rollout", kind: "number", differentiable: false });
  }

  private unknownFunction(name: string, at: Span): never {
    if (this.names.has(name) || this.environment.inputs.has(name)) {
      return this.fail(at, `${name} is a value, not a function; to multiply write ${name} * (…)`);
    }
    const near = nearest(name, functionNames());
    return this.fail(at, `there is no function ${name}${near ? `; did you mean ${near}?` : ""}`);
  }

  private want(value: number, kind: Kind, what: string, expression?: Expression): void {
    const node = this.nodes[value];
    if (node.kind === kind) return;
    const hint = kind === "number" ? "write if … then 1 else 0 for a number" : "compare it with something, as in x > 0";
    this.fail(
      expression?.span ?? this.program.result.span,
      `${what} must be ${KIND_WORDS[kind]}, and this is ${KIND_WORDS[node.kind]}; ${hint}`,
    );
  }

  private fail(span: Span, sentence: string): never {
    throw new ExpressionError(this.program.text, span, sentence);
  }
}

const sign = (operator: string) => (operator === "neg" ? "-" : operator);
const count = (n: number) => (n === 1 ? "1 value" : `${n} values`);
const isFunction = (name: string) => name === "part" || FUNCTIONS.has(name) || reductionOf(name) !== undefined;

/** Every name that can be called. */
export function functionNames(): string[] {
  const reductions = LEVELS.flatMap(({ prefix }) => [...REDUCTIONS.keys()].map((fn) => prefix + fn));
  return [...new Set(["part", ...FUNCTIONS.keys(), ...reductions])];
}
