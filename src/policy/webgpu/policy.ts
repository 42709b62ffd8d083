import type { PolicyConfig } from "../config.ts";
import {
  type Coefficients,
  completionOffsets,
  type EngineBuffer,
  EngineError,
  type ForwardHandle,
  type GenerateRequest,
  type Generation,
  type Needs,
  type OptimizerStep,
  type Policy,
  type PolicyState,
  type TokenBatch,
  type UpdateReport,
} from "../engine.ts";
import { toHalves } from "../half.ts";
import { GpuBuffer, storageOf } from "./buffer.ts";
import { type Chunk, chunksOf, chunkTokens } from "./chunks.ts";
import { Decoder } from "./decoder.ts";
import type { DeviceBuffer } from "./device.ts";
import type { Network } from "./network.ts";
import { type Activations, recordBackward, recordForward } from "./passes.ts";
import { recordStatistics, type Statistics } from "./statistics.ts";

const tokensOf = (chunks: readonly Chunk[]) => chunks.reduce((sum, { tokens }) => sum + tokens, 0);

class Handle implements ForwardHandle {
  readonly batch: TokenBatch;
  readonly needs: Needs;
  readonly chunks: readonly Chunk[];
  readonly owner: WebgpuPolicy;
  // Filled once the forward pass is recorded.
  logProb!: GpuBuffer;
  entropy?: GpuBuffer;
  sumSquares?: GpuBuffer;
  topKTokens?: GpuBuffer;
  topKLogProbs?: GpuBuffer;
  logits?: GpuBuffer;
  hidden?: GpuBuffer;
  /** Present until `backward` or `release`. */
  trace?: {
    readonly indices: readonly DeviceBuffer[];
    readonly statistics: Statistics;
    readonly kept?: Activations;
    readonly own: DeviceBuffer[];
  };

  constructor(owner: WebgpuPolicy, batch: TokenBatch, needs: Needs, chunks: readonly Chunk[]) {
    this.owner = owner;
    this.batch = batch;
    this.needs = needs;
    this.chunks = chunks;
  }

  release(): void {
    const { trace } = this;
    if (!trace) return;
    this.trace = undefined;
    const { device } = this.owner.network;
    device.release(...trace.indices, ...trace.own);
    if (trace.kept) {
      const { layers, x, inverse, hidden, logits } = trace.kept;
      device.release(x, inverse, hidden, logits);
      for (const layer of layers) device.release(...Object.values(layer));
    }
  }
}

/**
 * θ, its gradient and AdamW's moments in device memory. Calls record their work; it is submitted, several calls at once, when somebody reads
 * a result of any of them, asks for the work to start, or draws.
 */
export class WebgpuPolicy implements Policy {
  readonly network: Network;
  readonly config: PolicyConfig;
  private readonly theta: DeviceBuffer;
  /** θ as kernels read it: itself, or the nearest 16-bit numbers. */
  private readonly weights: DeviceBuffer;
  private readonly gradient: DeviceBuffer;
  private readonly m: DeviceBuffer;
  private readonly v: DeviceBuffer;
  /** Updates applied so far, counted on the device. */
  private readonly counter: DeviceBuffer;
  private readonly decoder: Decoder;
  private readonly chunkLimit: number;
  private disposed = false;

  /** Memory for a policy of this shape; contents are set by `restore` or `clone`. */
  constructor(network: Network, chunkLimit = chunkTokens(network.config)) {
    this.network = network;
    this.config = network.config;
    const bytes = 4 * network.parameters;
    const { device } = network;
    this.theta = device.acquire(bytes);
    this.weights = network.plan.weights === "f16" ? device.acquire(network.weightBytes) : this.theta;
    this.gradient = device.acquire(bytes);
    this.m = device.acquire(bytes);
    this.v = device.acquire(bytes);
    this.counter = device.acquire(16);
    this.decoder = new Decoder(network, this.weights);
    this.chunkLimit = chunkLimit;
  }

  /** Whether `weights` are a copy that must follow θ. */
  private get copies(): boolean {
    return this.weights !== this.theta;
  }

  private check(): void {
    this.network.device.checkAlive();
    if (this.disposed) throw new EngineError("This policy was disposed.");
  }

  async generate(request: GenerateRequest): Promise<Generation> {
    this.check();
    return this.decoder.generate(request);
  }

