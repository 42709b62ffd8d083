import type { PolicyConfig } from "../config.ts";
import type { Chunk } from "./chunks.ts";
import type { DeviceBuffer } from "./device.ts";
import type { Network } from "./network.ts";
import type { Activations } from "./passes.ts";
import { grid, type Program } from "./recorder.ts";
import { type DeviceCoefficients, recordLogitGradients, type Statistics } from "./statistics.ts";

// The fast passes: a workgroup, or on a processor an invocation, carries a whole row through the network, so that a chunk's forward pass is one dispatch (row_forward.wgsl),
// its backward pass another (row_backward.wgsl), and all weight gradients a third (weight_gradients.wgsl).

/** Floating-point operations in one dispatch: 40 ms at 50 GFLOP/s, slower than any GPU sold in years. Beyond, a pass is cut between phases. */
const WORK = 2e9;

/** Widths, in floats a token, of the arrays in the arenas of row_forward.wgsl and row_backward.wgsl, in their order. */
function widths({ hiddenSize: d, heads, headDim, intermediateSize: m }: PolicyConfig) {
  const inner = heads * headDim;
  return {
    acts: { x: d, n1: d, inverse1: 1, qkv: 3 * inner, o: inner, lse: heads, x1: d, n2: d, inverse2: 1, gateUp: 2 * m, h: m },
    work: { dx: d, dn1: d, dqkv: 3 * inner, dx1: d, dn2: d, dGateUp: 2 * m },
    spare: m + 2 * inner,
  };
}

/** Where each array begins, in widths, and the width of all together. */
function places<T extends Record<string, number>>(arrays: T): { at: T; width: number } {
  let width = 0;
  const at: Record<string, number> = {};
  for (const [name, size] of Object.entries(arrays)) {
    at[name] = width;
    width += size;
  }
  return { at: at as T, width };
}

const sum = (arrays: Record<string, number>) => Object.values(arrays).reduce((a, b) => a + b, 0);

/** Bytes of the larger arena, a token that is also predicted from. */
export function rowBytes(config: PolicyConfig): number {
  const { acts, work, spare } = widths(config);
  const { layers, hiddenSize: d, vocabSize, heads, contextLength } = config;
  return 4 * (d + vocabSize + heads * contextLength + Math.max(layers * sum(acts) + d + 1, layers * sum(work) + d + spare));
}

/** Floating-point operations of each phase of row_forward.wgsl and row_backward.wgsl, for a chunk whose rows are as long as the context. */
function phaseWork(config: PolicyConfig, { tokens, predictions }: Chunk): { forward: number[]; backward: number[] } {
  const { hiddenSize: d, heads, headDim, intermediateSize: m, vocabSize, contextLength, layers } = config;
  const inner = heads * headDim;
  const [qkv, o, gateUp, down] = [6 * inner * d, 2 * inner * d, 4 * m * d, 2 * m * d].map((each) => each * tokens);
  const attention = 2 * inner * contextLength * tokens;
  const head = 2 * vocabSize * d * predictions;
  const repeat = (each: number[]) => Array.from({ length: layers }, () => each).flat();
  return {
    forward: [...repeat([qkv, attention, attention, o, gateUp, down]), head],
    backward: [head, ...repeat([down, gateUp, o, attention, attention, attention, attention, attention, qkv])],
  };
}

/** Dispatches phases of which each costs `work`, as many at once as stay within the bound. */
function dispatchPhases(
  net: Network,
  p: Program,
  buffers: Record<string, DeviceBuffer>,
  params: Record<string, number>,
  chunk: Chunk,
  work: readonly number[],
): void {
  // On a processor an invocation carries a row, else a workgroup does.
  const groups = [net.plan.matmul === "direct" ? Math.ceil(chunk.rows / 8) : chunk.rows];
  let firstPhase = 0;
  let sum = 0;
  work.forEach((each, phase) => {
    if (phase > firstPhase && sum + each > WORK) {
      net.recorder.dispatch(p, buffers, { ...params, firstPhase, lastPhase: phase }, groups);
      firstPhase = phase;
      sum = 0;
    }
    sum += each;
  });
  net.recorder.dispatch(p, buffers, { ...params, firstPhase, lastPhase: work.length }, groups);
}

