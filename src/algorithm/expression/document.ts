import { MAX_OPERATIONS } from "./evaluate.ts";
import { type Entry, type Example, LANGUAGES } from "./language.ts";
import { MAX_LENGTH } from "./parser.ts";
import { MAX_NODES } from "./types.ts";

/** The reference of the language, in Markdown. */
export function expressionsDocument(): string {
  const { advantage, objective } = LANGUAGES;
  return `# Formulas of your own

A recipe's advantage and its objective can be formulas that you write: choose the method “Your own formula” in the page, or

    npm run rlvr -- train --set advantage=expression --set 'advantage.formula=reward - group_mean(reward)' …

The loss's gradient is worked out from the formula. A mistake is shown at its line and column; one that only a step's numbers bring to
light (a division by zero, say) pauses the run in the page before that step, so that the formula can be mended and the run go on; on the
command line the run ends there with the same message.

## Form

Lines that give names to values, then the result:

    let baseline = group_mean(reward)   # a remark
    reward - baseline

A line goes on where it ends with an operator, inside brackets, and where the next one begins with an operator other than \`-\`, with
\`then\` or with \`else\`. A \`;\` stands for the end of a line. Operators from loose to tight: \`or\`, \`and\`, \`not\`, comparisons, \`+ -\`,
\`* /\`, the minus of one value, \`^\`. \`else\` reaches to the end.

## What values are

A value is a number, or true or false; \`if\` turns the second into the first. There is one of it for the whole batch, one per group (the
answers to one prompt), one per rollout (an answer) or one per token. Where values meet, the coarser one stands for all that belong to it:
\`reward - group_mean(reward)\` has one value per rollout. The other way takes a reduction: \`mean(entropy)\` is one value per rollout.

An advantage is one value per rollout or token. Rollouts that could not be scored are left out, and have advantage 0.

A loss is one value per token, and training makes Σ weight · loss smaller, where the aggregation gives the weights. Tokens of weight 0 are
left out of reductions too. Gradients flow through \`log_prob\`, \`ratio\` and \`entropy\`, and through everything made from them, reductions
included, unless \`stop_gradient\` holds them. At a kink the slope is that of one side: \`min\` and \`max\` (of two, of many) follow the first of
equal values, \`clip\` passes the gradient at its bounds, \`abs\` and \`sqrt\` have slope 0 at 0, a standard deviation where all values are equal.

A formula reads the numbers listed here and nothing else. It has at most ${MAX_LENGTH} characters and ${MAX_NODES} operations, and in one step at
most ${MAX_OPERATIONS.toLocaleString("en")} single operations over the values of the batch.

## Inputs of an advantage

${table(advantage.inputs)}

## Inputs of an objective

${table(objective.inputs)}

## Functions

${table(advantage.functions)}

## Operators

${table(advantage.operators)}

## Examples of advantages

${examples(advantage.examples)}

## Examples of losses

${examples(objective.examples)}
`;
}

const table = (entries: readonly Entry[]) =>
  ["| name | type | meaning |", "| --- | --- | --- |", ...entries.map((e) => `| \`${e.name}\` | ${e.type} | ${e.meaning} |`)].join("\n");

const examples = (all: readonly Example[]) =>
  all.map(({ name, formula }) => `${name}:\n\n${formula.replaceAll(/^/gm, "    ")}`).join("\n\n");
