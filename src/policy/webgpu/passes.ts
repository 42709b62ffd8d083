import type { Chunk } from "./chunks.ts";
import type { DeviceBuffer } from "./device.ts";
import type { Network } from "./network.ts";
import { grid, type Program } from "./recorder.ts";
import { recordRowBackward, recordRowForward } from "./row-passes.ts";
import { type DeviceCoefficients, recordLogitGradients, type Statistics } from "./statistics.ts";

interface LayerActivations {
  /** The layer's input `[tokens, hidden]`. */
  readonly x: DeviceBuffer;
  readonly inverse1: DeviceBuffer;
  readonly n1: DeviceBuffer;
  readonly qkv: DeviceBuffer;
  readonly o: DeviceBuffer;
  readonly lse: DeviceBuffer;
  /** After attention. */
  readonly x1: DeviceBuffer;
  readonly inverse2: DeviceBuffer;
  readonly n2: DeviceBuffer;
  readonly gateUp: DeviceBuffer;
  readonly h: DeviceBuffer;
}

/** What the backward pass needs of a chunk's forward pass. */
export interface Activations {
  readonly layers: readonly LayerActivations[];
  /** The last layer's output `[tokens, hidden]`. */
  readonly x: DeviceBuffer;
  readonly inverse: DeviceBuffer;
  /** After the last norm, at the predicting positions `[predictions, hidden]`. */
  readonly hidden: DeviceBuffer;
  /** In bytes. */
  readonly hiddenOffset: number;
  readonly logits: DeviceBuffer;
}

/** c = a·bᵀ, with b a matrix of θ (or, for `input`, c = a·b). */
export function linear(
  net: Network,
  p: Program,
  a: DeviceBuffer,
  theta: DeviceBuffer,
  c: DeviceBuffer,
  m: number,
  n: number,
  k: number,
  bOffset: number,
  residual = a,
) {
  const bStride = p === net.programs.matmulInput ? n : k;
  net.recorder.dispatch(
    p,
    { a, b: theta, residual, c },
    { m, n, k, aOffset: 0, aStride: k, bOffset, bStride, cOffset: 0, cSlice: 0, length: k },
    net.matmulGrid(m, n),
  );
}

/**
 * Records the layers of a chunk's forward pass. With `keep` false each layer's activations are given back as soon as the next
 * one has them, after `visit` has seen its rotated qkv.
 */
export function recordLayers(
  net: Network,
  theta: DeviceBuffer,
  chunk: Chunk,
  index: DeviceBuffer,
  keep: boolean,
  visit: (layer: number, qkv: DeviceBuffer) => void = () => {},
): { layers: LayerActivations[]; x: DeviceBuffer } {
  const { programs: p, config, device, recorder, inner } = net;
  const { hiddenSize: d, intermediateSize: m, heads, headDim } = config;
  const t = chunk.tokens;
  const elements = (count: number) => grid(Math.ceil(count / 64));
  const rows = grid(Math.ceil(t / 4));
  const floats = (width: number) => device.acquire(4 * t * width);

  const layers: LayerActivations[] = [];
  let x = floats(d);
  recorder.dispatch(p.embed, { theta, batch: index, y: x }, { count: t, width: d, tokens: chunk.at.tokens, table: 0 }, elements(t * d));
  net.layers.forEach((at, number) => {
    const a: LayerActivations = {
      x,
      inverse1: floats(1),
      n1: floats(d),
      qkv: floats(3 * inner),
      o: floats(inner),
      lse: floats(heads),
      x1: floats(d),
      inverse2: floats(1),
      n2: floats(d),
      gateUp: floats(2 * m),
      h: floats(m),
    };
    const norm = { count: t, width: d, index: 0, eps: config.rmsNormEps };
    recorder.dispatch(p.norm, { x, theta, batch: index, y: a.n1, inverse: a.inverse1 }, { ...norm, weight: at.norm1 }, rows);
    linear(net, p.matmul, a.n1, theta, a.qkv, t, 3 * inner, d, at.qkv);
    recordRotary(net, a.qkv, chunk, index, 1);
    visit(number, a.qkv);
    recorder.dispatch(
      p.attention,
      { qkv: a.qkv, batch: index, o: a.o, lse: a.lse },
      { heads, blocks: chunk.at.blocks, scale: 1 / Math.sqrt(headDim) },
      [chunk.blocks, heads],
    );
    linear(net, p.matmulResidual, a.o, theta, a.x1, t, d, inner, at.o, x);
    recorder.dispatch(p.norm, { x: a.x1, theta, batch: index, y: a.n2, inverse: a.inverse2 }, { ...norm, weight: at.norm2 }, rows);
    linear(net, p.matmul, a.n2, theta, a.gateUp, t, 2 * m, d, at.gateUp);
    recorder.dispatch(p.swiglu, { gateUp: a.gateUp, h: a.h }, { count: t, width: m }, elements(t * m));
    const y = floats(d);
    linear(net, p.matmulResidual, a.h, theta, y, t, d, m, at.down, a.x1);
    x = y;
    if (keep) layers.push(a);
    else device.release(...Object.values(a));
  });
  return { layers, x };
}

