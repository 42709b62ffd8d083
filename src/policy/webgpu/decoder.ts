import cacheFillSource from "../../../shaders/cache_fill.wgsl?raw";
import decodeSource from "../../../shaders/decode.wgsl?raw";
import attentionSource from "../../../shaders/decode_attention.wgsl?raw";
import directSource from "../../../shaders/decode_direct.wgsl?raw";
import drawSource from "../../../shaders/decode_draw.wgsl?raw";
import embedSource from "../../../shaders/decode_embed.wgsl?raw";
import samplerSource from "../../../shaders/sampler.wgsl?raw";
import shareSource from "../../../shaders/share.wgsl?raw";
import threefrySource from "../../../shaders/threefry.wgsl?raw";
import transposeSource from "../../../shaders/transpose.wgsl?raw";
import { checkRequest } from "../checks.ts";
import type { PolicyConfig } from "../config.ts";
import { EngineError, type GenerateRequest, type Generation } from "../engine.ts";
import { chunksOf, chunkTokens } from "./chunks.ts";
import type { DeviceBuffer } from "./device.ts";
import type { DecodeVariant, Network, NetworkPlan } from "./network.ts";
import { linear, recordLayers } from "./passes.ts";
import { grid, type Program, program } from "./recorder.ts";
import { recordRowKeys } from "./row-passes.ts";

const BANNED = 1;
const STOP = 2;
/** Floating-point operations in one dispatch, so that no GPU's watchdog minds. */
const WORK = 2e9;
const MOST_STEPS = 32;
/** Workgroup memory that every GPU has. */
const WORKGROUP_BYTES = 16384;

const fill = program("cache_fill", cacheFillSource);
const attendCached = program("decode_attention", attentionSource);

/** The kernels that read weights. `direct` draws whole tokens, as adapters that run on a processor like it. */
function weightPrograms({ weights, sharers }: NetworkPlan) {
  const stored = { Weight: weights };
  return {
    transpose: program("transpose", transposeSource, stored),
    embedLast: program("decode_embed", embedSource, stored),
    direct: program("decode_direct", [shareSource, directSource, threefrySource], { ...stored, SHARERS: `${sharers}u` }),
  };
}

/** A variant of the decoding kernel: how many rows share a workgroup, and the longest sequence it takes. */
interface Variant {
  readonly rows: number;
  readonly span: number;
}

/** The variant for sequences of `length`: four rows to a workgroup where 16 KiB of workgroup memory allow it, else two; undefined if neither. */
function variantFor(config: PolicyConfig, length: number): Variant | undefined {
  const fits = (rows: number, span: number) => memory(config, rows, span) <= WORKGROUP_BYTES;
  for (const rows of [4, 2]) {
    if (fits(rows, config.contextLength)) return { rows, span: config.contextLength };
    let span = Math.floor(config.contextLength / 32) * 32;
    while (span > 0 && !fits(rows, span)) span -= 32;
    if (length <= span) return { rows, span };
  }
  return undefined;
}

/** Whether an invocation carries its rows alone, as adapters that run on a processor like it; activations are then in storage, of any size. */
const alone = (plan: NetworkPlan) => plan.kernels === "fast" && plan.matmul === "direct";

/** How sequences of up to `length` tokens are drawn: as the plan says, but step by step where whole tokens do not fit a workgroup. */
export function decodeVariant(config: PolicyConfig, plan: NetworkPlan, length = config.contextLength): DecodeVariant {
  return plan.decode === "batched" || !(alone(plan) || variantFor(config, length)) ? "batched" : "whole-token";
}

const segments = (config: PolicyConfig) => Math.ceil(config.vocabSize / 8);
const partials = (config: PolicyConfig) => Math.max(segments(config), Math.ceil(config.hiddenSize / 8), config.heads);
const scratch = (config: PolicyConfig, span: number) => Math.max(config.heads * span, config.intermediateSize, 3 * config.vocabSize);

/** Workgroup memory in bytes. */
function memory(config: PolicyConfig, rows: number, span: number): number {
  const inner = config.heads * config.headDim;
  const vectors = config.hiddenSize + Math.max(config.hiddenSize, inner) + inner + scratch(config, span) + 3 * partials(config);
  return 4 * rows * vectors + 32 * rows + 64;
}

