import type { StepRecord } from "../../../loop/record.ts";
import type { Table } from "../../as-table.tsx";
import { count, fixed, percent, short, signed, tokenName } from "../../format.ts";
import { type Channel, CLIP_NAMES } from "../channels.ts";
import { lengthOf } from "../token-facts.ts";
import type { ObjectiveCurves } from "./objective-curve.ts";
import type { Dot, DotHeight } from "./objective-dots.ts";
import { partNames } from "./reward-parts.ts";
import { layerNorms, rowChanges } from "./token-change.ts";
import { rowWeights } from "./token-weights.ts";

/** The views' numbers as tables: what a picture shows, in the order in which it shows it. */

/** An answer by its prompt and its place in the group. */
function answerName({ groups, rollouts }: StepRecord, row: number): string {
  const { group } = rollouts[row];
  const { problem, members } = groups[group];
  return `${group + 1}. ${problem.prompt} answer ${members.indexOf(row) + 1}`;
}

const tokenAt = ({ tokens }: StepRecord, row: number, index: number) => tokenName(tokens!.tokens[tokens!.offsets[row] + index]);

/** One row a token of every answer that `read` has numbers for. */
function byToken(
  record: StepRecord,
  heads: readonly string[],
  read: (row: number) => ((index: number) => (string | undefined)[]) | undefined,
): Table {
  const rows = record.groups.flatMap(({ members }) =>
    members.flatMap((row) => {
      const cells = record.rollouts[row] && read(row);
      if (!cells) return [];
      return Array.from({ length: lengthOf(record, row) }, (_, index) => [
        `${answerName(record, row)}, token ${index + 1}`,
        tokenAt(record, row, index),
        ...cells(index),
      ]);
    }),
  );
  return { heads: ["place", "token", ...heads], rows };
}

/** What the tokens are coloured by. */
export function channelTable(record: StepRecord, channel: Channel): Table {
  return byToken(record, [channel.label], (row) => {
    const values = channel.values(record, row);
    return values && ((index) => [Number.isNaN(values[index]) ? undefined : channel.text(values[index])]);
  });
}

export function rewardTable(record: StepRecord, rewarded: boolean): Table {
  const names = rewarded ? partNames(record) : [];
  const rows = record.groups.flatMap(({ members }) =>
    members.flatMap((row) => {
      const { text, verdict, rewardParts, reward } = record.rollouts[row] ?? {};
      if (!verdict) return [];
      const parts = names.map((name) => (rewardParts?.[name] === undefined ? undefined : fixed(rewardParts[name])));
      const total = reward === undefined ? undefined : Number.isNaN(reward) ? "not scored" : fixed(reward);
      return [[answerName(record, row), text, verdict.score === 1 ? "right" : verdict.reason, ...parts, ...(rewarded ? [total] : [])]];
    }),
  );
  return { heads: ["place", "answer", "verdict", ...names, ...(rewarded ? ["reward"] : [])], rows };
}

export function advantageTable(record: StepRecord): Table {
  const number = (value: number | undefined, show: (value: number) => string = fixed) =>
    value === undefined || Number.isNaN(value) ? undefined : show(value);
  const rows = record.groups.flatMap(({ members, statistics }) =>
    members.flatMap((row) => {
      if (!record.rollouts[row]) return [];
      const { reward, baseline, scale, advantage } = record.rollouts[row];
      return [
        [
          answerName(record, row),
          number(reward),
          number(baseline),
          number(scale, (v) => short(v)),
          number(statistics?.mean),
          number(statistics?.std),
          number(advantage, (v) => signed(v)),
        ],
      ];
    }),
  );
  return { heads: ["place", "reward", "baseline", "divided by", "group’s mean", "group’s std", "advantage"], rows };
}

export function weightTable(record: StepRecord, update: number | undefined): Table {
  return byToken(record, ["weight w"], (row) => {
    const weights = rowWeights(record, row, update);
    return weights && ((index) => [weights[index] === 0 ? "0, masked" : short(weights[index])]);
  });
}

export function dotTable(record: StepRecord, dots: readonly Dot[], height: DotHeight): Table {
  const x = height === "coefficient" ? "change of log-prob" : "ratio ρ";
  const y = { loss: "loss ÷ (w·|A|)", slope: "c ÷ (w·|A|)", coefficient: "coefficient c" }[height];
  const rows = dots.map((dot) => [
    `${answerName(record, dot.row)}, token ${dot.index + 1}, update ${dot.update + 1}`,
    tokenAt(record, dot.row, dot.index),
    dot.sign > 0 ? "> 0" : "< 0",
    fixed(dot.x, 4),
    short(dot.y),
    CLIP_NAMES[dot.clipped] ?? "",
  ]);
  return { heads: ["place", "token", "A", x, y, "clip"], rows };
}

export function curveTable({ plugin }: ObjectiveCurves, curve: NonNullable<ObjectiveCurves["curves"]["loss"]>, height: DotHeight): Table {
  return {
    heads: ["ratio ρ", `${height}, A > 0`, `${height}, A < 0`],
    rows: curve.up.map(({ ratio, value }, i) => [fixed(ratio, 4), fixed(value, 4), fixed(curve.down[i].value, 4)]),
    note: `${plugin}: per unit of weight and of the advantage’s size.`,
  };
}

export function changeTable(record: StepRecord, update: number | undefined): Table {
  const share = (p: number | undefined) => (p === undefined ? undefined : percent(p));
  return byToken(record, [update === undefined ? "before the step" : "when drawn", "after", "change"], (row) => {
    const changes = rowChanges(record, row, update);
    return (
      changes &&
      ((index) => {
        const { before, after } = changes[index];
        const points = before === undefined || after === undefined ? undefined : `${signed((after - before) * 100, 1)} points`;
        return [share(before), share(after), points];
      })
    );
  });
}

export function gradientTable(record: StepRecord, update: number | undefined): Table {
  const updates = update === undefined ? record.updates : [record.updates[update]];
  const rows = layerNorms(updates).flatMap(({ name, norm, tensors }) => [
    [name, short(norm, 4)],
    ...(tensors.length > 1 ? tensors.map((tensor) => [`${name}, ${tensor.name}`, short(tensor.norm, 4)]) : []),
  ]);
  const note = update === undefined ? `Root mean square over ${count(updates.length, "update")}, before clipping.` : "Before clipping.";
  return { heads: ["part of the network", "gradient norm"], rows, note };
}
