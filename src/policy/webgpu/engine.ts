import { type PolicyConfig, parameterCount, validateConfig } from "../config.ts";
import type { Data, Engine, EngineBuffer, Kernel, Policy } from "../engine.ts";
import { chunkTokens } from "./chunks.ts";
import { quickerDecode } from "./crossover.ts";
import { decodeVariant } from "./decoder.ts";
import { Device, type DeviceCounters } from "./device.ts";
import { runKernel } from "./kernel.ts";
import { type DecodeVariant, type KernelSet, type MatmulVariant, Network, type NetworkPlan, type WeightFormat } from "./network.ts";
import { WebgpuPolicy } from "./policy.ts";
import { Recorder } from "./recorder.ts";

export interface WebgpuOptions {
  /** Longest chunk of a batch, in tokens; by default what memory and time allow. Results do not depend on it beyond rounding. */
  readonly chunkTokens?: number;
  /** Most rows that decode together; by default what one buffer holds of their caches. Results do not depend on it. */
  readonly decodeRows?: number;
  /** By default "direct" on software adapters, else "tiled". */
  readonly matmul?: MatmulVariant;
  /** "fast" unless said otherwise; always "plain" on software adapters without subgroups. */
  readonly kernels?: KernelSet;
  /** "f32" unless said otherwise. */
  readonly weights?: WeightFormat;
  /** By default what is quicker on this GPU for each shape; whole tokens on software adapters, for policies that fit. */
  readonly decode?: DecodeVariant;
  /** What was measured on an earlier visit, and where to keep what is measured now. */
  readonly decodeChoices?: DecodeChoices;
}

/** What was measured to be quicker for each shape. */
export interface DecodeChoices {
  of(shape: string): DecodeVariant | undefined;
  found(shape: string, decode: DecodeVariant): void;
}

const shapeKey = (config: PolicyConfig): string => JSON.stringify(Object.entries(config).sort());

/** The engine of hand-written kernels, on one GPU device. */
export class WebgpuEngine implements Engine {
  readonly kind = "webgpu";
  readonly label: string;
  plan: Readonly<Record<string, string | number | boolean>>;
  readonly lost: Promise<{ reason: string }>;
  /** True when the adapter runs on the processor. */
  readonly software: boolean;
  private readonly device: Device;
  private readonly recorder: Recorder;
  private readonly networks = new Map<string, Promise<Network>>();
  private readonly options: WebgpuOptions;
  private readonly networkPlan: NetworkPlan;

  constructor(device: Device, options: WebgpuOptions) {
    this.device = device;
    this.recorder = new Recorder(device);
    this.options = options;
    const weights = options.weights ?? "f32";
    this.label = weights === "f16" ? `${device.label}, 16-bit weights` : device.label;
    this.software = device.software;
    this.lost = device.lost;
    const matmul = options.matmul ?? (device.software ? "direct" : "tiled");
    const { sharers } = device;
    const kernels = matmul === "direct" && sharers === 0 ? "plain" : (options.kernels ?? "fast");
    this.networkPlan = { matmul, kernels, weights, decode: options.decode, decodeRows: options.decodeRows, sharers };
    this.plan = {
      precision: "f32",
      weights,
      kernels,
      matmul,
      decode: options.decode ?? "auto",
      chunkTokens: options.chunkTokens ?? "auto",
    };
  }

  /** Puts into the plan what the self-test said. */
  recordSelfTest(outcome: string): void {
    this.plan = { ...this.plan, selfTest: outcome };
  }

  async load(config: PolicyConfig, theta: Float32Array): Promise<Policy> {
    validateConfig(config);
    const parameters = parameterCount(config);
    if (theta.length !== parameters) throw new RangeError(`the policy has ${parameters} parameters, got ${theta.length} weights`);
    const network = await this.network(config, theta);
    this.plan = { ...this.plan, decode: decodeVariant(config, network.plan) };
    return this.policy(network, theta);
  }

  private async policy(network: Network, theta: Float32Array): Promise<Policy> {
    const { config } = network;
    const policy = new WebgpuPolicy(network, Math.max(config.contextLength, this.options.chunkTokens ?? chunkTokens(config)));
    try {
      const zeros = new Float32Array(theta.length);
      await policy.restore({ theta, m: zeros, v: zeros, updates: 0 });
    } catch (error) {
      policy.dispose();
      throw error;
    }
    return policy;
  }

  /** The network of a shape, made when it is first asked for. */
  private network(config: PolicyConfig, theta: Float32Array): Promise<Network> {
    const key = shapeKey(config);
    let network = this.networks.get(key);
    if (!network) {
      network = this.create(config, theta);
      this.networks.set(key, network);
      network.catch(() => this.networks.delete(key));
    }
    return network;
  }

  private async create(config: PolicyConfig, theta: Float32Array): Promise<Network> {
    const { decode, decodeChoices } = this.options;
    const make = (way?: DecodeVariant) => new Network(config, this.device, this.recorder, { ...this.networkPlan, decode: way });
    const known = decode ?? decodeChoices?.of(shapeKey(config));
    if (known !== undefined || this.software || decodeVariant(config, this.networkPlan) === "batched") return make(known);
    const networks = { "whole-token": make("whole-token"), batched: make("batched") };
    const whole = await this.policy(networks["whole-token"], theta);
    const batched = await this.policy(networks.batched, theta);
    try {
      const quicker = await quickerDecode({ "whole-token": whole, batched });
      decodeChoices?.found(shapeKey(config), quicker);
      return networks[quicker];
    } finally {
      whole.dispose();
      batched.dispose();
    }
  }

  runKernel(kernel: Kernel, buffers: Record<string, Data>, params: Record<string, number>): Promise<Record<string, EngineBuffer>> {
    return runKernel(this.recorder, kernel, buffers, params);
  }

  async start(): Promise<void> {
    this.recorder.submit();
  }

  /** Dispatches, submits, allocations and read-backs so far. */
  counters(): Readonly<DeviceCounters> {
    return { ...this.device.counters };
  }

  errorCount(): number {
    return this.device.errorMessages().length;
  }

  errorMessages(): readonly string[] {
    return this.device.errorMessages();
  }

  dispose(): void {
    this.device.dispose();
  }
}

/**
 * An engine on the best adapter of `gpu` (`navigator.gpu` in a page or worker).
 * @throws NoHalfError if 16-bit weights are asked for and the adapter has none, EngineError if there is no adapter.
 */
export async function createWebgpuEngine(gpu: GPU, options: WebgpuOptions = {}): Promise<WebgpuEngine> {
  return new WebgpuEngine(await Device.create(gpu, options.weights === "f16"), options);
}
