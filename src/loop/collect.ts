import type { PathStep } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import type { GenerateRequest } from "../policy/engine.ts";
import { randomSequence, rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS, encodePrompt } from "../policy/tokenizer.ts";
import { checkFits } from "../recipes/fits.ts";
import { needsOf } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import { type Problem, sampleProblem, type Task } from "../tasks/task.ts";
import { type Cost, inSlot, randomFor, type StepContext } from "./context.ts";
import { BANNED_TOKENS } from "./evaluate.ts";
import type { Group, Phase, StepRecord } from "./record.ts";
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
  const { policy, recipe } = context;
  const task = taskById(recipe.slots.task.plugin);
  const { plugin: sampler, params } = inSlot(recipe, "sampler");
  const { plugin: filter, params: filterParams } = inSlot(recipe, "groupFilter");
  const groupSize = params.groupSize as number;
  const { twins, wanted } = questions(context);
  checkFits(recipe);

  let drawn: Drawn[] = [];
  let prompted = 0;
  const rounds = filter.rounds(filterParams);
  for (let round = 0; round < rounds && record.groups.length < wanted; round++) {
    const first = record.groups.length;
    prompted = addPrompts(context, record.groups, prompted);
    if (twins) record.twins = record.groups.map((_, g) => g ^ 1);
    yield "prompts";

    const fresh = record.groups.slice(first);
    const firstRow = (prompted - fresh.length) * groupSize;
    const request = requestFor(context, fresh, firstRow);
    let freshRows: Drawn[];
    if (sampler.tree) {
      const grown = await growTrees(
        policy,
        sampler.tree,
        params,
        fresh.map((group) => group.promptTokens),
        groupSize,
        request,
        request.keys,
      );
      freshRows = grown.rows;
      cost.tokens += grown.generated;
    } else {
      const generation = await context.ahead.take(policy, request);
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

/** Groups in a step, and whether each question is asked twice; a filter then keeps or drops both groups. */
function questions({ recipe }: StepContext): { twins: boolean; wanted: number } {
  const twins = needsOf(recipe).has("twins");
  const unit = twins ? 2 : 1;
  return { twins, wanted: Math.ceil((recipe.slots.sampler.params.promptsPerStep as number) / unit) * unit };
}

/** Adds the groups that are missing. @param prompted how many prompts the step has had. @returns how many it has had then. */
function addPrompts(context: StepContext, groups: Group[], prompted: number): number {
  const { recipe, seed, step } = context;
  const { twins, wanted } = questions(context);
  const task = taskById(recipe.slots.task.plugin);
  const groupSize = recipe.slots.sampler.params.groupSize as number;
  const unit = twins ? 2 : 1;
  while (groups.length < wanted) {
    const problem = promptOf(task, recipe.slots.task.params, seed, step, prompted / unit, wanted / unit);
    const forms = twins ? [problem, task.rephrase!(problem, randomFor(context, "twins", prompted))] : [problem];
    for (const form of forms) {
      const members = Array.from({ length: groupSize }, (_, g) => groups.length * groupSize + g);
      groups.push({ problem: form, promptTokens: encodePrompt(form.prompt), members });
      prompted++;
    }
  }
  return prompted;
}

/** What the sampler is asked for these groups. @param firstRow how many rollouts the step has drawn before. */
function requestFor(context: StepContext, groups: readonly Group[], firstRow: number): GenerateRequest {
  const { recipe, seed, step } = context;
  const { plugin: sampler, params } = inSlot(recipe, "sampler");
  const maxNewTokens = longestCompletion(context);
  const prompts = groups.flatMap((group) => group.members.map(() => group.promptTokens));
  return {
    ...sampler.drawing(params, step, maxNewTokens),
    maxNewTokens,
    stopTokens: [EOS],
    banned: BANNED_TOKENS,
    alternatives: ALTERNATIVES,
    prompts,
    keys: rowKeys(
      { seed, stream: STREAM.rollouts, step },
      prompts.map((_, r) => firstRow + r),
    ),
  };
}

/**
 * What a step draws first, which follows from its recipe and seed alone; undefined for rollouts that grow in trees.
 * @throws RecipeError as `collectRollouts` does.
 */
export function firstRequest(context: StepContext): GenerateRequest | undefined {
  if (inSlot(context.recipe, "sampler").plugin.tree) return undefined;
  checkFits(context.recipe);
  const groups: Group[] = [];
  addPrompts(context, groups, 0);
  return requestFor(context, groups, 0);
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