function sizes({ config }: Network, chunk: Chunk) {
  return {
    tokens: chunk.tokens,
    predictions: chunk.predictions,
    rows: chunk.at.rows,
    rowCount: chunk.rows,
    layers: config.layers,
    hidden: config.hiddenSize,
    heads: config.heads,
    headDim: config.headDim,
    intermediate: config.intermediateSize,
    vocab: config.vocabSize,
    span: chunk.longest,
  };
}

/** Records phases of the forward pass into a new arena; `phases` ≤ 6·layers + 1. */
function recordPhases(net: Network, theta: DeviceBuffer, chunk: Chunk, index: DeviceBuffer, keep: boolean, phases: number) {
  const { config, device, rows } = net;
  const { layers, hiddenSize: d, vocabSize } = config;
  const { width } = places(widths(config).acts);
  const layersAt = chunk.predictions * (vocabSize + d + 1);
  const scoresAt = layersAt + chunk.tokens * (keep ? layers * width + d : width);
  const arena = device.acquire(4 * (scoresAt + chunk.tokens * config.heads * chunk.longest));
  dispatchPhases(
    net,
    rows.forward,
    { theta, batch: index, table: net.rotaryTable, work: arena },
    { ...sizes(net, chunk), tokenIds: chunk.at.tokens, layersAt, layerWidth: keep ? width : 0, scoresAt, eps: config.rmsNormEps },
    chunk,
    phaseWork(config, chunk).forward.slice(0, phases),
  );
  return { arena, layersAt, width };
}

/** Records a chunk's forward pass up to the logits. */
export function recordRowForward(net: Network, theta: DeviceBuffer, chunk: Chunk, index: DeviceBuffer, keep: boolean): Activations {
  const { arena } = recordPhases(net, theta, chunk, index, keep, 6 * net.config.layers + 1);
  return { layers: [], x: arena, inverse: arena, hidden: arena, logits: arena, hiddenOffset: 4 * chunk.predictions * net.config.vocabSize };
}

/** Records a chunk's forward pass as far as the last layer's keys and values. Layer l's qkv begins at element `first + l·step` of the arena. */
export function recordRowKeys(
  net: Network,
  theta: DeviceBuffer,
  chunk: Chunk,
  index: DeviceBuffer,
): { arena: DeviceBuffer; first: number; step: number } {
  const { arena, layersAt, width } = recordPhases(net, theta, chunk, index, true, 6 * net.config.layers - 4);
  return { arena, first: layersAt + places(widths(net.config).acts).at.qkv * chunk.tokens, step: width * chunk.tokens };
}

/** Into how many slices the tokens are cut for the weight gradients, so that a small policy still fills a GPU. */
function slicesFor(net: Network, tokens: number): number {
  if (net.plan.matmul === "direct") return 1;
  const byMemory = Math.floor((64 * 2 ** 20) / (4 * net.parameters));
  return Math.max(1, Math.min(byMemory, Math.ceil(256 / net.weightJobs.count), Math.ceil(tokens / 256)));
}