  async forward(batch: TokenBatch, needs: Needs, options: { readonly inference?: boolean } = {}): Promise<ForwardHandle> {
    this.check();
    const { network } = this;
    const { device, recorder, config } = network;
    const top = needs.topK ?? 0;
    if (!(top >= 0 && top <= config.vocabSize)) throw new RangeError(`topK must be between 0 and ${config.vocabSize}, got ${top}`);
    const temperature = needs.temperature ?? 1;
    if (!(temperature > 0)) throw new RangeError(`temperature must be positive, got ${temperature}`);
    const chunks = chunksOf(config, batch, this.chunkLimit).filter((chunk) => chunk.predictions > 0);
    await network.prepare(top);
    this.check();
    const handle = new Handle(this, batch, needs, chunks);
    recorder.record(() => {
      const n = completionOffsets(batch).at(-1)!;
      const { vocabSize, hiddenSize } = config;
      recorder.weigh(2 * network.parameters * tokensOf(chunks));
      const indices = chunks.map((chunk) => device.upload(chunk.index));
      const statistics: Statistics = {
        logProb: device.acquire(4 * n),
        lse: device.acquire(4 * n),
        entropy: device.acquire(4 * n),
        sumSquares: device.acquire(4 * n),
        topTokens: top > 0 ? device.acquire(4 * n * top) : undefined,
        topLogProbs: top > 0 ? device.acquire(4 * n * top) : undefined,
      };
      const logits = needs.logits ? device.acquire(4 * n * vocabSize) : undefined;
      const hidden = needs.hidden ? device.acquire(4 * n * hiddenSize) : undefined;
      // A batch of several chunks keeps nothing: its backward pass runs each chunk's forward pass again.
      const keep = !options.inference && chunks.length === 1;
      let kept: Activations | undefined;
      chunks.forEach((chunk, i) => {
        const activations = recordForward(network, this.weights, chunk, indices[i], keep);
        recordStatistics(network, chunk, indices[i], activations.logits, statistics, temperature, top);
        const { predictions, first } = chunk;
        if (logits) recorder.copy(activations.logits, logits, 4 * predictions * vocabSize, 0, 4 * first * vocabSize);
        if (hidden)
          recorder.copy(activations.hidden, hidden, 4 * predictions * hiddenSize, activations.hiddenOffset, 4 * first * hiddenSize);
        if (keep) kept = activations;
        else device.release(activations.x, activations.inverse, activations.hidden, activations.logits);
      });
      const result = (storage: DeviceBuffer, length: number) => new GpuBuffer(recorder, storage, length);
      handle.logProb = result(statistics.logProb, n);
      const own: DeviceBuffer[] = [statistics.lse];
      // The backward pass needs the entropies; what was asked for as a result gets a copy that a read may free.
      if (needs.entropy && !options.inference) {
        const copy = device.acquire(4 * n);
        recorder.copy(statistics.entropy, copy, 4 * n);
        handle.entropy = result(copy, n);
        own.push(statistics.entropy);
      } else if (needs.entropy) handle.entropy = result(statistics.entropy, n);
      else own.push(statistics.entropy);
      if (needs.sumSquares) handle.sumSquares = result(statistics.sumSquares, n);
      else own.push(statistics.sumSquares);
      if (top > 0) {
        handle.topKTokens = result(statistics.topTokens!, n * top);
        handle.topKLogProbs = result(statistics.topLogProbs!, n * top);
      }
      if (logits) handle.logits = result(logits, n * vocabSize);
      if (hidden) handle.hidden = result(hidden, n * hiddenSize);
      if (options.inference) device.release(...indices, ...own);
      else handle.trace = { indices, statistics, kept, own };
    });
    await device.settle();
    return handle;
  }

  async backward(handle: ForwardHandle, coefficients: Coefficients): Promise<void> {
    this.check();
    if (!(handle instanceof Handle) || handle.owner !== this) throw new EngineError("This forward pass belongs to another policy.");
    if (!handle.trace) throw new EngineError("This forward pass was released, used before, or made for inference only.");
    const { network } = this;
    const { device, recorder } = network;
    await network.prepare(0);
    this.check();
    const { trace } = handle;
    if (!trace) throw new EngineError("This forward pass was released, used before, or made for inference only.");
    recorder.record(() => {
      const n = completionOffsets(handle.batch).at(-1)!;
      recorder.weigh((trace.kept ? 4 : 6) * network.parameters * tokensOf(handle.chunks));
      const temporary: DeviceBuffer[] = [];
      const upload = (data: Float32Array | EngineBuffer | undefined, name: string, length: number) =>
        data && storageOf(recorder, data, name, temporary, length);
      const onDevice = {
        logProb: upload(coefficients.logProb, "coefficients of the log-probs", n),
        entropy: upload(coefficients.entropy, "coefficients of the entropies", n),
        logits: upload(coefficients.logits, "coefficients of the logits", n * this.config.vocabSize),
      };
      const temperature = handle.needs.temperature ?? 1;
      handle.chunks.forEach((chunk, i) => {
        const kept = trace.kept ?? recordForward(network, this.weights, chunk, trace.indices[i], true);
        recordBackward(network, this.weights, this.gradient, chunk, trace.indices[i], kept, trace.statistics, onDevice, temperature);
      });
      device.release(...temporary);
      handle.release();
    });
    await device.settle();
  }