function decodeProgram(config: PolicyConfig, { weights }: NetworkPlan, { rows, span }: Variant): Program {
  return program("decode", [decodeSource, samplerSource, threefrySource], {
    Weight: weights,
    Lanes: `vec${rows}<f32>`,
    ROWS: `${rows}u`,
    THREADS: config.hiddenSize > 128 ? "256u" : "128u",
    HIDDEN: `${config.hiddenSize}u`,
    HEADS: `${config.heads}u`,
    HEAD_DIM: `${config.headDim}u`,
    INTERMEDIATE: `${config.intermediateSize}u`,
    LAYERS: `${config.layers}u`,
    EPS: config.rmsNormEps.toExponential(),
    VOCAB: `${config.vocabSize}u`,
    SPAN: `${span}u`,
    SCRATCH: `${scratch(config, span)}u`,
    PARTIALS: `${partials(config)}u`,
  });
}

/**
 * The kernel that draws from logits.
 * @throws EngineError if the vocabulary does not fit workgroup memory.
 */
function drawProgram(config: PolicyConfig): Program {
  const bytes = (rows: number) => 4 * rows * (3 * config.vocabSize + 3 * segments(config)) + 32 * rows + 64;
  const rows = [4, 2].find((each) => bytes(each) <= WORKGROUP_BYTES);
  if (!rows)
    throw new EngineError(`The WebGPU engine cannot draw from a vocabulary of ${config.vocabSize} tokens; use the portable engine.`);
  return program("decode_draw", [drawSource, samplerSource, threefrySource], {
    Lanes: `vec${rows}<f32>`,
    ROWS: `${rows}u`,
    VOCAB: `${config.vocabSize}u`,
    SCRATCH: `${3 * config.vocabSize}u`,
    PARTIALS: `${segments(config)}u`,
  });
}

/** Rows that a workgroup of a drawing kernel takes. */
const rowsOf = (p: Program) => Number.parseInt(/const ROWS = (\d)u/.exec(p.source)![1], 10);

/** The request's rows that decode together, and where their results will be. */
interface Launch {
  readonly first: number;
  readonly count: number;
  readonly output: DeviceBuffer;
  readonly outputBytes: number;
  readonly state: DeviceBuffer;
}

/** Draws completions. Prefill, every step and every draw stay on the device; one read-back brings all of it. */
export class Decoder {
  private readonly network: Network;
  /** θ as kernels read it. */
  private readonly theta: DeviceBuffer;
  private readonly programs: ReturnType<typeof weightPrograms>;
  /** θ with its matrices turned; made when weights have changed. */
  private turned: DeviceBuffer | undefined;
  private turnedIsCurrent = false;
  private readonly blocks: DeviceBuffer;
  private readonly blockCount: number;

  constructor(network: Network, theta: DeviceBuffer) {
    this.network = network;
    this.theta = theta;
    this.programs = weightPrograms(network.plan);
    const blocks = transposeBlocks(network);
    this.blockCount = blocks.length / 4;
    this.blocks = network.device.upload(blocks);
  }

  weightsChanged(): void {
    this.turnedIsCurrent = false;
  }

  dispose(): void {
    this.network.device.release(this.turned, this.blocks);
    this.turned = undefined;
  }

  /** @throws RangeError if the request is out of range, EngineError if the device fails. */
  async generate(request: GenerateRequest): Promise<Generation> {
    const { network, programs } = this;
    const { config, device, recorder } = network;
    checkRequest(config, request);
    const limits = Int32Array.from(request.prompts, (prompt) => Math.min(request.maxNewTokens, config.contextLength - prompt.length));
    const maxNew = Math.max(0, ...limits);
    if (maxNew === 0) return pack(request, [], limits.length, 0);
    const length = Math.max(...request.prompts.map((prompt, r) => prompt.length + limits[r]));
    // The kernel draws whole tokens, or from the logits of one step.
    const wholeTokens = decodeVariant(config, network.plan, length) === "whole-token";
    const variant = wholeTokens && !alone(network.plan) ? variantFor(config, length) : undefined;
    const decode = variant ? decodeProgram(config, network.plan, variant) : wholeTokens ? programs.direct : drawProgram(config);
    const { embed, norm, matmul, matmulResidual, rotary, attention, swiglu } = network.programs;
    const layers = network.byRow ? [network.rows.forward] : [embed, norm, matmul, matmulResidual, rotary, attention, swiglu];
    const steps = wholeTokens ? [programs.transpose] : [programs.embedLast, attendCached, norm, matmul, matmulResidual, swiglu];
    await recorder.prepare([...layers, ...steps, fill, decode]);
    device.checkAlive();

    const launches: Launch[] = [];
    recorder.record(() => {
      if (variant) this.recordTransposed();
      const capacity = Math.ceil(length / 16) * 16;
      const slotBytes = 4 * config.layers * 2 * network.inner * capacity;
      const fitting = Math.min(
        network.plan.decodeRows ?? Number.POSITIVE_INFINITY,
        device.gpu.limits.maxStorageBufferBindingSize / slotBytes,
      );
      const most = Math.max(4, Math.floor(fitting / 4) * 4);
      for (let first = 0; first < limits.length; first += most) {
        launches.push(
          this.recordLaunch(request, decode, wholeTokens, limits, first, Math.min(most, limits.length - first), maxNew, capacity),
        );
      }
    });
    if (variant) this.turnedIsCurrent = true;
    const read = recorder.submitAndRead(
      launches.flatMap(({ output, outputBytes, state, count }) => [
        { source: output, offset: 0, bytes: outputBytes },
        { source: state, offset: 0, bytes: 16 * count },
      ]),
    );
    for (const { output, state } of launches) device.release(output, state);
    const [data] = await Promise.all([read, device.settle()]);
    const results = launches.map(({ first }, i) => ({
      first,
      output: new Int32Array(data[2 * i]),
      state: new Int32Array(data[2 * i + 1]),
    }));
    return pack(request, results, limits.length, maxNew);
  }

