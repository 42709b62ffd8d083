import adamwSource from "../../../shaders/adamw.wgsl?raw";
import attentionSource from "../../../shaders/attention.wgsl?raw";
import attentionKeySource from "../../../shaders/attention_backward_key.wgsl?raw";
import attentionQuerySource from "../../../shaders/attention_backward_query.wgsl?raw";
import attentionHeadSource from "../../../shaders/attention_head.wgsl?raw";
import clipSource from "../../../shaders/clip_gradient.wgsl?raw";
import embedSource from "../../../shaders/embed.wgsl?raw";
import embedBackwardSource from "../../../shaders/embed_backward.wgsl?raw";
import normSquaresSource from "../../../shaders/gradient_norm.wgsl?raw";
import logSoftmaxSource from "../../../shaders/log_softmax.wgsl?raw";
import logSoftmaxBackwardSource from "../../../shaders/log_softmax_backward.wgsl?raw";
import matmulTiledSource from "../../../shaders/matmul.wgsl?raw";
import matmulDirectSource from "../../../shaders/matmul_direct.wgsl?raw";
import matmulOperandsSource from "../../../shaders/matmul_operands.wgsl?raw";
import reduceSource from "../../../shaders/reduce_gradients.wgsl?raw";
import normSource from "../../../shaders/rms_norm.wgsl?raw";
import normBackwardSource from "../../../shaders/rms_norm_backward.wgsl?raw";
import normRowSource from "../../../shaders/rms_norm_row.wgsl?raw";
import normWeightSource from "../../../shaders/rms_norm_weight_gradient.wgsl?raw";
import rotarySource from "../../../shaders/rotary.wgsl?raw";
import rowSource from "../../../shaders/row.wgsl?raw";
import rowBackwardSource from "../../../shaders/row_backward.wgsl?raw";
import rowForwardSource from "../../../shaders/row_forward.wgsl?raw";
import rowProductDirectSource from "../../../shaders/row_product_direct.wgsl?raw";
import rowProductTiledSource from "../../../shaders/row_product_tiled.wgsl?raw";
import shareSource from "../../../shaders/share.wgsl?raw";
import swigluSource from "../../../shaders/swiglu.wgsl?raw";
import swigluBackwardSource from "../../../shaders/swiglu_backward.wgsl?raw";
import weightGradientsSource from "../../../shaders/weight_gradients.wgsl?raw";
import weightProductDirectSource from "../../../shaders/weight_product_direct.wgsl?raw";
import weightProductTiledSource from "../../../shaders/weight_product_tiled.wgsl?raw";
import { type ParameterSlice, type PolicyConfig, parameterCount, parameterLayout } from "../config.ts";
import type { Device, DeviceBuffer } from "./device.ts";
import { grid, type Program, program, type Recorder } from "./recorder.ts";
import { weightJobs } from "./row-passes.ts";

/** Elements of θ that one workgroup of the optimizer handles. */
export const OPTIMIZER_BLOCK = 1024;

/** Policies up to this size go through their passes by whole rows; larger ones matrix by matrix, which spreads over more workgroups. */
const ROW_PARAMETERS = 4e6;

/** How matrices are multiplied: through workgroup memory, as GPUs like it, or without, for adapters that run on a processor. */
export type MatmulVariant = "tiled" | "direct";

/**
 * Which kernels run: "fast" fuses a token's way between two attentions into one dispatch; "plain" has one kernel for each operation, and is
 * what "fast" is checked against.
 */
export type KernelSet = "fast" | "plain";

/** How tokens are drawn: whole tokens in one kernel, for policies that fit a workgroup, or step by step through kernels of the forward pass. */
export type DecodeVariant = "whole-token" | "batched";

/**
 * How the weights that kernels read are stored. With "f16" the optimizer keeps θ in float32 and makes a copy of half the size with every update;
 * drawing, scoring and gradients all read that copy, so that the sampler's policy is the scorer's to the bit.
 */
export type WeightFormat = "f32" | "f16";

/** The choices that an engine's plan makes for its networks; results depend on `weights`, and on the others not beyond rounding. */
export interface NetworkPlan {
  readonly matmul: MatmulVariant;
  readonly kernels: KernelSet;
  readonly weights: WeightFormat;
  /** Undefined: whole tokens where they fit. */
  readonly decode?: DecodeVariant;
  /** Most rows that decode together; by default what one buffer holds of their caches. */
  readonly decodeRows?: number;
  /** Among how many invocations fast kernels without workgroup memory share what they load (see share.wgsl). */
  readonly sharers: number;
}

