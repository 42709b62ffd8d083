import { PHASES, type Phase, type StepRecord } from "../../loop/record.ts";
import type { Recording } from "../../storage/recording.ts";
import type { Command, Event } from "../../worker/protocol.ts";

/** The least and the most that a step takes at full speed (milliseconds): to be followed by eye, and not to be waited for. */
const LEAST = 350;
const MOST = 1500;

/** How much of a record there was after a phase. */
export function recordAt(record: StepRecord, phase: Phase): StepRecord {
  const done = (one: Phase) => PHASES.indexOf(one) <= PHASES.indexOf(phase);
  const { evaluation, metrics, tokens, twins, paths, greedy, ...rest } = record;
  const { after, advantage, advantageTerms, ...drawn } = tokens ?? {};
  return {
    ...rest,
    phase,
    groups: record.groups.map(({ statistics, members, ...group }) => ({
      ...group,
      members: done("rollouts") ? members : [],
      ...(statistics && done("rewards") ? { statistics } : {}),
    })),
    rollouts: done("rollouts")
      ? record.rollouts.map(({ verdict, seenScore, rewardParts, reward, advantage, baseline, scale, ...rollout }) => ({
          ...rollout,
          ...(verdict && done("verdicts") ? { verdict } : {}),
          ...(done("rewards") ? defined({ seenScore, rewardParts, reward }) : {}),
          ...(done("advantages") ? defined({ advantage, baseline, scale }) : {}),
        }))
      : [],
    discarded: done("rewards") ? record.discarded : [],
    updates: done("update") ? record.updates : [],
    ...defined({ twins }),
    ...(done("rollouts") ? defined({ paths }) : {}),
    ...(done("rewards") ? defined({ greedy }) : {}),
    ...(tokens && done("rollouts")
      ? {
          tokens: {
            ...(drawn as typeof tokens),
            ...(done("advantages") ? defined({ advantage, advantageTerms }) : {}),
            ...(done("update") ? defined({ after }) : {}),
          },
        }
      : {}),
    ...(done("evaluation") ? defined({ evaluation, metrics }) : {}),
  };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** How far it is to go before it stands still: a number of phases. */
type Goal = { left: number; readonly playing: boolean } | undefined;

/**
 * Plays a recording in the run's place: it takes the page's commands and gives the events that a worker would give, out of what was
 * recorded. Nothing is computed. It opens at its end, with every step to look back at; playing from the end begins anew.
 */
export class Playback {
  readonly made: Recording["made"];
  private readonly recording: Recording;
  private readonly emit: (event: Event) => void;
  /** Steps completed, and phases shown of the next one. */
  private step = 0;
  private phases = 0;
  private goal: Goal;
  private pause = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(recording: Recording, emit: (event: Event) => void) {
    this.recording = recording;
    this.made = recording.made;
    this.emit = emit;
    this.goTo(recording.records.length);
  }

  handle(command: Command): void {
    switch (command.type) {
      case "play":
        if (this.atEnd) this.goTo(0);
        this.go({ left: Number.POSITIVE_INFINITY, playing: true });
        return;
      case "phase":
        this.go({ left: 1, playing: false });
        return;
      case "step":
        this.go({ left: Math.max(1, command.count ?? 1) * PHASES.length - this.phases, playing: false });
        return;
      case "pause":
        this.go(undefined);
        return;
      case "reset":
        this.goTo(0);
        return;
      case "pace":
        this.pause = command.pause;
        if (this.goal) this.schedule();
        return;
      case "record": {
        const record = command.step <= this.step ? this.recording.records[command.step - 1] : undefined;
        this.emit({ type: "record", step: command.step, record: record ?? null });
        return;
      }
      case "cancel":
        return;
      default:
        this.emit({
          type: "error",
          fatal: false,
          message: "This is a recording, which stays as it was made: “Train it yourself” starts the same run live.",
        });
    }
  }

  /** Ends it for good. */
  stop(): void {
    clearTimeout(this.timer);
    this.goal = undefined;
  }

  private get atEnd(): boolean {
    return this.step === this.recording.records.length;
  }

  private goTo(step: number): void {
    this.stop();
    this.step = step;
    this.phases = 0;
    const { run, metrics, records } = this.recording;
    const { id, name, parent, setup, edits, start } = run;
    this.emit({
      type: "started",
      runId: id,
      setup,
      edits: [...edits],
      step,
      history: metrics.slice(0, step),
      records: records.slice(0, step).map((record) => record.step),
      ...(name === undefined ? {} : { name }),
      ...(parent ? { parent } : {}),
      ...(start ? { start } : {}),
    });
    this.emit({ type: "memory", memory: { step, records: records.slice(0, step).map((one) => one.step), snapshots: [], bytes: 0 } });
    if (step > 0) this.emit({ type: "phase", phase: "evaluation", record: records[step - 1] });
    else while (this.phases <= PHASES.indexOf("verdicts")) this.advance();
    this.tell();
  }

  private go(goal: Goal): void {
    this.goal = this.atEnd ? undefined : goal;
    clearTimeout(this.timer);
    // What was asked for by hand comes at once.
    if (this.goal && !this.goal.playing) while (this.goal) this.tick();
    else if (this.goal) this.schedule();
    this.tell();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const seconds = this.recording.metrics[this.step]?.seconds ?? 0;
    const wait = this.pause > 0 ? this.pause : Math.min(MOST, Math.max(LEAST, 1000 * seconds)) / PHASES.length;
    this.timer = setTimeout(() => {
      this.tick();
      if (this.goal) this.schedule();
      else this.tell();
    }, wait);
  }

  private tick(): void {
    this.advance();
    if (this.goal && --this.goal.left <= 0) this.goal = undefined;
    if (this.atEnd) this.goal = undefined;
  }

  private advance(): void {
    const record = this.recording.records[this.step];
    const phase = PHASES[this.phases++];
    const complete = this.phases === PHASES.length;
    this.emit({ type: "phase", phase, record: complete ? record : recordAt(record, phase) });
    if (!complete) return;
    this.step++;
    this.phases = 0;
    this.emit({ type: "step", step: record.step, metrics: this.recording.metrics[this.step - 1] });
  }

  private tell(): void {
    this.emit({ type: "state", playing: this.goal?.playing ?? false, busy: this.goal !== undefined });
  }
}
