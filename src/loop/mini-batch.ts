import type { Numbers, RolloutBatch, UpdateBatch } from "../algorithm/batch.ts";
import type { EngineBuffer } from "../policy/engine.ts";
import type { ScoredRow } from "./score.ts";

/** A step's rollouts and demonstrations with all that is known of them, ready for updates. */
export interface Material {
  readonly batch: RolloutBatch;
  /** `[N]`: each rollout token's advantage. */
  readonly advantage: Float64Array;
  /** The same on the GPU, where the loss is made there. */
  readonly advantageOnDevice: EngineBuffer | undefined;
  /** Rollouts, then demonstrations. */
  readonly rows: readonly ScoredRow[];
  /** The group of each row. */
  readonly group: readonly number[];
  /** `[tokens of all rows]`: before the update, at the objective's temperature; demonstrations scored under the same policy. */
  readonly oldLogProb: Float32Array;
  /** On the host only if something there wants it. */
  readonly refLogProb: Float32Array | EngineBuffer;
  /** `[rows + 1]` into those two. */
  readonly offsets: Int32Array;
}

/** The tokens of some rows, packed in their order; demonstrations lie beyond the array's end and read as 0. */
export function select<T extends Float32Array | Float64Array>(values: T, offsets: Int32Array, rows: readonly number[]): T {
  const length = rows.reduce((sum, r) => sum + offsets[r + 1] - offsets[r], 0);
  const packed = new (values.constructor as new (length: number) => T)(length);
  let at = 0;
  for (const r of rows) {
    packed.set(values.subarray(offsets[r], offsets[r + 1]), at);
    at += offsets[r + 1] - offsets[r];
  }
  return packed;
}

/** A mini-batch as plug-ins see it: some rollouts, then some demonstrations, with groups numbered anew. */
export function selected(
  material: Material,
  rows: readonly number[],
): Omit<UpdateBatch, "weight" | "logProb" | "oldLogProb" | "temperature"> {
  const { batch, advantage } = material;
  const rollouts = rows.filter((r) => r < batch.rows);
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((r, i) => {
    offsets[i + 1] = offsets[i] + material.offsets[r + 1] - material.offsets[r];
  });
  const groupsHere = [...new Set(rows.map((r) => material.group[r]))].sort((a, b) => a - b);
  const number = new Map(groupsHere.map((g, i) => [g, i]));
  const place = new Map(rollouts.map((r, i) => [r, i]));
  const ofRows = (values: Numbers | undefined) => values && rows.map((r) => (r < batch.rows ? values[r] : Number.NaN));
  const length = material.offsets[material.rows.length];
  const ofTokens = (values: Numbers | undefined, width = 1): Float64Array | undefined => {
    if (!values) return undefined;
    const packed = new Float64Array(offsets[rows.length] * width);
    rows.forEach((r, i) => {
      if (r >= batch.rows) return;
      for (let t = 0; t < (material.offsets[r + 1] - material.offsets[r]) * width; t++) {
        packed[offsets[i] * width + t] = values[material.offsets[r] * width + t];
      }
    });
    return packed;
  };
  const defined = <T extends object>(fields: T) =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
  const { scores } = batch;
  const padded = new Float64Array(length);
  padded.set(advantage);
  return {
    ...defined({
      tokenReward: ofTokens(batch.tokenReward),
      greedyReward: batch.greedyReward && groupsHere.map((g) => batch.greedyReward![g]),
      problems: batch.problems && groupsHere.map((g) => batch.problems![g]),
      verdicts: batch.verdicts && rows.map((r) => batch.verdicts![r]),
      texts: batch.texts && rows.map((r) => batch.texts![r] ?? ""),
      paths: batch.paths && rows.map((r) => batch.paths![r] ?? []),
      twins: batch.twins && groupsHere.map((g) => number.get(batch.twins![g]) ?? -1),
      vocabSize: batch.vocabSize,
      hiddenSize: batch.hiddenSize,
    }),
    rows: rows.length,
    offsets,
    group: rows.map((r) => number.get(material.group[r])!),
    groups: groupsHere.map((g) => batch.groups[g].filter((r) => place.has(r)).map((r) => place.get(r)!)),
    reward: rows.map((r) => (r < batch.rows ? batch.reward[r] : Number.NaN)),
    parts: Object.fromEntries(Object.entries(batch.parts).map(([name, values]) => [name, ofRows(values)!])),
    finished: rows.map((r) => r >= batch.rows || batch.finished?.[r] !== false),
    source: rows.map((r) => (r < batch.rows ? "policy" : "expert")),
    maxLength: batch.maxLength,
    tokens: Int32Array.from(rows.flatMap((r) => Array.from(material.rows[r].completion))),
    step: batch.step,
    advantage: select(padded, material.offsets, rows),
    scores: defined({
      samplerLogProb: ofTokens(scores.samplerLogProb),
      oldLogProb: select(material.oldLogProb, material.offsets, rows),
      refLogProb: material.refLogProb instanceof Float32Array ? select(material.refLogProb, material.offsets, rows) : undefined,
      entropy: ofTokens(scores.entropy),
      sumSquares: ofTokens(scores.sumSquares),
      logits: batch.vocabSize ? ofTokens(scores.logits, batch.vocabSize) : undefined,
      hidden: batch.hiddenSize ? ofTokens(scores.hidden, batch.hiddenSize) : undefined,
      verdictLogProb: ofRows(scores.verdictLogProb),
      refVerdictLogProb: ofRows(scores.refVerdictLogProb),
    }),
  };
}
