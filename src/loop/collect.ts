import type { PathStep } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import { randomSequence, rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS, encodePrompt } from "../policy/tokenizer.ts";
import { checkFits } from "../recipes/fits.ts";
import { needsOf } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import { type Problem, sampleProblem, type Task } from "../tasks/task.ts";
import { type Cost, inSlot, randomFor, type StepContext } from "./context.ts";
import { BANNED_TOKENS } from "./evaluate.ts";
import type { Phase, StepRecord } from "./record.ts";
import { type DrawnRow, drawnRows, packTokens } from "./tokens.ts";
import { growTrees } from "./tree.ts";

/** Alternatives kept for each token. */
export const ALTERNATIVES = 5;

interface Drawn extends DrawnRow {
  readonly path?: readonly PathStep[];
}

/**
 * The phases `prompts`, `rollouts` and `verdicts`: one round, or several where the group filter replaces groups without signal. Yields the
 * phase that has just run; the record grows.
 * @throws RecipeError if the recipe asks every question twice and the task knows no second form.
 */
export async function* collectRollouts(context: StepContext, record: StepRecord, cost: Cost): AsyncGenerator<Phase, void> {
  const { policy, step, seed, recipe } = context;
  const task = taskById(recipe.slots.task.plugin);
  const { plugin: sampler, params } = inSlot(recipe, "sampler");
  const { plugin: filter, params: filterParams } = inSlot(recipe, "groupFilter");
  const maxNewTokens = longestCompletion(context);
  const groupSize = params.groupSize as number;
  const twins = needsOf(recipe).has("twins");
  checkFits(recipe);
  // A unit is what a filter keeps or drops as a whole: one group, or two that ask the same.
  const unitSize = twins ? 2 : 1;
  const wanted = Math.ceil((params.promptsPerStep as number) / unitSize) * unitSize;

  let drawn: Drawn[] = [];
  let prompted = 0;
  const rounds = filter.rounds(filterParams);
  for (let round = 0; round < rounds && record.groups.length < wanted; round++) {
    const first = record.groups.length;
    while (record.groups.length < wanted) {
      const problem = promptOf(task, recipe.slots.task.params, seed, step, prompted / unitSize, wanted / unitSize);
      const forms = twins ? [problem, task.rephrase!(problem, randomFor(context, "twins", prompted))] : [problem];
      for (const form of forms) {
        const members = Array.from({ length: groupSize }, (_, g) => record.groups.length * groupSize + g);
        record.groups.push({ problem: form, promptTokens: encodePrompt(form.prompt), members });
        prompted++;
      }
    }
    if (twins) record.twins = record.groups.map((_, g) => g ^ 1);
    yield "prompts";

    const fresh = record.groups.slice(first);
    const firstRow = (prompted - fresh.length) * groupSize;
    const drawing = {
      ...sampler.drawing(params, step, maxNewTokens),
      maxNewTokens,
      stopTokens: [EOS],
      banned: BANNED_TOKENS,
      alternatives: ALTERNATIVES,
    };
    const keys = rowKeys(
      { seed, stream: STREAM.rollouts, step },
      Array.from({ length: fresh.length * groupSize }, (_, r) => firstRow + r),
    );
    let freshRows: Drawn[];
    if (sampler.tree) {
      const grown = await growTrees(
        policy,
        sampler.tree,
        params,
        fresh.map((group) => group.promptTokens),
        groupSize,
        drawing,
        keys,
      );
      freshRows = grown.rows;
      cost.tokens += grown.generated;
    } else {
      const prompts = fresh.flatMap((group) => group.members.map(() => group.promptTokens));
      const generation = await policy.generate({ ...drawing, prompts, keys });
      freshRows = drawnRows(generation, ALTERNATIVES);
      cost.tokens += generation.tokens.length;
    }
    drawn = [...drawn, ...freshRows];
    freshRows.forEach((row, r) => {
      const group = first + Math.floor(r / groupSize);
      record.rollouts.push({ group, round, text: decode(row.tokens), finished: row.finished });
    });
    keepTokens(record, drawn);
    yield "rollouts";

    for (const rollout of record.rollouts) rollout.verdict ??= task.verify(record.groups[rollout.group].problem, rollout.text);
    yield "verdicts";

    const rejected = record.groups.map((group, g) => {
      if (g < first) return null;
      return filter.reject(
        group.members.map((row) => record.rollouts[row].verdict!.score),
        filterParams,
      );
    });
    if (rejected.some((reason) => reason !== null)) {
      drawn = dropGroups(
        record,
        drawn,
        rejected.map((reason, g) => reason ?? (twins ? rejected[g ^ 1] : null)),
        round,
      );
      keepTokens(record, drawn);
    }
  }
}

/** The longest completion of a step, in tokens. */
export function longestCompletion({ recipe }: Pick<StepContext, "recipe">): number {
  return (recipe.slots.sampler.params.maxNewTokens as number) || taskById(recipe.slots.task.plugin).maxNewTokens;
}

function keepTokens(record: StepRecord, drawn: readonly Drawn[]): void {
  record.tokens = packTokens(drawn, ALTERNATIVES);
  if (drawn[0]?.path) record.paths = drawn.map((row) => row.path!);
  if (record.twins) record.twins = record.groups.map((_, g) => g ^ 1);
}

/** The problem of a step's prompt `index` (discarded ones count): a fresh one, or the next of a fixed set in an order shuffled each time round. */
function promptOf(task: Task, params: Parameters, seed: number, step: number, index: number, perStep: number): Problem {
  const level = params.level as string;
  const size = params.problems as number;
  if (size === 0) return sampleProblem(task, level, "train", randomSequence({ seed, stream: STREAM.prompts, step }, index));
  const visit = (step - 1) * perStep + index;
  const order = randomSequence({ seed, stream: STREAM.prompts, step: 0 }, Math.floor(visit / size) + 1).shuffle(
    Array.from({ length: size }, (_, i) => i),
  );
  // Step 0 belongs to no step of the loop, so its rows are free for the fixed set; 2³¹ keeps them apart from the orders.
  return sampleProblem(task, level, "train", randomSequence({ seed, stream: STREAM.prompts, step: 0 }, 2 ** 31 + order[visit % size]));
}

/** Takes rejected groups out of the record, with their rollouts, and numbers the rest anew. Returns the rows that stay. */
function dropGroups(record: StepRecord, drawn: readonly Drawn[], rejected: readonly (string | null)[], round: number): Drawn[] {
  const rows: Drawn[] = [];
  const groups: StepRecord["groups"] = [];
  const rollouts: StepRecord["rollouts"] = [];
  record.groups.forEach((group, g) => {
    const reason = rejected[g];
    if (reason !== null) {
      const members = group.members.map((row) => record.rollouts[row]);
      record.discarded.push({
        round,
        problem: group.problem,
        texts: members.map((m) => m.text),
        scores: members.map((m) => m.verdict!.score),
        reason,
      });
      return;
    }
    const members = group.members.map((row) => {
      rows.push(drawn[row]);
      rollouts.push({ ...record.rollouts[row], group: groups.length });
      return rollouts.length - 1;
    });
    groups.push({ ...group, members });
  });
  record.groups.splice(0, record.groups.length, ...groups);
  record.rollouts.splice(0, record.rollouts.length, ...rollouts);
  return rows;
}