  private recordTransposed(): void {
    const { device, recorder, weightBytes } = this.network;
    this.turned ??= device.acquire(weightBytes);
    if (this.turnedIsCurrent) return;
    recorder.dispatch(this.programs.transpose, { theta: this.theta, blocks: this.blocks, weights: this.turned }, {}, [this.blockCount]);
  }

  private recordLaunch(
    request: GenerateRequest,
    decode: Program,
    wholeTokens: boolean,
    limits: Int32Array,
    first: number,
    count: number,
    maxNew: number,
    capacity: number,
  ): Launch {
    const { network } = this;
    const { config, device, recorder, inner } = network;
    const { topK = 0, topP = 1, minP = 0, alternatives = 0 } = request;
    const slots = count;
    const prompts = request.prompts.slice(first, first + count);
    const prefixes = distinctPrefixes(prompts);

    const at = {
      flags: 0,
      temperatures: config.vocabSize,
      slots: config.vocabSize + maxNew,
      prefixes: config.vocabSize + maxNew + 3 * count,
    };
    const control = new Uint32Array(at.prefixes + 2 * count);
    for (const token of request.banned ?? []) if (token < config.vocabSize) control[at.flags + token] |= BANNED;
    for (const token of request.stopTokens) if (token < config.vocabSize) control[at.flags + token] |= STOP;
    const inverse = new Float32Array(control.buffer, 4 * at.temperatures, maxNew);
    for (let t = 0; t < maxNew; t++)
      inverse[t] = 1 / (typeof request.temperature === "number" ? request.temperature : request.temperature[t]);
    const start = new Int32Array(4 * count);
    prompts.forEach((prompt, slot) => {
      const row = first + slot;
      control.set([limits[row], request.keys[2 * row], request.keys[2 * row + 1]], at.slots + 3 * slot);
      control.set(prefixes.slots[slot], at.prefixes + 2 * slot);
      start.set([prompt[prompt.length - 1], limits[row] > 0 ? prompt.length - 1 : -1, 0, 0], 4 * slot);
    });
    const controlBuffer = device.upload(control);
    const state = device.upload(start);
    const chunks = prefixes.batch.tokens.length > 0 ? chunksOf(config, prefixes.batch, chunkTokens(config)) : [];
    const indices = chunks.map((chunk) => device.upload(chunk.index));
    const rows = Math.ceil(count / 4) * 4;
    const cache = device.acquire(4 * rows * config.layers * 2 * inner * capacity);
    const outputBytes = 4 * count * maxNew * (4 + 2 * alternatives);
    const output = device.acquire(outputBytes);

    chunks.forEach((chunk, i) => {
      const fillCache = (qkv: DeviceBuffer, layer: number, from: number, step: number, count: number) =>
        recorder.dispatch(
          fill,
          { qkv, control: controlBuffer, cache },
          {
            inner,
            layers: config.layers,
            layer,
            first: from,
            step,
            capacity,
            prefixes: at.prefixes,
            base: chunk.base,
            tokens: chunk.tokens,
          },
          [Math.ceil((prefixes.longest * inner) / 64), slots, count],
        );
      if (network.byRow) {
        const keys = recordRowKeys(network, this.theta, chunk, indices[i]);
        fillCache(keys.arena, 0, keys.first, keys.step, config.layers);
        device.release(keys.arena);
      } else {
        const { x } = recordLayers(network, this.theta, chunk, indices[i], false, (layer, qkv) => fillCache(qkv, layer, 0, 0, 1));
        device.release(x);
      }
    });
    const sampling = {
      vocab: config.vocabSize,
      count,
      maxNew,
      ...at,
      alternatives,
      greedy: request.greedy ? 1 : 0,
      truncate: topK > 0 || topP < 1 || minP > 0 ? 1 : 0,
      topK: topK > 0 ? topK : config.vocabSize,
      topP,
      minP,
    };
    const buffers = { control: controlBuffer, cache, state, output };
    if (wholeTokens) this.recordWholeTokens(decode, buffers, sampling, capacity);
    else this.recordSteps(decode, buffers, sampling, capacity);
    device.release(controlBuffer, cache, ...indices);
    return { first, count, output, outputBytes, state };
  }