function recordRotary(net: Network, qkv: DeviceBuffer, chunk: Chunk, index: DeviceBuffer, sign: 1 | -1): void {
  const { heads, headDim } = net.config;
  net.recorder.dispatch(
    net.programs.rotary,
    { qkv, batch: index, table: net.rotaryTable },
    { count: chunk.tokens, heads, headDim, positions: chunk.at.positions, sign },
    grid(Math.ceil((chunk.tokens * heads * headDim) / 64)),
  );
}

/** Records a chunk's forward pass up to the logits. */
export function recordForward(net: Network, theta: DeviceBuffer, chunk: Chunk, index: DeviceBuffer, keep: boolean): Activations {
  if (net.byRow) return recordRowForward(net, theta, chunk, index, keep);
  const { programs: p, config, device, recorder } = net;
  const { hiddenSize: d, vocabSize } = config;
  const n = chunk.predictions;
  const { layers, x } = recordLayers(net, theta, chunk, index, keep);
  const inverse = device.acquire(4 * n);
  const hidden = device.acquire(4 * n * d);
  const logits = device.acquire(4 * n * vocabSize);
  recorder.dispatch(
    p.normGather,
    { x, theta, batch: index, y: hidden, inverse },
    { count: n, width: d, weight: net.finalNorm, index: chunk.at.predictors, eps: config.rmsNormEps },
    grid(Math.ceil(n / 4)),
  );
  linear(net, p.matmul, hidden, theta, logits, n, vocabSize, d, 0);
  return { layers, x, inverse, hidden, hiddenOffset: 0, logits };
}

/** Into how many slices a chunk's weight gradients are cut, so that a small matrix still fills a GPU. */
function slicesFor(net: Network, tokens: number): number {
  const byMemory = Math.floor((64 * 2 ** 20) / (4 * net.parameters));
  return Math.max(1, Math.min(16, byMemory, Math.ceil(tokens / 256)));
}

