import type { Chunk } from "./chunks.ts";
import type { DeviceBuffer } from "./device.ts";
import type { Network } from "./network.ts";
import { grid } from "./recorder.ts";

// Between the logits and what a loss sees of them: log-probs, entropies and the like, and the way back.

/** Statistics per completion token of the whole batch, `[N]` each, `[N·top]` the last two. */
export interface Statistics {
  readonly logProb: DeviceBuffer;
  readonly lse: DeviceBuffer;
  readonly entropy: DeviceBuffer;
  readonly sumSquares: DeviceBuffer;
  readonly topTokens?: DeviceBuffer;
  readonly topLogProbs?: DeviceBuffer;
}

/** Records the statistics of a chunk's logits. */
export function recordStatistics(
  net: Network,
  chunk: Chunk,
  index: DeviceBuffer,
  logits: DeviceBuffer,
  out: Statistics,
  temperature: number,
  top: number,
): void {
  net.recorder.dispatch(
    net.logSoftmax(top),
    {
      logits,
      batch: index,
      logProb: out.logProb,
      lse: out.lse,
      entropy: out.entropy,
      sumSquares: out.sumSquares,
      topTokens: out.topTokens ?? net.unused[0],
      topLogProbs: out.topLogProbs ?? net.unused[1],
    },
    {
      count: chunk.predictions,
      vocab: net.config.vocabSize,
      targets: chunk.at.targets,
      inverseTemperature: 1 / temperature,
      first: chunk.first,
    },
    grid(Math.ceil(chunk.predictions / 4)),
  );
}

/** Coefficients on the device, numbered like the batch's completion tokens. */
export interface DeviceCoefficients {
  readonly logProb?: DeviceBuffer;
  readonly entropy?: DeviceBuffer;
  readonly logits?: DeviceBuffer;
}

/** Records what the loss's coefficients are for a chunk's logits. */
export function recordLogitGradients(
  net: Network,
  chunk: Chunk,
  index: DeviceBuffer,
  logits: DeviceBuffer,
  statistics: Statistics,
  coefficients: DeviceCoefficients,
  dLogits: DeviceBuffer,
  temperature: number,
): void {
  net.recorder.dispatch(
    net.programs.logSoftmaxBackward,
    {
      logits,
      batch: index,
      lse: statistics.lse,
      entropy: statistics.entropy,
      c: coefficients.logProb ?? statistics.lse,
      e: coefficients.entropy ?? statistics.lse,
      dense: coefficients.logits ?? statistics.lse,
      dLogits,
    },
    {
      count: chunk.predictions,
      vocab: net.config.vocabSize,
      targets: chunk.at.targets,
      first: chunk.first,
      hasC: coefficients.logProb ? 1 : 0,
      hasE: coefficients.entropy ? 1 : 0,
      hasDense: coefficients.logits ? 1 : 0,
      inverseTemperature: 1 / temperature,
    },
    grid(Math.ceil((chunk.predictions * net.config.vocabSize) / 64)),
  );
}
