import { checkBatch } from "../checks.ts";
import type { PolicyConfig } from "../config.ts";
import { completionOffsets, type TokenBatch } from "../engine.ts";
import { rowBytes } from "./row-passes.ts";

/** A run of a batch's rows that is computed at once, with the index tables that the kernels read. */
export interface Chunk {
  /** Tokens in the chunk, and the number of the first one in the batch. */
  readonly tokens: number;
  readonly base: number;
  /** Completion tokens in the chunk, and the number of the first one in the batch. */
  readonly predictions: number;
  readonly first: number;
  readonly rows: number;
  /** Tokens in the longest row. */
  readonly longest: number;
  /** Blocks of 64 queries. */
  readonly blocks: number;
  /** All tables in one array; `at` says where each begins. */
  readonly index: Uint32Array;
  readonly at: {
    readonly tokens: number;
    readonly positions: number;
    /** For each prediction, the token (numbered in the chunk) before the predicted one. */
    readonly predictors: number;
    readonly targets: number;
    /** (first token, tokens, first prediction, predictions) of each row, numbered in the chunk; the longest row first. */
    readonly rows: number;
    readonly blocks: number;
    /** vocabSize + 1 offsets into `sorted`, which lists the chunk's positions by token. */
    readonly starts: number;
    readonly sorted: number;
  };
}

/** What a token's activations weigh, kept for the backward pass, in bytes. */
export function activationBytes(config: PolicyConfig): number {
  const inner = config.heads * config.headDim;
  const layer = 4 * config.hiddenSize + 2 + 4 * inner + config.heads + 3 * config.intermediateSize;
  return 4 * (config.layers * layer + 2 * config.hiddenSize + 2 * config.vocabSize);
}

/**
 * Tokens in a chunk: about 128 MiB of activations, which is what one binding holds, and at most 2 GFLOP in any one dispatch (40 ms at 50 GFLOP/s, slower than any
 * GPU sold in years), but at least one whole context.
 */
export function chunkTokens(config: PolicyConfig): number {
  const inner = config.heads * config.headDim;
  const widest = Math.max(3 * inner, 2 * config.intermediateSize, config.vocabSize) * config.hiddenSize * 2;
  const attention = 10 * inner * config.contextLength;
  const byWork = Math.floor(2e9 / Math.max(widest, attention));
  return Math.max(
    config.contextLength,
    Math.min(Math.floor((128 * 2 ** 20) / Math.max(activationBytes(config), rowBytes(config))), byWork),
  );
}

/**
 * Cuts a batch into chunks of whole rows with at most `limit` tokens each.
 * @throws RangeError if a row is empty, too long, has no prompt, or holds a token outside the vocabulary.
 */
export function chunksOf(config: PolicyConfig, batch: TokenBatch, limit: number): Chunk[] {
  const rows = batch.promptLengths.length;
  checkBatch(config, batch);
  const completions = completionOffsets(batch);
  const chunks: Chunk[] = [];
  let from = 0;
  while (from < rows) {
    let to = from + 1;
    while (to < rows && batch.offsets[to + 1] - batch.offsets[from] <= limit) to++;
    chunks.push(chunk(config, batch, completions, from, to));
    from = to;
  }
  return chunks;
}

function chunk(config: PolicyConfig, batch: TokenBatch, completions: Int32Array, from: number, to: number): Chunk {
  const base = batch.offsets[from];
  const tokens = batch.offsets[to] - base;
  const predictions = completions[to] - completions[from];
  let blocks = 0;
  let longest = 0;
  for (let r = from; r < to; r++) {
    const length = batch.offsets[r + 1] - batch.offsets[r];
    blocks += Math.ceil(length / 64);
    longest = Math.max(longest, length);
  }

  let end = 0;
  const place = (size: number) => (end += size) - size;
  const at = {
    tokens: place(tokens),
    positions: place(tokens),
    predictors: place(predictions),
    targets: place(predictions),
    rows: place(4 * (to - from)),
    blocks: place(3 * blocks),
    starts: place(config.vocabSize + 1),
    sorted: place(tokens),
  };
  const index = new Uint32Array(end);
  const rows: [number, number, number, number][] = [];
  let prediction = 0;
  let block = at.blocks;
  for (let r = from; r < to; r++) {
    const start = batch.offsets[r] - base;
    const length = batch.offsets[r + 1] - batch.offsets[r];
    rows.push([start, length, prediction, length - batch.promptLengths[r]]);
    for (let t = 0; t < length; t++) {
      index[at.tokens + start + t] = batch.tokens[base + start + t];
      index[at.positions + start + t] = t;
      if (t >= batch.promptLengths[r]) {
        index[at.predictors + prediction] = start + t - 1;
        index[at.targets + prediction] = batch.tokens[base + start + t];
        prediction++;
      }
    }
    for (let query = 0; query < length; query += 64) {
      index.set([start, length, query], block);
      block += 3;
    }
  }
  // Rows that are computed side by side had better be equally long.
  index.set(rows.sort((a, b) => b[1] - a[1]).flat(), at.rows);
  sortByToken(index, at.tokens, tokens, at.starts, at.sorted, config.vocabSize);
  return { tokens, base, predictions, first: completions[from], rows: to - from, longest, blocks, index, at };
}

/** Counting sort of positions by token. */
function sortByToken(index: Uint32Array, tokens: number, count: number, starts: number, sorted: number, vocabSize: number): void {
  for (let t = 0; t < count; t++) index[starts + index[tokens + t] + 1]++;
  for (let v = 0; v < vocabSize; v++) index[starts + v + 1] += index[starts + v];
  const next = index.slice(starts, starts + vocabSize);
  for (let t = 0; t < count; t++) index[sorted + next[index[tokens + t]]++] = t;
}
