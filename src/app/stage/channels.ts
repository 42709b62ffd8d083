import type { Phase, StepRecord } from "../../loop/record.ts";
import { fixed, percent, short, signed } from "../format.ts";
import { phaseIndex } from "../state.ts";
import { lengthOf, logProbBefore, participations } from "./token-facts.ts";

/** What the tokens of a rollout can be coloured by. */
export type ChannelId =
  | "none"
  | "entropy"
  | "logProb"
  | "advantage"
  | "weight"
  | "ratio"
  | "clipped"
  | "coefficient"
  | "change"
  | "logProbChange";

export interface Channel {
  readonly id: ChannelId;
  readonly label: string;
  /** Earliest phase at which there is something to show. */
  readonly from: Phase;
  /** What it means, for the tooltip. */
  readonly meaning: string;
  /** The ends of the legend; one-sided channels have only the upper. */
  readonly low?: (record: StepRecord) => string;
  readonly high: (record: StepRecord) => string;
  /** Value of each token of a row; NaN where there is none. Undefined if the record has no such thing for the row. */
  values(record: StepRecord, row: number): ArrayLike<number> | undefined;
  /** −1…1 (or 0…1 if one-sided): where a value lies on the colour scale. */
  scale(value: number, record: StepRecord): number;
  text(value: number): string;
}

export const LEVELS = 6;
const ENTROPY_TOP = 2;
const LOG_PROB_BOTTOM = -4;
const ADVANTAGE_TOP = 2;
const RATIO_TOP = 1.4;
const CHANGE_TOP = 0.3;
const LOG_PROB_CHANGE_TOP = 0.5;

/** One value per token, from the last update in which the row took part. */
function fromUpdate(pick: "ratio" | "clipped" | "coefficient" | "weight") {
  return (record: StepRecord, row: number) => {
    const last = participations(record, row).at(-1);
    return last?.update[pick].subarray(last.offset, last.offset + lengthOf(record, row));
  };
}

/** The largest number of its kind in the step, in size: the end of a colour scale. */
function topOf(pick: "coefficient" | "weight") {
  const tops = new WeakMap<StepRecord, number>();
  return (record: StepRecord): number => {
    let top = tops.get(record);
    if (top === undefined) {
      top = 0;
      for (const update of record.updates) for (const value of update[pick]) top = Math.max(top, Math.abs(value));
      tops.set(record, top);
    }
    return top;
  };
}
const topCoefficient = topOf("coefficient");
export const topWeight = topOf("weight");

/** One value per token, from its log-prob before and after the step (temperature 1). */
function byTheStep(compare: (before: number, after: number) => number) {
  return (record: StepRecord, row: number) => {
    const { tokens } = record;
    if (!tokens?.after) return undefined;
    const { after } = tokens;
    return Array.from({ length: lengthOf(record, row) }, (_, t) => {
      const position = tokens.offsets[row] + t;
      const before = logProbBefore(record, position);
      return before === undefined ? Number.NaN : compare(before, after.logProb[position]);
    });
  };
}

export const CLIP_NAMES: Readonly<Record<string, string>> = {
  "1": "held above",
  "-1": "held below",
  "-2": "held by the dual clip",
  "0": "not clipped",
};

