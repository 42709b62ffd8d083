import type { Group, StepRecord } from "../loop/record.ts";

/** What a lesson can say of the step on the stage, by name. Texts are quoted as they are, numbers written by their unit. */

export type FactUnit = "count" | "" | "signed" | "share" | "text";

export interface Fact {
  readonly meaning: string;
  readonly unit: FactUnit;
  /** Undefined while the step has not come so far. */
  readonly of: (record: StepRecord) => number | string | undefined;
}

const count = (meaning: string, of: (record: StepRecord) => number | undefined): Fact => ({ meaning, unit: "count", of });

const judged = (record: StepRecord) => record.rollouts.length > 0 && record.rollouts.every((r) => r.verdict);
const rightIn = (record: StepRecord, members: readonly number[]) =>
  members.filter((row) => record.rollouts[row].verdict?.score === 1).length;

/** Groups with both right and wrong answers, from the one with fewest right to the one with most. */
export function mixedGroups(record: StepRecord): Group[] {
  const share = (group: Group) => rightIn(record, group.members) / group.members.length;
  return record.groups
    .filter((group) => group.members.length > 0 && share(group) > 0 && share(group) < 1)
    .map((group) => ({ group, share: share(group) }))
    .sort((a, b) => a.share - b.share)
    .map(({ group }) => group);
}

const GROUPS: Readonly<Record<string, { name: string; of: (record: StepRecord) => Group | undefined }>> = {
  mixed: {
    name: "the first group with right and wrong answers",
    of: (record) => {
      const mixed = mixedGroups(record);
      return record.groups.find((group) => mixed.includes(group));
    },
  },
  first: { name: "the first group", of: (record) => record.groups[0] },
  hard: { name: "the group with the fewest right answers, but not none", of: (record) => mixedGroups(record)[0] },
  easy: { name: "the group with the most right answers, but not all", of: (record) => mixedGroups(record).at(-1) },
  even: { name: "the group nearest to half right", of: evenGroup },
};

function evenGroup(record: StepRecord): Group | undefined {
  const distance = (group: Group) => Math.abs(rightIn(record, group.members) / group.members.length - 0.5);
  return mixedGroups(record).sort((a, b) => distance(a) - distance(b))[0];
}

/** How much a group pulls: the sizes of its answers' advantages, added up. */
function pull(record: StepRecord, group: Group): number | undefined {
  const advantages = group.members.map((row) => record.rollouts[row].advantage);
  return advantages.some((a) => a === undefined) ? undefined : advantages.reduce<number>((sum, a) => sum + Math.abs(a!), 0);
}

function advantageOf(record: StepRecord, group: Group, right: boolean): number | undefined {
  const row = group.members.find((r) => (record.rollouts[r].verdict?.score === 1) === right);
  return row === undefined ? undefined : record.rollouts[row].advantage;
}

function groupFacts(): Record<string, Fact> {
  const facts: Record<string, Fact> = {};
  for (const [id, { name, of }] of Object.entries(GROUPS)) {
    const fact = (
      key: string,
      unit: FactUnit,
      meaning: string,
      value: (record: StepRecord, group: Group) => number | string | undefined,
    ) => {
      facts[`${id}.${key}`] = {
        meaning: `${meaning} (${name})`,
        unit,
        of: (record) => {
          const group = judged(record) ? of(record) : undefined;
          return group && value(record, group);
        },
      };
    };
    fact("say", "share", "how hard it pulls, as a share of the even group's pull", (record, group) => {
      const even = evenGroup(record);
      const [own, other] = [pull(record, group), even && pull(record, even)];
      return own === undefined || !other ? undefined : own / other;
    });
    facts[`${id}.prompt`] = { meaning: `the prompt (${name})`, unit: "text", of: (record) => of(record)?.problem.prompt };
    fact("size", "count", "answers in it", (_, group) => group.members.length);
    fact("right", "count", "right answers in it", (record, group) => rightIn(record, group.members));
    fact("mean", "", "mean reward in it", (_, group) => group.statistics?.mean);
    fact("std", "", "standard deviation of its rewards", (_, group) => group.statistics?.std);
    fact("up", "signed", "advantage of its right answers", (record, group) => advantageOf(record, group, true));
    fact("down", "signed", "advantage of its wrong answers", (record, group) => advantageOf(record, group, false));
  }
  return facts;
}

const share = (values: readonly boolean[]) => (values.length === 0 ? undefined : values.filter(Boolean).length / values.length);
const lastUpdate = (record: StepRecord) => record.updates.at(-1);

export const FACTS: Readonly<Record<string, Fact>> = {
  prompts: count("prompts of the step", (record) => record.groups.length || undefined),
  answers: count("answers of the step", (record) => record.rollouts.length || undefined),
  right: count("right answers of the step", (record) =>
    judged(record)
      ? rightIn(
          record,
          record.rollouts.map((_, row) => row),
        )
      : undefined,
  ),
  wrong: count("wrong answers of the step", (record) =>
    judged(record)
      ? record.rollouts.length -
        rightIn(
          record,
          record.rollouts.map((_, row) => row),
        )
      : undefined,
  ),
  rightShare: {
    meaning: "share of right answers of the step",
    unit: "share",
    of: (record) => (judged(record) ? share(record.rollouts.map((r) => r.verdict!.score === 1)) : undefined),
  },
  distinctRewards: count("different rewards in the step", (record) =>
    record.rollouts[0]?.reward === undefined ? undefined : new Set(record.rollouts.map((r) => r.reward)).size,
  ),
  readable: count("answers that the verifier could read", (record) =>
    judged(record) ? record.rollouts.filter((r) => r.verdict!.parts.wellFormed === 1).length : undefined,
  ),
  silentGroups: count("groups without signal", (record) =>
    record.groups.every((g) => g.statistics) ? record.groups.filter((g) => !g.statistics!.signal).length : undefined,
  ),
  mixedGroups: count("groups with right and wrong answers", (record) => (judged(record) ? mixedGroups(record).length : undefined)),
  pushedUp: count("answers with an advantage above 0", (record) =>
    record.rollouts[0]?.advantage === undefined ? undefined : record.rollouts.filter((r) => (r.advantage ?? 0) > 1e-9).length,
  ),
  pushedDown: count("answers with an advantage below 0", (record) =>
    record.rollouts[0]?.advantage === undefined ? undefined : record.rollouts.filter((r) => (r.advantage ?? 0) < -1e-9).length,
  ),
  misjudged: {
    meaning: "share of answers whose reward came from a flipped verdict",
    unit: "share",
    of: (record) =>
      judged(record) && record.rollouts[0].reward !== undefined
        ? share(record.rollouts.map((r) => r.seenScore !== undefined && r.seenScore !== r.verdict!.score))
        : undefined,
  },
  updates: count("optimizer steps so far", (record) => record.updates.length || undefined),
  lowestRatio: {
    meaning: "smallest importance ratio of the last update",
    unit: "",
    of: (record) => lastUpdate(record)?.ratio.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  },
  highestRatio: {
    meaning: "largest importance ratio of the last update",
    unit: "",
    of: (record) => lastUpdate(record)?.ratio.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  },
  clippedTokens: count(
    "tokens that the clip holds in the last update",
    (record) => lastUpdate(record)?.clipped.filter((c) => c !== 0).length,
  ),
  ...groupFacts(),
};
