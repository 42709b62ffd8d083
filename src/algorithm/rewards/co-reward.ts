import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The answer given most often; of several, the one that came first. Blank answers do not vote; "" if nobody votes. */
export function majorityVote(answers: readonly string[]): string {
  const votes = new Map<string, number>();
  for (const answer of answers) if (answer.trim() !== "") votes.set(answer, (votes.get(answer) ?? 0) + 1);
  const most = Math.max(0, ...votes.values());
  for (const [answer, count] of votes) if (count === most) return answer;
  return "";
}

/** 1 for each answer that is the other side's majority answer, else 0; without a majority there, 0. */
export const agreement = (answers: readonly string[], label: string): number[] =>
  answers.map((answer) => Number(label !== "" && answer === label));

/** No verifier: an answer is rewarded for being what most answers to the same question in other words are. */
export const coReward: RewardPlugin = {
  id: "co-reward",
  name: "Agreement with the twin",
  scope: "group",
  needs: ["twins"],
  parameters: {
    label: {
      kind: "choice",
      label: "Truth from",
      default: "twin",
      options: [
        { value: "twin", label: "the other wording" },
        { value: "own", label: "the same wording" },
      ],
      effect: "Whose majority answer is taken for the truth. With the same wording it is plain majority voting, which soon rewards itself.",
    },
  },
  explanation: {
    sentence:
      "Every question is asked twice, in two wordings. What most answers to one wording say is taken for the truth of the other: a shortcut would have to fool both.",
    latex:
      "r_i = \\mathbb 1\\big[a_i = \\mathrm{mode}(a'_1,\\dots,a'_G)\\big],\\quad r'_i = \\mathbb 1\\big[a'_i = \\mathrm{mode}(a_1,\\dots,a_G)\\big]",
    source: SOURCES.coReward,
  },
  latexOf: ({ label }) =>
    label === "own"
      ? "r_i = \\mathbb 1\\big[a_i = \\mathrm{mode}(a_1,\\dots,a_G)\\big]"
      : "r_i = \\mathbb 1\\big[a_i = \\mathrm{mode}(a'_1,\\dots,a'_G)\\big],\\quad r'_i = \\mathbb 1\\big[a'_i = \\mathrm{mode}(a_1,\\dots,a_G)\\big]",
  terms: { label: { symbol: "\\mathrm{mode}(a')", meaning: "the twin's majority answer, taken for the truth" } },
  parts({ rows, groups, verdicts, twins }, params) {
    const answers = (members: readonly number[]) => members.map((r) => verdicts![r].answer ?? "");
    const part = new Float64Array(rows);
    groups.forEach((members, g) => {
      const twin = params.label === "own" ? members : groups[twins?.[g] ?? -1];
      const label = twin ? majorityVote(answers(twin)) : "";
      agreement(answers(members), label).forEach((reward, i) => {
        part[members[i]] = reward;
      });
    });
    return { parts: { agreement: part } };
  },
};
