import { RecipeError } from "../algorithm/plugin.ts";
import { PHASES, type Phase } from "../loop/record.ts";
import { checkSeed, type Edit, type RunSetup, setupAt } from "../loop/run.ts";
import { changesBetween } from "../recipes/changes.ts";
import { misfit } from "../recipes/fits.ts";
import { RECIPES, recipeById } from "../recipes/index.ts";
import { parseValue, type ResolvedRecipe, resolveRecipe, withChange } from "../recipes/recipe.ts";
import type { Command } from "../worker/protocol.ts";
import { isHideable } from "./workshop/layout.ts";

/** The place in a run to replay to, and how the page is to look there. */
export interface Place {
  /** Knobs turned on the way, in order. */
  readonly edits: readonly Edit[];
  /** Steps to run; 0 for the beginning. */
  readonly step: number;
  /** A phase of that step to look at. */
  readonly phase: Phase | undefined;
  /** Controls that are not shown. */
  readonly hidden: readonly string[];
  /** Large type, fewer panels. */
  readonly presenting: boolean;
  /** The stage gives way to the comparison of runs. */
  readonly comparing: boolean;
  readonly lesson: string | undefined;
}

export const BEGINNING: Place = {
  edits: [],
  step: 0,
  phase: undefined,
  hidden: [],
  presenting: false,
  comparing: false,
  lesson: undefined,
};

/** What the page's address asks for. */
export interface Start {
  readonly setup: RunSetup;
  readonly place: Place;
  readonly engine: Extract<Command, { type: "open" }>["engine"];
  /** A shipped recording to show in place of a run. */
  readonly recording: string | undefined;
  /** What could not be understood, in one sentence; the defaults stand in for it. */
  readonly problem: string | undefined;
}

export const DEFAULT_POLICY = "tiny";
export const DEFAULT_SEED = 7;
/** The shape of links; one of a later shape is refused as a whole. */
const VERSION = 1;
/** The most that a link may ask to be replayed or hidden. */
const MOST_STEPS = 2000;
const MOST_EDITS = 200;
const MOST_HIDDEN = 100;
const KNOWN = [
  ...["policy", "task", "level", "recipe", "seed", "engine", "weights", "set"],
  ...["v", "edit", "step", "phase", "hide", "present", "view", "lesson", "at", "recording"],
];

/**
 * Reads `?policy=nano&task=reverse&level=4&recipe=grpo&seed=7&engine=portable&set=sampler.groupSize=4`; `set` may come many times.
 * Never throws: what is wrong is left out and reported.
 */
export function readLink(query: string, policies: readonly string[]): Start {
  const asked = new URLSearchParams(query);
  const version = asked.get("v") ?? String(VERSION);
  // Of a link of another shape nothing can be trusted to mean what it seems to.
  const params = version === String(VERSION) ? asked : new URLSearchParams();
  const problems: string[] = [];
  if (params !== asked) problems.push(`version ${JSON.stringify(version)} of links, and this page reads version ${VERSION}`);
  const attempt = <T>(fallback: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      problems.push(error.message);
      return fallback;
    }
  };
  const refuse = (message: string): never => {
    throw new RecipeError(message);
  };

  for (const name of new Set(params.keys()))
    attempt(undefined, () => (KNOWN.includes(name) ? undefined : refuse(`it knows no ${JSON.stringify(name)}, only ${KNOWN.join(", ")}`)));
  let recipe: ResolvedRecipe = attempt(resolveRecipe(RECIPES[0]), () => resolveRecipe(recipeById(params.get("recipe") ?? RECIPES[0].id)));
  const change = (path: string, text: string) => {
    recipe = attempt(recipe, () => withChange(recipe, path, parseValue(recipe, path, text)));
  };
  const task = params.get("task");
  const level = params.get("level");
  if (task !== null) change("task", task);
  if (level !== null) change("task.level", level);
  for (const assignment of params.getAll("set")) {
    const at = assignment.indexOf("=");
    if (at < 0) problems.push(`set=${assignment} must read set=slot.param=value`);
    else change(assignment.slice(0, at), assignment.slice(at + 1));
  }
  const unfit = misfit(recipe);
  if (unfit !== undefined) {
    problems.push(unfit);
    recipe = resolveRecipe(recipeById(recipe.id));
  }
  const policy = attempt(DEFAULT_POLICY, () => {
    const asked = params.get("policy") ?? DEFAULT_POLICY;
    return policies.includes(asked) ? asked : refuse(`there is no policy ${JSON.stringify(asked)}; there are ${policies.join(", ")}`);
  });
  const seed = attempt(DEFAULT_SEED, () => {
    const text = params.get("seed") ?? String(DEFAULT_SEED);
    return checkSeed(/^\d+$/.test(text) ? Number(text) : text);
  });
  const engine = attempt<"auto" | "portable" | "webgpu">("auto", () => {
    const asked = params.get("engine") ?? "auto";
    return asked === "auto" || asked === "portable" || asked === "webgpu"
      ? asked
      : refuse(`there is no engine ${JSON.stringify(asked)}; there are auto, webgpu and portable`);
  });
  const weights = attempt("f32", () => {
    const asked = params.get("weights") ?? "f32";
    return asked === "f32" || asked === "f16" ? asked : refuse(`weights must be f32 or f16, got ${JSON.stringify(asked)}`);
  });
  const recording = attempt(undefined, () => {
    const id = params.get("recording");
    return id === null || /^[a-z0-9-]{1,80}$/.test(id) ? (id ?? undefined) : refuse(`no recording is called ${JSON.stringify(id)}`);
  });
  const setup = { recipe, policy, seed };
  const place = readPlace(params, setup, attempt, refuse);
  const problem = problems.length === 0 ? undefined : `This page’s address asks for what cannot be: ${inOneSentence(problems)}.`;
  return { setup, place, engine: weights === "f16" && engine !== "portable" ? "webgpu-f16" : engine, recording, problem };
}