/** Records a chunk's backward pass, which adds to `gradient`, and gives the activations back. */
export function recordBackward(
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
  if (net.byRow) {
    recordRowBackward(net, theta, gradient, chunk, index, kept, statistics, coefficients, temperature);
    return;
  }
  const { programs: p, config, device, recorder, inner, parameters } = net;
  const { hiddenSize: d, intermediateSize: m, vocabSize, heads, headDim } = config;
  const t = chunk.tokens;
  const n = chunk.predictions;
  const slices = slicesFor(net, t);
  const partials = device.acquire(4 * slices * parameters);
  const elements = (count: number) => grid(Math.ceil(count / 64));
  const floats = (width: number) => device.acquire(4 * t * width);

  /** partials[z, offset…] = Σ_{slice z} dyᵀ·x, a matrix [outputs, inputs]. */
  const weightGradient = (dy: DeviceBuffer, x: DeviceBuffer, count: number, outputs: number, inputs: number, offset: number) =>
    recorder.dispatch(
      p.matmulWeight,
      { a: dy, b: x, residual: dy, c: partials },
      {
        m: outputs,
        n: inputs,
        k: count,
        aOffset: 0,
        aStride: outputs,
        bOffset: 0,
        bStride: inputs,
        cOffset: offset,
        cSlice: parameters,
        length: Math.ceil(count / slices),
      },
      [...net.matmulGrid(outputs, inputs), slices],
    );
  const normGradient = (
    gather: boolean,
    x: DeviceBuffer,
    inverse: DeviceBuffer,
    dy: DeviceBuffer,
    residual: DeviceBuffer,
    dx: DeviceBuffer,
    weight: number,
  ) => {
    const count = gather ? n : t;
    const shared = { count, width: d, weight, index: chunk.at.predictors, eps: config.rmsNormEps };
    recorder.dispatch(
      gather ? p.normBackwardGather : p.normBackward,
      { x, theta, batch: index, inverse, dy, residual, dx },
      shared,
      grid(Math.ceil(count / 4)),
    );
    recorder.dispatch(
      gather ? p.normWeightGather : p.normWeight,
      { x, batch: index, inverse, dy, partials },
      { ...shared, length: Math.ceil(count / slices), parameters },
      [Math.ceil(d / 64), 1, slices],
    );
  };

  let dx = floats(d);
  recorder.clear(dx, 4 * t * d);
  const dLogits = device.acquire(4 * n * vocabSize);
  const dHidden = device.acquire(4 * n * d);
  recordLogitGradients(net, chunk, index, kept.logits, statistics, coefficients, dLogits, temperature);
  weightGradient(dLogits, kept.hidden, n, vocabSize, d, 0);
  linear(net, p.matmulInput, dLogits, theta, dHidden, n, d, vocabSize, 0);
  normGradient(true, kept.x, kept.inverse, dHidden, dHidden, dx, net.finalNorm);
  device.release(dLogits, dHidden, kept.logits, kept.hidden, kept.inverse, kept.x);

  const dN = floats(d);
  for (let l = config.layers - 1; l >= 0; l--) {
    const a = kept.layers[l];
    const at = net.layers[l];
    const dh = floats(m);
    const dGateUp = floats(2 * m);
    const dx1 = floats(d);
    linear(net, p.matmulInput, dx, theta, dh, t, m, d, at.down);
    weightGradient(dx, a.h, t, d, m, at.down);
    recorder.dispatch(p.swigluBackward, { gateUp: a.gateUp, dh, dGateUp }, { count: t, width: m }, elements(t * m));
    linear(net, p.matmulInput, dGateUp, theta, dN, t, d, 2 * m, at.gateUp);
    weightGradient(dGateUp, a.n2, t, 2 * m, d, at.gateUp);
    normGradient(false, a.x1, a.inverse2, dN, dx, dx1, at.norm2);

    const dO = floats(inner);
    const dqkv = floats(3 * inner);
    const delta = floats(heads);
    linear(net, p.matmulInput, dx1, theta, dO, t, inner, d, at.o);
    weightGradient(dx1, a.o, t, d, inner, at.o);
    const attention = { heads, blocks: chunk.at.blocks, scale: 1 / Math.sqrt(headDim) };
    recorder.dispatch(p.attentionQuery, { qkv: a.qkv, batch: index, o: a.o, lse: a.lse, dO, dqkv, delta }, attention, [
      chunk.blocks,
      heads,
    ]);
    recorder.dispatch(p.attentionKey, { qkv: a.qkv, batch: index, lse: a.lse, delta, dO, dqkv }, attention, [chunk.blocks, heads]);
    recordRotary(net, dqkv, chunk, index, -1);
    linear(net, p.matmulInput, dqkv, theta, dN, t, d, 3 * inner, at.qkv);
    weightGradient(dqkv, a.n1, t, 3 * inner, d, at.qkv);
    const dx0 = floats(d);
    normGradient(false, a.x, a.inverse1, dN, dx1, dx0, at.norm1);
    device.release(dh, dGateUp, dO, dqkv, delta, dx, dx1, ...Object.values(a));
    dx = dx0;
  }
  recorder.dispatch(
    p.embedBackward,
    { batch: index, dx, partials },
    { width: d, starts: chunk.at.starts, sorted: chunk.at.sorted, table: 0 },
    [Math.ceil(d / 64), vocabSize],
  );
  recorder.dispatch(p.reduce, { partials, gradient }, { parameters, slices }, elements(parameters));
  device.release(dx, dN, partials);
}
