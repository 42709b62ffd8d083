import type { StepRecord } from "../loop/record.ts";
import type { Base } from "../loop/run.ts";
import { shippedBase, smallSetup } from "../loop/testing.ts";
import { type Engine, EngineError, type Policy } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import type { RunStore } from "../storage/run-store.ts";
import type { Command, Event } from "./protocol.ts";
import { Session, type SessionHost } from "./session.ts";

export const base: Base = await shippedBase("nano");
export const small = smallSetup({ "sampler.promptsPerStep": 2 });

/** An engine whose device can be lost: from then on everything that it made fails. */
function fragile(engine: Engine): { engine: Engine; lose: () => void } {
  let gone = false;
  let tell: (reason: { reason: string }) => void = () => {};
  const lost = new Promise<{ reason: string }>((resolve) => {
    tell = resolve;
  });
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        if (key === "lost") return lost;
        const value = Reflect.get(object, key, object) as unknown;
        if (typeof value !== "function") return value;
        if (key === "errorCount" || key === "errorMessages") return value.bind(object);
        return async (...args: unknown[]) => {
          if (key === "dispose") return;
          if (gone) throw new EngineError("The device was lost.");
          const result = await value.apply(object, args);
          return key === "load" ? guard(result as Policy) : result;
        };
      },
    });
  return {
    engine: guard(engine),
    lose() {
      gone = true;
      tell({ reason: "crashed" });
    },
  };
}

/** A session with everything it sent; `until` waits for an event. Its engines are portable ones that can be lost, or what `createEngine` gives. */
export function openSession(store: RunStore, createEngine?: SessionHost["createEngine"]) {
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const engines: { engine: Engine; lose: () => void }[] = [];
  const session = new Session({
    async createEngine(wanted, refusal) {
      if (createEngine) return createEngine(wanted, refusal);
      const made = fragile(await createPortableEngine());
      engines.push(made);
      return { engine: made.engine, status: { kind: "portable", label: `engine ${engines.length}` } };
    },
    async loadBase(policy) {
      if (policy !== "nano") throw new Error(`There is no policy ${policy} here.`);
      return base;
    },
    store,
    emit(event) {
      events.push(structuredClone(event));
      for (const wake of waiting) wake();
    },
  });
  const of = <T extends Event["type"]>(type: T) => events.filter((e): e is Extract<Event, { type: T }> => e.type === type);
  return {
    events,
    of,
    engines,
    send: (command: Command) => session.handle(command),
    last: (): StepRecord => of("phase").at(-1)!.record,
    until: (met: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!met()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    idle: () => of("state").at(-1)?.busy === false,
  };
}

export const open: Command = { type: "open", policiesUrl: "", engine: "auto" };