  /** Whole tokens in one kernel, several to a dispatch. */
  private recordWholeTokens(decode: Program, buffers: StepBuffers, sampling: Sampling, capacity: number): void {
    const { config, device, recorder, inner, parameters, rotaryTable } = this.network;
    const { count, maxNew } = sampling;
    const steps = Math.max(1, Math.min(MOST_STEPS, Math.floor(WORK / (2 * parameters * count))));
    const own = decode === this.programs.direct;
    // Activations of decode_direct.wgsl: the stream, its norm, and the widest of what a layer or the head needs besides.
    const workWidth = 2 * config.hiddenSize + Math.max(4 * inner + capacity, 2 * config.intermediateSize, 3 * config.vocabSize);
    const work = own ? device.acquire(64 * workWidth * Math.ceil(count / 16)) : undefined;
    const weights: Record<string, DeviceBuffer> = work ? { theta: this.theta, work } : { weights: this.turned! };
    for (let step = 0; step < maxNew; step += steps) {
      recorder.dispatch(
        decode,
        { ...weights, table: rotaryTable, ...buffers },
        {
          ...sampling,
          layers: config.layers,
          hidden: config.hiddenSize,
          inner,
          headDim: config.headDim,
          intermediate: config.intermediateSize,
          firstStep: step,
          steps: Math.min(steps, maxNew - step),
          capacity,
          workWidth,
          eps: config.rmsNormEps,
        },
        [Math.ceil(count / (own ? 16 : rowsOf(decode)))],
      );
    }
    device.release(work);
  }

  /** The network matrix by matrix for all slots at once, again for each token; the host neither waits nor looks in between. */
  private recordSteps(draw: Program, { control, cache, state, output }: StepBuffers, sampling: Sampling, capacity: number): void {
    const { network, theta } = this;
    const { programs: p, config, device, recorder, inner, rotaryTable } = network;
    const { hiddenSize: d, intermediateSize: m, heads, headDim, layers, vocabSize } = config;
    const { count, maxNew } = sampling;
    const floats = (width: number) => device.acquire(4 * count * width);
    const [x, x1, n, inverse, qkv, o] = [floats(d), floats(d), floats(d), floats(1), floats(3 * inner), floats(inner)];
    const [gateUp, h, logits, scores] = [floats(2 * m), floats(m), floats(vocabSize), floats(heads * capacity)];
    const norm = (from: DeviceBuffer, weight: number) =>
      recorder.dispatch(
        p.norm,
        { x: from, theta, batch: network.unused[0], y: n, inverse },
        { count, width: d, weight, index: 0, eps: config.rmsNormEps },
        grid(Math.ceil(count / 4)),
      );
    for (let step = 0; step < maxNew; step++) {
      recorder.dispatch(this.programs.embedLast, { theta, state, x }, { count, width: d }, grid(Math.ceil((count * d) / 64)));
      network.layers.forEach((at, layer) => {
        norm(x, at.norm1);
        linear(network, p.matmul, n, theta, qkv, count, 3 * inner, d, at.qkv);
        recorder.dispatch(attendCached, { qkv, table: rotaryTable, state, cache, scores, o }, { heads, headDim, layers, layer, capacity }, [
          heads,
          count,
        ]);
        linear(network, p.matmulResidual, o, theta, x1, count, d, inner, at.o, x);
        norm(x1, at.norm2);
        linear(network, p.matmul, n, theta, gateUp, count, 2 * m, d, at.gateUp);
        recorder.dispatch(p.swiglu, { gateUp, h }, { count, width: m }, grid(Math.ceil((count * m) / 64)));
        linear(network, p.matmulResidual, h, theta, x, count, d, m, at.down, x1);
      });
      norm(x, network.finalNorm);
      linear(network, p.matmul, n, theta, logits, count, vocabSize, d, 0);
      recorder.dispatch(draw, { logits, control, state, output }, { ...sampling, step }, [Math.ceil(count / rowsOf(draw))]);
    }
    device.release(x, x1, n, inverse, qkv, o, gateUp, h, logits, scores);
  }
}

