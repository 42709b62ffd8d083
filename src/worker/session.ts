import { checkWeights, readRunFile } from "../storage/run-file.ts";
import type { RunStore } from "../storage/run-store.ts";
import { exportAnswersAgain } from "./answers-again.ts";
import { Arrivals } from "./arrivals.ts";
import { Driver } from "./driver.ts";
import { budgetOn, RunHistory } from "./history.ts";
import { Keeper, sentence } from "./keeper.ts";
import { LookBack } from "./look-back.ts";
import { Machine, type Supplies } from "./machine.ts";
import { Measurements } from "./measurements.ts";
import { storedRun } from "./on-screen.ts";
import type { Command, Event, ExportKind, Wanted } from "./protocol.ts";
import { fileOf } from "./run-files.ts";
import { Beside, Turns } from "./turns.ts";

/** What the session needs from its surroundings: a worker in a browser, or a test. */
export interface SessionHost extends Supplies {
  readonly store: RunStore;
  emit(event: Event): void;
}

/**
 * The run behind a page: takes commands, hands each to the room that it is for, and sends events. One command is handled at a time; what
 * takes long (playing, looking back) goes on between them.
 */
export class Session {
  private readonly host: SessionHost;
  private readonly turns = new Turns();
  private readonly machine: Machine;
  private readonly keeper: Keeper;
  private readonly driver: Driver;
  private readonly lookBack: LookBack;
  /** What is computed again beside the run on screen: a step that is looked back at, and the answers of a kept run. */
  private readonly looking: Beside;
  private readonly exporting: Beside;
  private readonly arrivals: Arrivals;
  private readonly measurements: Measurements;
  private queue: Promise<void> = Promise.resolve();
  private budget = budgetOn();

  constructor(host: SessionHost) {
    this.host = host;
    const emit = (event: Event) => host.emit(event);
    const { turns } = this;
    const onRest = () => {
      // The device may have gone in the moment in which the run came to rest.
      if (this.machine.lost) void this.handle({ type: "pause" });
      else this.measurements.start();
    };
    this.keeper = new Keeper(host.store, emit);
    // A run in motion notices by itself; one that stands still is mended now, so that nothing waits when it goes on.
    this.machine = new Machine(host, emit, () => !this.driver.busy && void this.handle({ type: "pause" }));
    const { machine, keeper } = this;
    this.driver = new Driver({ machine, keeper, turns, emit, fail: (error) => this.fail(error), onRest });
    const { driver } = this;
    const onEnd = () => {
      if (driver.current) driver.tellMemory();
      this.measurements.start();
    };
    this.looking = new Beside(onEnd);
    this.exporting = new Beside(onEnd);
    const [looking, exporting] = [this.looking, this.exporting];
    this.lookBack = new LookBack({
      subject: () => driver.current,
      openAt: (run, snapshot) => machine.openBeside(run.setup, { edits: run.edits, ...(snapshot ? { snapshot } : {}) }),
      turns,
      beside: looking,
      isLost: () => machine.lost,
      emit,
    });
    const clear = async () => {
      await looking.end();
      await exporting.end();
    };
    this.arrivals = new Arrivals({ machine, keeper, driver, clear, newHistory: () => new RunHistory(this.budget), emit });
    const isBusy = () => driver.going || looking.busy || exporting.busy;
    this.measurements = new Measurements({ machine, keeper, driver, isBusy, turns, emit, queue: (work) => this.enqueue(work) });
  }

  /** Handles a command after those before it. Never throws: failures become events. */
  handle(command: Command): Promise<void> {
    this.measurements.stop();
    // Pausing, and giving up, must not wait behind the work that they end.
    if (command.type === "pause") this.driver.stop();
    if (command.type === "pace") this.driver.setPace(command.pause);
    if (command.type === "cancel") this.cancel();
    return this.enqueue(() =>
      this.execute(command)
        .catch((error) => this.fail(error, command.type === "open"))
        .finally(() => this.measurements.start()),
    );
  }

  /** What a person waits for most at the moment is given up. */
  private cancel(): void {
    if (this.looking.busy) this.looking.cancel();
    else {
      this.exporting.cancel();
      this.arrivals.cancel();
    }
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work);
    return this.queue;
  }

  private async execute(command: Command): Promise<void> {
    const { driver, arrivals } = this;
    switch (command.type) {
      case "open":
        this.budget = budgetOn(command.deviceMemory);
        return this.open(command.engine);
      case "start":
        return arrivals.begin(command.setup, command.edits);
      case "resume":
        return arrivals.resume(command.runId);
      case "fork":
        return arrivals.fork(command.step, command.changes, command.name);
      case "reset":
        if (driver.current) await arrivals.begin(driver.current.run.upcoming);
        return;
      case "play":
        return driver.go({ kind: "play" });
      case "phase":
        return driver.go({ kind: "phase" });
      case "step":
        return driver.go({ kind: "steps", left: command.count ?? 1 });
      case "pause":
        // Again, for a goal that waited in the queue when the pause was asked for.
        return driver.pause();
      case "edit":
        return driver.edit(command.path, command.value);
      case "record":
        return this.lookBack.ask(command.step);
      case "sample":
        return this.measurements.sample(command.problem, command.samples);
      case "forget":
        return this.forget(command.runId);
      case "rename":
        return this.rename(command.runId, command.name);
      case "export":
        return this.export(command.runId, command.what);
      case "import":
        return this.import(command.text);
      case "cancel":
      case "pace":
        return;
    }
  }

  private fail(error: unknown, fatal = false): void {
    this.driver.stop();
    this.host.emit({ type: "error", message: sentence(error), fatal });
  }

  private async open(wanted: Wanted): Promise<void> {
    const listing = this.keeper.list().catch(() => []);
    const engine = await this.machine.open(wanted);
    const keptRuns = await listing;
    this.host.emit({ type: "ready", engine, keptRuns });
  }

  // Kept runs and files.

  private async tellKept(): Promise<void> {
    this.host.emit({ type: "kept", keptRuns: await this.keeper.list() });
  }

  private async forget(id: string): Promise<void> {
    await this.keeper.forget(id);
    // If it is the run on screen that is forgotten, all of it is to be stored when it goes on.
    if (id === this.driver.current?.id) this.keeper.adopt(0);
    await this.tellKept();
  }

  private async rename(id: string, name: string): Promise<void> {
    const { current } = this.driver;
    if (id === current?.id) current.name = name;
    await this.keeper.rename(id, name);
    await this.tellKept();
  }

  private async export(id: string, what: ExportKind): Promise<void> {
    const { machine, driver, keeper, turns, exporting } = this;
    const here = driver.current?.id === id ? driver.current : undefined;
    const kept = here ? { run: storedRun(here, machine.engine.plan), metrics: here.metrics } : await keeper.load(id);
    const emit = (event: Event) => this.host.emit(event);
    if (what === "rolloutsAgain") return exportAnswersAgain(kept, { machine, turns, beside: exporting, emit });
    emit({ type: "exported", ...(await fileOf(kept, what, here?.history.keptRecords, machine.label)) });
  }

  private async import(text: string): Promise<void> {
    const { run, metrics } = readRunFile(text, crypto.randomUUID());
    checkWeights(run, (await this.machine.weightsOf(run.setup.policy)).theta.length);
    this.host.emit({ type: "imported", run: await this.keeper.add(run, metrics) });
    await this.tellKept();
  }
}