function readPlace(
  params: URLSearchParams,
  setup: RunSetup,
  attempt: <T>(fallback: T, read: () => T) => T,
  refuse: (message: string) => never,
): Place {
  const whole = (name: string, text: string, least: number): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= MOST_STEPS
      ? value
      : refuse(`${name} must be a whole number from ${least} to ${MOST_STEPS}, got ${JSON.stringify(text)}`);
  };
  const list = (name: string, most: number): string[] => {
    const all = name === "hide" ? (params.get(name) ?? "").split(",").filter((part) => part !== "") : params.getAll(name);
    return attempt([], () => (all.length <= most ? all : refuse(`${name} has ${all.length} entries; at most ${most} are read`)));
  };
  let edits: readonly Edit[] = [];
  for (const text of list("edit", MOST_EDITS)) {
    edits = attempt(edits, () => {
      const [, at, path, value] = /^([^:]*):([^=]*)=(.*)$/s.exec(text) ?? refuse(`edit=${text} must read edit=step:slot.param=value`);
      const step = whole("the step of an edit", at, 1);
      const { recipe } = setupAt(setup, edits, step);
      const edit = { step, path, value: path === "seed" ? Number(value) : parseValue(recipe, path, value) };
      // It must fit where it stands, and leave those after it fitting.
      setupAt(setup, [...edits, edit], Number.POSITIVE_INFINITY);
      return [...edits, edit];
    });
  }
  const flag = (name: string) =>
    attempt(false, () => [null, "1"].includes(params.get(name)) || refuse(`${name} must be 1`)) && params.has(name);
  const choice = <T extends string>(name: string, known: readonly T[]): T | undefined =>
    attempt(undefined, () => {
      const text = params.get(name);
      if (text === null) return undefined;
      return known.find((one) => one === text) ?? refuse(`${name} must be one of ${known.join(", ")}, got ${JSON.stringify(text)}`);
    });
  const lesson = attempt(undefined, () => {
    const id = params.get("lesson");
    return id === null || /^[a-z0-9-]{1,80}$/.test(id) ? (id ?? undefined) : refuse(`no lesson is called ${JSON.stringify(id)}`);
  });
  return {
    edits,
    step: attempt(0, () => whole("step", params.get("step") ?? "0", 0)),
    phase: choice("phase", PHASES),
    hidden: list("hide", MOST_HIDDEN).filter((name) =>
      attempt(false, () => isHideable(name) || refuse(`there is nothing to hide that is called ${JSON.stringify(name)}`)),
    ),
    presenting: flag("present"),
    comparing: choice("view", ["compare"]) === "compare",
    lesson,
  };
}

/** The most that is told of a wrong address (characters of one problem, and problems). */
const MOST_LETTERS = 200;
const MOST_PROBLEMS = 8;

function inOneSentence(problems: readonly string[]): string {
  const told = problems.slice(0, MOST_PROBLEMS).map((p) => (p.length > MOST_LETTERS ? `${p.slice(0, MOST_LETTERS)}…` : p));
  const more = problems.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

/** The part of an address from `?` on that starts such a run: `readLink` reads it back. */
export function writeLink({ recipe, policy, seed }: RunSetup, place: Partial<Place> = {}): string {
  const params = new URLSearchParams({ policy, recipe: recipe.id });
  const changes = changesBetween(resolveRecipe(recipeById(recipe.id)), recipe);
  // Of the task, what a person would change by hand has names of its own.
  for (const name of ["task", "task.level"]) {
    const value = changes.find(([path]) => path === name)?.[1];
    if (value !== undefined) params.set(name.replace("task.", ""), String(value));
  }
  params.set("seed", String(seed));
  for (const [path, value] of changes) if (path !== "task" && path !== "task.level") params.append("set", `${path}=${value}`);
  const { edits, step, phase, hidden, presenting, comparing, lesson } = { ...BEGINNING, ...place };
  for (const edit of edits) params.append("edit", `${edit.step}:${edit.path}=${edit.value}`);
  if (step > 0) params.set("step", String(step));
  if (phase) params.set("phase", phase);
  if (hidden.length > 0) params.set("hide", hidden.join(","));
  if (presenting) params.set("present", "1");
  if (comparing) params.set("view", "compare");
  if (lesson !== undefined) params.set("lesson", lesson);
  // Readable where an address allows it.
  return `?${params.toString().replaceAll("%2C", ",").replaceAll("%3D", "=").replaceAll("%2F", "/").replaceAll("%3A", ":")}`;
}