export const CHANNELS: readonly Channel[] = [
  {
    id: "none",
    label: "nothing",
    from: "rollouts",
    meaning: "Plain text.",
    high: () => "",
    values: () => undefined,
    scale: () => 0,
    text: () => "",
  },
  {
    id: "entropy",
    label: "entropy",
    from: "rollouts",
    meaning: "How undecided the policy was before it drew the token, in nats: 0 if only one token was possible.",
    high: () => `${ENTROPY_TOP}+ nats`,
    values: ({ tokens }, row) => tokens?.entropy.subarray(tokens.offsets[row], tokens.offsets[row + 1]),
    scale: (value) => value / ENTROPY_TOP,
    text: (value) => `entropy ${fixed(value)}`,
  },
  {
    id: "logProb",
    label: "log-prob",
    from: "rollouts",
    meaning: "How surprising the drawn token was: the darker, the less probable.",
    high: () => `−4 or less`,
    values: ({ tokens }, row) => tokens?.oldLogProb.subarray(tokens.offsets[row], tokens.offsets[row + 1]),
    scale: (value) => value / LOG_PROB_BOTTOM,
    text: (value) => `log-prob ${fixed(value)}, probability ${percent(Math.exp(value))}`,
  },
  {
    id: "advantage",
    label: "advantage",
    from: "advantages",
    meaning: "Blue answers were better than their group’s average and will become more probable, orange ones less.",
    low: () => `−${ADVANTAGE_TOP}`,
    high: () => `+${ADVANTAGE_TOP}`,
    values: (record, row) => {
      const { tokens, rollouts } = record;
      if (tokens?.advantage) return tokens.advantage.subarray(tokens.offsets[row], tokens.offsets[row + 1]);
      const { advantage } = rollouts[row];
      return advantage === undefined ? undefined : new Array<number>(lengthOf(record, row)).fill(advantage);
    },
    scale: (value) => value / ADVANTAGE_TOP,
    text: (value) => `advantage ${signed(value)}`,
  },
  {
    id: "weight",
    label: "weight w",
    from: "update",
    meaning:
      "How much the token counts in the loss, at the row’s last update: aggregation times token weights. Without colour it is masked.",
    high: (record) => short(topWeight(record), 2),
    values: fromUpdate("weight"),
    scale: (value, record) => value / (topWeight(record) || 1),
    text: (value) => (value === 0 ? "masked: weight 0" : `weight ${short(value)}`),
  },
  {
    id: "ratio",
    label: "ratio ρ",
    from: "update",
    meaning: "Probability at the row’s last update over probability when it was drawn: blue has risen, orange has fallen.",
    low: () => `÷${RATIO_TOP}`,
    high: () => `×${RATIO_TOP}`,
    values: fromUpdate("ratio"),
    scale: (value) => Math.log(value) / Math.log(RATIO_TOP),
    text: (value) => `ratio ${fixed(value, 3)}`,
  },
  {
    id: "clipped",
    label: "clipped",
    from: "update",
    meaning: "Tokens whose gradient the clip stopped at the row’s last update: blue had risen far enough, orange had fallen far enough.",
    low: () => "below",
    high: () => "above",
    values: fromUpdate("clipped"),
    scale: (value) => Math.sign(value),
    text: (value) => CLIP_NAMES[value] ?? "",
  },
  {
    id: "coefficient",
    label: "coefficient c",
    from: "update",
    meaning: "The token’s part in the gradient at the row’s last update, ∂L/∂ log π: blue is pushed up, orange is pushed down.",
    low: () => "down",
    high: (record) => `up ${short(topCoefficient(record), 2)}`,
    values: fromUpdate("coefficient"),
    // Descent moves against the derivative: a negative coefficient raises the token.
    scale: (value, record) => -value / (topCoefficient(record) || 1),
    text: (value) => `coefficient ${short(value)}`,
  },
  {
    id: "change",
    label: "Δ probability",
    from: "update",
    meaning: "What the whole step did to the token’s probability: blue has risen, orange has fallen.",
    low: () => `−${CHANGE_TOP * 100}%`,
    high: () => `+${CHANGE_TOP * 100}%`,
    values: byTheStep((before, after) => Math.exp(after) - Math.exp(before)),
    scale: (value) => Math.sign(value) * Math.sqrt(Math.abs(value) / CHANGE_TOP),
    text: (value) => `probability ${signed(value * 100, 1)} points`,
  },
  {
    id: "logProbChange",
    label: "Δ log-prob",
    from: "update",
    meaning:
      "What the whole step did to the token’s log-probability, which also shows the fate of rare tokens: blue has risen, orange has fallen.",
    low: () => `−${LOG_PROB_CHANGE_TOP}`,
    high: () => `+${LOG_PROB_CHANGE_TOP}`,
    values: byTheStep((before, after) => after - before),
    scale: (value) => value / LOG_PROB_CHANGE_TOP,
    text: (value) => `log-prob ${signed(value, 3)}`,
  },
];

export const channelById = (id: ChannelId) => CHANNELS.find((channel) => channel.id === id)!;

/** The channel that says most about a phase; while playing it does not change from phase to phase. */
export function automaticChannel(phase: Phase, playing: boolean): ChannelId {
  if (playing || phase === "advantages") return "advantage";
  if (phaseIndex(phase) < phaseIndex("advantages")) return "entropy";
  return phase === "update" ? "coefficient" : "change";
}

/** CSS class of a token: `u1`…`u6` or `d1`…`d6` on two-sided scales, `s1`…`s6` on one-sided ones, nothing at the middle. */
export function levelClass(channel: Channel, value: number, record: StepRecord): string {
  if (Number.isNaN(value)) return "";
  const x = Math.max(-1, Math.min(1, channel.scale(value, record)));
  const level = Math.min(LEVELS, Math.round(Math.abs(x) * LEVELS));
  if (level === 0) return "";
  return channel.low ? `${x > 0 ? "u" : "d"}${level}` : `s${level}`;
}
