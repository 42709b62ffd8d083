import { evaluationMetrics } from "../loop/metrics.ts";
import type { Driver } from "./driver.ts";
import type { Keeper } from "./keeper.ts";
import type { Machine } from "./machine.ts";
import { type OnScreen, storedRun } from "./on-screen.ts";
import type { Event } from "./protocol.ts";
import type { Turns } from "./turns.ts";

/** Idle time before pass@k is measured, and the longest that it may be expected to take (milliseconds). */
const IDLE = 1500;
const IDLE_WORK = 20000;

interface Surroundings {
  readonly machine: Machine;
  readonly keeper: Keeper;
  readonly driver: Driver;
  /** Something else is to do. */
  isBusy(): boolean;
  readonly turns: Turns;
  /** Does it after the commands that came before. */
  queue(work: () => Promise<void>): void;
  emit(event: Event): void;
}

/** What is measured on held-out problems beside training: pass@k when nothing else is to do, and the answers to one problem on demand. */
export class Measurements {
  private readonly around: Surroundings;
  private idle: { timer: ReturnType<typeof setTimeout>; abort: AbortController } | undefined;
  /** The run whose policy was measured last, and after which step. */
  private measured: { readonly of: OnScreen; readonly step: number } | undefined;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** Answers to one held-out problem, drawn between two phases if the run goes on. */
  async sample(problem: number, samples: number): Promise<void> {
    const { driver, turns, emit } = this.around;
    const { run } = driver.needed;
    const onProgress = (fraction: number) => emit({ type: "progress", what: `Drawing ${samples} answers before and now`, fraction });
    const answers = await turns.take(() => run.answers(problem, samples, onProgress));
    if (run === driver.current?.run) emit({ type: "sampled", step: run.step, updating: driver.updating, answers });
  }

  /** Has pass@k measured after a while, unless something else is asked for until then. */
  start(): void {
    this.stop();
    const { driver, isBusy, queue } = this.around;
    const { current } = driver;
    if (!current || isBusy()) return;
    const { params } = current.run.upcoming.recipe.slots.evaluation;
    const rows = (params.passAtKProblems as number) * (params.passAtKSamples as number);
    if (rows * driver.millisecondsPerRow > IDLE_WORK || (current.start && this.isMeasured(current))) return;
    const abort = new AbortController();
    const timer = setTimeout(() => queue(() => this.measure(current, abort.signal).catch(() => {})), IDLE);
    this.idle = { timer, abort };
  }

  stop(): void {
    if (!this.idle) return;
    clearTimeout(this.idle.timer);
    this.idle.abort.abort();
    this.idle = undefined;
  }

  private isMeasured(current: OnScreen): boolean {
    return this.measured?.of === current && this.measured.step === current.run.step;
  }

  private async measure(current: OnScreen, signal: AbortSignal): Promise<void> {
    const { machine, keeper, driver, emit } = this.around;
    const { run } = current;
    const wanted = () => !signal.aborted && run === driver.current?.run;
    if (wanted() && !current.start) {
      const start = await run.evaluate("base", undefined, signal);
      if (!wanted()) return;
      current.start = start;
      emit({ type: "evaluated", step: 0, evaluation: start });
    }
    const { metrics } = current;
    const last = metrics.at(-1);
    if (!wanted() || !last || driver.updating || this.isMeasured(current)) return;
    const evaluation = await run.evaluate("policy", undefined, signal);
    if (!wanted()) return;
    this.measured = { of: current, step: run.step };
    emit({ type: "evaluated", step: run.step, evaluation });
    metrics[metrics.length - 1] = { ...last, ...evaluationMetrics(evaluation) };
    keeper.revise();
    await keeper.keep(current.id, metrics, () => storedRun(current, machine.engine.plan));
  }
}