/** Where one layer's tensors begin in θ. q, k and v are one packed matrix there, and so are gate and up. */
export interface LayerOffsets {
  readonly norm1: number;
  readonly qkv: number;
  readonly o: number;
  readonly norm2: number;
  readonly gateUp: number;
  readonly down: number;
}

/**
 * One network shape on one device: its kernels, and the tables that all policies of this shape share.
 */
export class Network {
  readonly config: PolicyConfig;
  readonly device: Device;
  readonly recorder: Recorder;
  readonly inner: number;
  readonly parameters: number;
  /** Of the weights that kernels read. */
  readonly weightBytes: number;
  readonly layout: readonly ParameterSlice[];
  readonly layers: readonly LayerOffsets[];
  readonly finalNorm: number;
  /** cos and sin of every rotary angle, `[contextLength, headDim/2, 2]`. */
  readonly rotaryTable: DeviceBuffer;
  /** `[blocks, 4]`: first element, elements, tensor, decays. */
  readonly blocks: DeviceBuffer;
  readonly blockCount: number;
  /** First block of each tensor, tensors + 1 entries. */
  readonly tensorStarts: DeviceBuffer;
  /** Two small buffers for bindings that a variant of a kernel does not touch. */
  readonly unused: readonly [DeviceBuffer, DeviceBuffer];
  readonly programs: ReturnType<typeof trainingPrograms>;
  /** Whether passes go by whole rows (see row-passes.ts), their kernels, and the pieces that the weight gradients are made in. */
  readonly byRow: boolean;
  readonly rows: ReturnType<typeof rowPrograms>;
  readonly weightJobs: { readonly buffer: DeviceBuffer; readonly count: number };

  readonly plan: NetworkPlan;

  constructor(config: PolicyConfig, device: Device, recorder: Recorder, plan: NetworkPlan) {
    this.config = config;
    this.plan = plan;
    this.device = device;
    this.recorder = recorder;
    this.inner = config.heads * config.headDim;
    this.parameters = parameterCount(config);
    this.weightBytes = (plan.weights === "f16" ? 2 : 4) * this.parameters;
    this.layout = parameterLayout(config);
    const offset = new Map(this.layout.map((slice) => [slice.name, slice.offset]));
    this.layers = Array.from({ length: config.layers }, (_, l) => {
      const at = (part: string) => offset.get(`model.layers.${l}.${part}.weight`)!;
      return {
        norm1: at("input_layernorm"),
        qkv: at("self_attn.q_proj"),
        o: at("self_attn.o_proj"),
        norm2: at("post_attention_layernorm"),
        gateUp: at("mlp.gate_proj"),
        down: at("mlp.down_proj"),
      };
    });
    this.finalNorm = offset.get("model.norm.weight")!;

    const rotary = rotaryTable(config);
    this.rotaryTable = device.upload(rotary);
    const { blocks, starts } = optimizerBlocks(this.layout);
    this.blockCount = blocks.length / 4;
    this.blocks = device.upload(blocks);
    this.tensorStarts = device.upload(starts);
    this.unused = [device.acquire(256), device.acquire(256)];
    this.programs = trainingPrograms(config, plan);
    this.byRow = plan.kernels === "fast" && this.parameters <= ROW_PARAMETERS;
    this.rows = rowPrograms(plan);
    const jobs = weightJobs(this);
    this.weightJobs = { buffer: device.upload(jobs), count: jobs.length / 8 };
  }

  /** Workgroups of a product with an m×n result. */
  matmulGrid(m: number, n: number): [number, number] {
    if (this.plan.matmul === "direct") return grid(Math.ceil((Math.ceil(n / 8) * Math.ceil(m / 8)) / 64));
    return [Math.ceil(n / 64), Math.ceil(m / 64)];
  }

  /** The statistics kernel for `top` alternatives. */
  logSoftmax(top: number): Program {
    return program("log_softmax", logSoftmaxSource, { TOP: `${top}u` });
  }

  /** Compiles what training and scoring need. */
  prepare(top = 0): Promise<void> {
    const { normSquares, clip, adamw, logSoftmaxBackward, reduce } = this.programs;
    const passes = this.byRow ? [...Object.values(this.rows), logSoftmaxBackward, reduce] : Object.values(this.programs);
    return this.recorder.prepare([...passes, normSquares, clip, adamw, this.logSoftmax(top)]);
  }
}

