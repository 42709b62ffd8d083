import { groupRelative } from "../../algorithm/advantages/group.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { agreement, majorityVote } from "../../algorithm/rewards/co-reward.ts";
import { GoldenError } from "../../policy/golden.ts";
import { consecutiveGroups, type Reader } from "../read.ts";
import type { AtlasMethod } from "./index.ts";

/** The content of the last box of a text, its braces balanced; `\boxed 7` is 7 up to the end or the next $; "" without a closed box. */
export function lastBox(text: string): string {
  const at = text.lastIndexOf("\\boxed");
  if (at < 0) return "";
  const rest = text.slice(at + "\\boxed".length);
  if (rest.startsWith(" ")) return rest.slice(1).split("$", 1)[0];
  let depth = 0;
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === "{") depth++;
    if (rest[i] === "}" && --depth === 0) return rest.startsWith("{") ? rest.slice(1, i) : "";
  }
  return "";
}

function texts(from: Reader, key: string): string[] {
  const value = from.raw[key];
  if (!Array.isArray(value) || !value.every((x) => typeof x === "string")) {
    throw new GoldenError(`${from.place}: ${key} must be an array of texts`);
  }
  return value;
}

export const coReward: AtlasMethod = ({ params, input }) => {
  const size = (input.has("groupSize") ? input : params).count("groupSize");
  const eps = params.number("stdEps", 1e-6);
  const original = texts(input, "responsesOriginal").map(lastBox);
  const rephrased = texts(input, "responsesRephrased").map(lastBox);
  if (original.length !== rephrased.length) {
    throw new GoldenError(`${input.place}: there are ${original.length} responses to the questions and ${rephrased.length} to their twins`);
  }
  const { group, groups } = consecutiveGroups(original.length, size);
  const labels = (answers: readonly string[]) => groups.map((members) => majorityVote(members.map((r) => answers[r])));
  const rewards = (answers: readonly string[], label: readonly string[]) =>
    groups.flatMap((members, g) =>
      agreement(
        members.map((r) => answers[r]),
        label[g],
      ),
    );
  const advantages = (reward: readonly number[]) =>
    Array.from(
      groupRelative.estimate(
        {
          rows: reward.length,
          offsets: [...reward.keys(), reward.length],
          group,
          groups,
          reward,
          parts: {},
          maxLength: 1,
          scores: {},
          step: 1,
        },
        withDefaults(groupRelative, { eps, singleton: "raw" }),
        undefined,
        null!,
      ).advantage,
    );
  const labelForOriginal = labels(rephrased);
  const labelForRephrased = labels(original);
  const rewardsOriginal = rewards(original, labelForOriginal);
  const rewardsRephrased = rewards(rephrased, labelForRephrased);
  return {
    answersOriginal: original,
    answersRephrased: rephrased,
    labelForOriginal,
    labelForRephrased,
    rewardsOriginal,
    rewardsRephrased,
    advantagesOriginal: advantages(rewardsOriginal),
    advantagesRephrased: advantages(rewardsRephrased),
  };
};