/** What every step reads and writes. */
interface StepBuffers extends Record<string, DeviceBuffer> {
  readonly control: DeviceBuffer;
  readonly cache: DeviceBuffer;
  readonly state: DeviceBuffer;
  readonly output: DeviceBuffer;
}

/** Parameters of sampler.wgsl. */
interface Sampling extends Record<string, number> {
  readonly count: number;
  readonly maxNew: number;
}

/** Prompts without their last tokens, each distinct one once, and for each slot its prefix's first token and length there. */
function distinctPrefixes(prompts: readonly Int32Array[]) {
  const known = new Map<string, [number, number]>();
  const tokens: number[] = [];
  const offsets = [0];
  let longest = 0;
  const slots = prompts.map((prompt): [number, number] => {
    const prefix = prompt.subarray(0, prompt.length - 1);
    const key = prefix.join();
    let place = known.get(key);
    if (!place) {
      place = [tokens.length, prefix.length];
      known.set(key, place);
      if (prefix.length > 0) {
        tokens.push(...prefix);
        offsets.push(tokens.length);
        longest = Math.max(longest, prefix.length);
      }
    }
    return place;
  });
  const promptLengths = Int32Array.from({ length: offsets.length - 1 }, (_, i) => offsets[i + 1] - offsets[i]);
  return { slots, longest, batch: { tokens: Int32Array.from(tokens), offsets: Int32Array.from(offsets), promptLengths } };
}

/** For each matrix of θ (q, k, v are one, gate and up are one) its blocks of 1024 elements: offset, out, in, first element. */
function transposeBlocks({ config, layers, inner, finalNorm }: Network): Uint32Array {
  const { vocabSize, hiddenSize: d, intermediateSize: m } = config;
  const blocks: number[] = [];
  const matrix = (offset: number, outputs: number, inputs: number) => {
    for (let i = 0; i < outputs * inputs; i += 1024) blocks.push(offset, outputs, inputs, i);
  };
  matrix(0, vocabSize, d);
  for (const at of layers) {
    matrix(at.norm1, d, 1);
    matrix(at.qkv, 3 * inner, d);
    matrix(at.o, d, inner);
    matrix(at.norm2, d, 1);
    matrix(at.gateUp, 2 * m, d);
    matrix(at.down, d, m);
  }
  matrix(finalNorm, d, 1);
  return Uint32Array.from(blocks);
}

/** The kernel's fixed-stride output as a packed generation. */
function pack(
  request: GenerateRequest,
  results: readonly { first: number; output: Int32Array; state: Int32Array }[],
  rows: number,
  maxNew: number,
): Generation {
  const alternatives = request.alternatives ?? 0;
  const stride = 4 + 2 * alternatives;
  const offsets = new Int32Array(rows + 1);
  const finished = new Uint8Array(rows);
  for (const { first, state } of results) {
    for (let slot = 0; slot < state.length / 4; slot++) {
      offsets[first + slot + 1] = state[4 * slot + 2];
      finished[first + slot] = state[4 * slot + 3];
    }
  }
  for (let r = 0; r < rows; r++) offsets[r + 1] += offsets[r];
  const n = offsets[rows];
  const generation = {
    offsets,
    tokens: new Int32Array(n),
    finished,
    samplerLogProb: new Float32Array(n),
    logProb: new Float32Array(n),
    entropy: new Float32Array(n),
    alternativeTokens: new Int32Array(n * alternatives),
    alternativeLogProbs: new Float32Array(n * alternatives),
  };
  for (const { first, output, state } of results) {
    const floats = new Float32Array(output.buffer);
    for (let slot = 0; slot < state.length / 4; slot++) {
      const to = offsets[first + slot];
      for (let t = 0; t < state[4 * slot + 2]; t++) {
        const from = (slot * maxNew + t) * stride;
        generation.tokens[to + t] = output[from];
        generation.samplerLogProb[to + t] = floats[from + 1];
        generation.logProb[to + t] = floats[from + 2];
        generation.entropy[to + t] = floats[from + 3];
        generation.alternativeTokens.set(output.subarray(from + 4, from + 4 + alternatives), (to + t) * alternatives);
        generation.alternativeLogProbs.set(floats.subarray(from + 4 + alternatives, from + stride), (to + t) * alternatives);
      }
    }
  }
  return generation;
}
