import { parseArgs } from "node:util";
import { evaluatePolicy } from "../loop/evaluate.ts";
import { TASKS } from "../tasks/index.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { loadPolicyFolder } from "./policies.ts";
import { integerFlag, numberFlag, UsageError } from "./usage.ts";

const OPTIONS = {
  policy: { type: "string" },
  task: { type: "string" },
  level: { type: "string" },
  k: { type: "string", default: "1,8,64" },
  n: { type: "string", default: "64" },
  problems: { type: "string", default: "64" },
  temperature: { type: "string", default: "1" },
  engine: { type: "string", default: "portable" },
  seed: { type: "string", default: "0" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const HELP = `usage: rlvr eval --policy P --task T [flags]

  --policy P           shipped policy or folder
  --task T             task
  --level L            level of the task (its default)
  --k 1,8,64           for which k to estimate pass@k
  --n N                samples a problem, at least the largest k (64)
  --problems N         held-out problems (64)
  --temperature X      sampling temperature (1)
  --engine E           portable, webgpu, or auto: the GPU if there is one (portable)
  --seed S             decides problems and draws (0)
  --json               print one JSON object`;

/**
 * `rlvr eval`: pass@k of a policy on held-out problems.
 * `--n` is the number of samples a problem (at least the largest k), `--problems` how many problems.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!values.policy) throw new UsageError("eval needs --policy, an id or a folder");
  if (!values.task) throw new UsageError("eval needs --task");
  const task = TASKS.find(({ id }) => id === values.task);
  if (!task) throw new UsageError(`there is no task ${JSON.stringify(values.task)}; tasks are ${TASKS.map(({ id }) => id).join(", ")}`);
  const level = values.level ?? task.defaultLevel;
  if (!task.levels.some(({ id }) => id === level)) {
    throw new UsageError(`task ${task.id} has no level ${JSON.stringify(level)}; it has ${task.levels.map(({ id }) => id).join(", ")}`);
  }
  const samples = integerFlag("n", values.n, 1, 4096);
  const problems = integerFlag("problems", values.problems, 1, 65536);
  const ks = [...new Set(values.k.split(",").map((k) => integerFlag("k", k, 1, samples)))].sort((a, b) => a - b);
  const temperature = numberFlag("temperature", values.temperature, 0.01, 100);
  const seed = integerFlag("seed", values.seed, 0, 2 ** 32 - 1);
  const { config, theta } = await loadPolicyFolder(values.policy);
  const engine = await engineByName(values.engine);
  try {
    const policy = await engine.load(config, theta);
    const result = await evaluatePolicy(policy, task, level, { problems, samples, temperature, seed, ks });
    await failOnEngineErrors(engine);
    if (values.json) {
      console.log(JSON.stringify({ policy: values.policy, task: task.id, level, temperature, seed, engine: engine.label, ...result }));
      return;
    }
    const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
    console.log(
      `${values.policy} on ${task.id}, level ${level}: ${problems} held-out problems × ${samples} samples, temperature ${temperature}, seed ${seed}`,
    );
    for (const k of ks) console.log(`pass@${k}`.padEnd(24), percent(result.passAtK[k]));
    console.log("well-formed".padEnd(24), percent(result.wellFormed));
    console.log("right when well-formed".padEnd(24), percent(result.accuracyWhenWellFormed));
    console.log("mean length".padEnd(24), `${result.meanLength.toFixed(2)} tokens`);
    console.log("entropy".padEnd(24), `${result.entropy.toFixed(3)} nats a token`);
    policy.dispose();
  } finally {
    engine.dispose();
  }
}