/** Records a chunk's backward pass, which adds to `gradient`, and gives the activations back. */
export function recordRowBackward(
  net: Network,
  theta: DeviceBuffer,
  gradient: DeviceBuffer,
  chunk: Chunk,
  index: DeviceBuffer,
  kept: Activations,
  statistics: Statistics,
  coefficients: DeviceCoefficients,
  temperature: number,
): void {
  const { config, device, recorder, rows, parameters } = net;
  const { layers, hiddenSize: d, vocabSize } = config;
  const { tokens, predictions: n } = chunk;
  const arena = kept.logits;
  const { acts, work, spare } = widths(config);
  const { at, width: actsWidth } = places(acts);
  const actsAt = n * (vocabSize + d + 1);
  const layerWidth = places(work).width;
  const layersAt = n * (vocabSize + d);
  const gradients = device.acquire(4 * (layersAt + tokens * (layers * layerWidth + d + spare + config.heads * chunk.longest)));
  recordLogitGradients(net, chunk, index, arena, statistics, coefficients, gradients, temperature);
  dispatchPhases(
    net,
    rows.backward,
    { theta, batch: index, table: net.rotaryTable, kept: arena, work: gradients },
    {
      ...sizes(net, chunk),
      keptAt: actsAt,
      keptWidth: actsWidth,
      layersAt,
      layerWidth,
      scoresAt: actsAt + tokens * (layers * actsWidth + d),
    },
    chunk,
    phaseWork(config, chunk).backward,
  );
  const slices = slicesFor(net, tokens);
  const partials = slices > 1 ? device.acquire(4 * slices * parameters) : gradient;
  recorder.dispatch(
    rows.weights,
    { jobs: net.weightJobs.buffer, batch: index, acts: arena, work: gradients, gradient: partials },
    {
      tokens,
      predictions: n,
      hidden: d,
      vocab: vocabSize,
      predictors: chunk.at.predictors,
      starts: chunk.at.starts,
      sorted: chunk.at.sorted,
      actsAt,
      workAt: layersAt,
      lastX: layers * actsWidth + at.x,
      slices,
      parameters,
    },
    [net.weightJobs.count, 1, slices],
  );
  if (slices > 1) {
    recorder.dispatch(net.programs.reduce, { partials, gradient }, { parameters, slices }, grid(Math.ceil(parameters / 64)));
    device.release(partials);
  }
  device.release(gradients, arena);
}

/** The jobs of weight_gradients.wgsl: every tensor of θ, in pieces of what one workgroup does. */
export function weightJobs({ config, plan, layers, inner, finalNorm }: Network): Uint32Array {
  const { hiddenSize: d, intermediateSize: m, vocabSize } = config;
  const acts = places(widths(config).acts);
  const work = places(widths(config).work);
  const jobs: number[] = [];
  const matrix = (kind: 0 | 1, place: number, outputs: number, inputs: number, dy: number, x: number) => {
    const [high, wide] = plan.matmul === "direct" ? [16, 32] : [64, 64];
    const tiles = Math.ceil(outputs / high) * Math.ceil(inputs / wide);
    for (let tile = 0; tile < tiles; tile++) jobs.push(kind, place, outputs, inputs, dy, x, 0, tile);
  };
  const norm = (kind: 2 | 3, place: number, dy: number, x: number, inverse: number) => {
    for (let column = 0; column < d; column += 8) jobs.push(kind, place, 1, d, dy, x, inverse, column);
  };
  matrix(1, 0, vocabSize, d, 0, 0);
  layers.forEach((to, l) => {
    const [a, w] = [l * acts.width, l * work.width];
    matrix(0, to.qkv, 3 * inner, d, w + work.at.dqkv, a + acts.at.n1);
    matrix(0, to.o, d, inner, w + work.at.dx1, a + acts.at.o);
    matrix(0, to.gateUp, 2 * m, d, w + work.at.dGateUp, a + acts.at.n2);
    // The gradient of the layer's output is the next layer's dx.
    matrix(0, to.down, d, m, w + work.width + work.at.dx, a + acts.at.h);
    norm(2, to.norm1, w + work.at.dn1, a + acts.at.x, a + acts.at.inverse1);
    norm(2, to.norm2, w + work.at.dn2, a + acts.at.x1, a + acts.at.inverse2);
  });
  norm(3, finalNorm, 0, 0, 0);
  return Uint32Array.from(jobs);
}