  async gradients(): Promise<Float32Array> {
    this.check();
    return new Float32Array(await this.bytesOf(this.gradient, 4 * this.network.parameters));
  }

  private bytesOf(source: DeviceBuffer, bytes: number): Promise<ArrayBuffer> {
    return this.network.recorder.read({ source, offset: 0, bytes });
  }

  async apply(step: OptimizerStep): Promise<UpdateReport> {
    this.check();
    const { network } = this;
    const { device, recorder, programs, layout } = network;
    await network.prepare(0);
    this.check();
    const tensors = layout.length;
    const report = recorder.record(() => {
      const result = device.acquire(4 * (8 + tensors));
      const partials = device.acquire(4 * network.blockCount);
      const { blocks } = network;
      const { gradient } = this;
      recorder.dispatch(programs.normSquares, { gradient, blocks, partials }, {}, [network.blockCount]);
      // β = 0 has no logarithm; exp(−100) is 0 in float32.
      const logarithm = (beta: number) => Math.max(-100, Math.log(beta));
      recorder.dispatch(
        programs.clip,
        { partials, starts: network.tensorStarts, state: this.counter, result },
        { tensors, maxNorm: step.maxGradNorm, logBeta1: logarithm(step.beta1), logBeta2: logarithm(step.beta2) },
        [1],
      );
      recorder.dispatch(
        programs.adamw,
        { blocks, result, theta: this.theta, m: this.m, v: this.v, gradient, copy: this.copies ? this.weights : network.unused[0] },
        {
          rate: step.learningRate,
          beta1: step.beta1,
          rest1: 1 - step.beta1,
          beta2: step.beta2,
          rest2: 1 - step.beta2,
          eps: step.eps,
          decay: step.weightDecay,
        },
        [network.blockCount],
      );
      this.decoder.weightsChanged();
      device.release(partials);
      return new GpuBuffer(recorder, result, 8 + tensors);
    });
    await device.settle();
    return {
      read: async () => {
        const values = await report.read();
        return { gradNorm: values[0], applied: values[1] === 1, tensorGradNorms: values.slice(8) };
      },
    };
  }

  async save(): Promise<PolicyState> {
    this.check();
    const floats = (buffer: DeviceBuffer) => this.bytesOf(buffer, 4 * this.network.parameters).then((data) => new Float32Array(data));
    const [theta, m, v, counter] = await Promise.all([floats(this.theta), floats(this.m), floats(this.v), this.bytesOf(this.counter, 4)]);
    return { theta, m, v, updates: new Uint32Array(counter)[0] };
  }

  async restore(state: PolicyState): Promise<void> {
    this.check();
    const { device, recorder, parameters } = this.network;
    for (const key of ["theta", "m", "v"] as const) {
      if (state[key].length !== parameters)
        throw new RangeError(`the policy has ${parameters} parameters, ${key} has ${state[key].length}`);
      device.overwrite(this[key], state[key]);
    }
    if (this.copies) device.overwrite(this.weights, toHalves(state.theta));
    device.overwrite(this.counter, Uint32Array.of(state.updates, 0, 0, 0));
    recorder.clear(this.gradient, 4 * parameters);
    this.decoder.weightsChanged();
    await device.settle();
  }

  async clone(): Promise<Policy> {
    this.check();
    const copy = new WebgpuPolicy(this.network, this.chunkLimit);
    const { recorder, device, parameters } = this.network;
    recorder.record(() => {
      for (const key of ["theta", "m", "v"] as const) recorder.copy(this[key], copy[key], 4 * parameters);
      if (this.copies) recorder.copy(this.weights, copy.weights, 4 * Math.ceil(this.network.weightBytes / 4));
      recorder.copy(this.counter, copy.counter, 16);
      recorder.clear(copy.gradient, 4 * parameters);
    });
    await device.settle();
    return copy;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.network.device.release(this.theta, this.weights, this.gradient, this.m, this.v, this.counter);
    this.decoder.dispose();
  }
}
