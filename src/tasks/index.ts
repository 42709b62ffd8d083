import { addition } from "./addition.ts";
import { compose } from "./compose.ts";
import { countdown } from "./countdown.ts";
import { reverse } from "./reverse.ts";
import { sort } from "./sort.ts";
import type { Task } from "./task.ts";

/** Every task, in the order in which lists show them. */
export const TASKS: readonly Task[] = [countdown, addition, sort, reverse, compose];

/** @throws RangeError that names the known tasks. */
export function taskById(id: string): Task {
  const task = TASKS.find((t) => t.id === id);
  if (!task) throw new RangeError(`there is no task ${JSON.stringify(id)}; tasks are ${TASKS.map((t) => t.id).join(", ")}`);
  return task;
}