/** The kernels of row-passes.ts. */
function rowPrograms({ matmul, weights, sharers }: NetworkPlan) {
  const direct = matmul === "direct";
  const share = direct ? [shareSource] : [];
  const sharing: Record<string, string> = direct ? { SHARERS: `${sharers}u` } : {};
  const stored = { Weight: weights };
  const weightProduct = direct ? weightProductDirectSource : weightProductTiledSource;
  const product = direct ? rowProductDirectSource : rowProductTiledSource;
  // In the forward pass all activations lie in the one buffer that it works in; a buffer can be bound once only.
  return {
    forward: program("row_forward", [...share, rowForwardSource, rowSource, product.replaceAll("kept[", "work[")], {
      ...stored,
      ...sharing,
    }),
    backward: program("row_backward", [...share, rowBackwardSource, rowSource, product], { ...stored, ...sharing }),
    weights: program("weight_gradients", [...share, weightGradientsSource, weightProduct], sharing),
  };
}

function trainingPrograms(config: PolicyConfig, { matmul, weights }: NetworkPlan) {
  const matmulSource = [matmul === "direct" ? matmulDirectSource : matmulTiledSource, matmulOperandsSource];
  const parts = Math.ceil(config.headDim / 4);
  // Workgroup memory is 16 KiB: two vectors of a head's width, and two numbers, for each key or query of a tile.
  const tile = Math.min(32, Math.floor(16384 / (32 * parts + 8)));
  const head = { HEAD_DIM: `${config.headDim}u`, TILE: `${tile}u` };
  const gather = { GATHER: true };
  const stored = { Weight: weights };
  return {
    embed: program("embed", embedSource, stored),
    norm: program("rms_norm", [normSource, normRowSource], stored),
    normGather: program("rms_norm", [normSource, normRowSource], { ...stored, ...gather }),
    normBackward: program("rms_norm_backward", [normBackwardSource, normRowSource], stored),
    normBackwardGather: program("rms_norm_backward", [normBackwardSource, normRowSource], { ...stored, ...gather, RESIDUAL: false }),
    normWeight: program("rms_norm_weight_gradient", normWeightSource),
    normWeightGather: program("rms_norm_weight_gradient", normWeightSource, gather),
    /** x·Wᵀ */
    matmul: program("matmul", matmulSource, { ...stored, TRANSPOSE_B: true }),
    matmulResidual: program("matmul", matmulSource, { ...stored, TRANSPOSE_B: true, RESIDUAL: true }),
    /** dy·W */
    matmulInput: program("matmul", matmulSource, stored),
    /** dyᵀ·x */
    matmulWeight: program("matmul", matmulSource, { TRANSPOSE_A: true }),
    rotary: program("rotary", rotarySource),
    attention: program("attention", [attentionSource, attentionHeadSource], head),
    attentionQuery: program("attention_backward_query", [attentionQuerySource, attentionHeadSource], head),
    attentionKey: program("attention_backward_key", [attentionKeySource, attentionHeadSource], head),
    swiglu: program("swiglu", swigluSource),
    swigluBackward: program("swiglu_backward", swigluBackwardSource),
    logSoftmaxBackward: program("log_softmax_backward", logSoftmaxBackwardSource),
    embedBackward: program("embed_backward", embedBackwardSource),
    reduce: program("reduce_gradients", reduceSource),
    normSquares: program("gradient_norm", normSquaresSource),
    clip: program("clip_gradient", clipSource),
    adamw: program("adamw", adamwSource, { ...stored, COPY: weights === "f16" }),
  };
}

/** Angles in float64, because a GPU's sine is only required to be good to about 5e-4. */
function rotaryTable(config: PolicyConfig): Float32Array {
  const half = config.headDim / 2;
  const table = new Float32Array(config.contextLength * half * 2);
  for (let position = 0; position < config.contextLength; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * config.ropeTheta ** ((-2 * i) / config.headDim);
      table.set([Math.cos(angle), Math.sin(angle)], (position * half + i) * 2);
    }
  }
  return table;
}

function optimizerBlocks(layout: readonly ParameterSlice[]): { blocks: Uint32Array; starts: Uint32Array } {
  const blocks: number[] = [];
  const starts = [0];
  layout.forEach((slice, tensor) => {
    for (let i = 0; i < slice.size; i += OPTIMIZER_BLOCK) {
      blocks.push(slice.offset + i, Math.min(OPTIMIZER_BLOCK, slice.size - i), tensor, slice.decay ? 1 : 0);
    }
    starts.push(blocks.length / 4);
  });
  return { blocks: Uint32Array.from(blocks), starts: Uint32Array.from(starts) };
}
