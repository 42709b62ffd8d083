import { type Base, Run, type RunOptions, type RunSetup } from "../loop/run.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import { sentence } from "./keeper.ts";
import type { EngineStatus, Event, Wanted } from "./protocol.ts";

/** Where engines and weights come from: a worker in a browser, or a test. */
export interface Supplies {
  /**
   * @param refusal what the GPU failed with, if it must not be used any more.
   * @throws Error with one sentence for a person if no engine can run at all.
   */
  createEngine(wanted: Wanted, refusal?: string): Promise<{ engine: Engine; status: EngineStatus }>;
  /** @throws Error with one sentence if there is no such policy or it is broken. */
  loadBase(policy: string): Promise<Base>;
}

/** The engine that runs are on, another after it is lost or fails, and the shipped weights that runs start from. */
export class Machine {
  private readonly supplies: Supplies;
  private readonly emit: (event: Event) => void;
  private readonly onLost: () => void;
  private wanted: Wanted = "auto";
  private current: Engine | undefined;
  private gone = false;
  private failure: string | undefined;
  private loaded: { policy: string; base: Base } | undefined;

  /** @param onLost is told when the device goes, which may be at any time. */
  constructor(supplies: Supplies, emit: (event: Event) => void, onLost: () => void) {
    this.supplies = supplies;
    this.emit = emit;
    this.onLost = onLost;
  }

  /** Only where there is a run. */
  get engine(): Engine {
    return this.current!;
  }

  get label(): string {
    return this.current?.label ?? "";
  }

  /** The device is gone: whatever was made with the engine fails. */
  get lost(): boolean {
    return this.gone;
  }

  /** What the GPU failed with; from then on the portable engine runs. */
  get refusal(): string | undefined {
    return this.failure;
  }

  async open(wanted: Wanted): Promise<EngineStatus> {
    this.wanted = wanted;
    this.emit({ type: "progress", what: "Starting the engine", fraction: 0.1 });
    return this.renew();
  }

  /** Another engine in place of the one at hand. */
  async renew(): Promise<EngineStatus> {
    const { engine, status } = await this.supplies.createEngine(this.wanted, this.failure);
    this.current = engine;
    this.gone = false;
    this.emit({ type: "engine", engine: status });
    void engine.lost.then(() => {
      if (this.current !== engine) return;
      this.gone = true;
      this.onLost();
    });
    return status;
  }

  /** Gives the GPU up after it failed without being lost. False if the error is another's. */
  refuseGpu(error: unknown): boolean {
    if (!(error instanceof EngineError) || this.current?.kind !== "webgpu" || this.gone || this.failure !== undefined) return false;
    this.failure = sentence(error);
    this.current.dispose();
    this.current = undefined;
    return true;
  }

  /** A run on the engine at hand; on another if there is none, or it fails. */
  async openRun(setup: RunSetup, options: RunOptions = {}): Promise<Run> {
    const base = await this.baseOf(setup.policy);
    if (this.gone || !this.current) await this.renew();
    const open = () => Run.open(this.engine, setup, base, { ...options, inspect: true });
    try {
      return await open();
    } catch (error) {
      if (!this.refuseGpu(error)) throw error;
      const { label } = await this.renew();
      this.emit({ type: "notice", message: `${this.failure} The run is on ${label} instead.` });
      return open();
    }
  }

  /** A second run beside one on the engine at hand. @throws EngineError if that is lost. */
  async openBeside(setup: RunSetup, options: RunOptions): Promise<Run> {
    return Run.open(this.engine, setup, await this.weightsOf(setup.policy), { inspect: true, ...options });
  }

  /** The weights of the policy, kept for the next time. */
  async baseOf(policy: string): Promise<Base> {
    if (this.loaded?.policy !== policy) {
      this.emit({ type: "progress", what: `Loading the policy ${policy}`, fraction: 0.4 });
      this.loaded = { policy, base: await this.supplies.loadBase(policy) };
    }
    return this.loaded.base;
  }

  /** The weights of a policy that may be another than the run's, which stays the one that is kept. */
  async weightsOf(policy: string): Promise<Base> {
    return this.loaded?.policy === policy ? this.loaded.base : this.supplies.loadBase(policy);
  }
}
