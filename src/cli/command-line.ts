import { inputProblem, UsageError } from "./usage.ts";

/** The command line: `rlvr COMMAND …`. Each command lives in a file of its own and is loaded when asked for. */

const COMMANDS: Readonly<Record<string, { readonly what: string; readonly load: () => Promise<{ run(args: string[]): Promise<void> }> }>> =
  {
    train: { what: "train a policy with a recipe", load: () => import("./train.ts") },
    eval: { what: "measure pass@k on held-out problems", load: () => import("./eval.ts") },
    score: { what: "log-probs and entropies of given text", load: () => import("./score.ts") },
    golden: { what: "recompute a golden file and report the errors", load: () => import("./golden.ts") },
    claim: { what: "check a recipe's claim against its baseline", load: () => import("./claim.ts") },
    list: { what: "recipes, tasks, policies or plugins", load: () => import("./list.ts") },
    show: { what: "a recipe, with its difference from GRPO", load: () => import("./show.ts") },
    bench: { what: "time the engines", load: () => import("./bench.ts") },
    pretrain: { what: "make a base policy", load: () => import("./pretrain.ts") },
    export: { what: "write a policy as a Hugging Face folder or ONNX model", load: () => import("./export.ts") },
  };

const HELP = `usage: npm run -s rlvr -- COMMAND …

${Object.entries(COMMANDS)
  .map(([name, { what }]) => `  ${name.padEnd(9)} ${what}`)
  .join("\n")}

COMMAND --help tells its flags.`;

/**
 * `--seed -1` as `--seed=-1`, so that the flag's own check can say what is wrong with the value; `parseArgs` would take it for a flag.
 */
function joinNegative(args: readonly string[]): string[] {
  return args.reduce<string[]>((joined, arg) => {
    const before = joined.at(-1);
    if (before && /^-[\d.]/.test(arg) && /^--[^=]+$/.test(before)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
    return joined;
  }, []);
}

async function dispatch([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined) throw new UsageError("say which command; --help lists them");
  if (name === "--help" || name === "-h" || name === "help") {
    console.log(HELP);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`there is no command ${JSON.stringify(name)}; there are ${Object.keys(COMMANDS).join(", ")}`);
  await (await command.load()).run(joinNegative(args));
}

/** Runs a command; returns the exit status: 0, or 2 after one line on standard error about bad input, or 1 after a fault of ours. */
export async function commandLine(args: readonly string[]): Promise<number> {
  try {
    await dispatch(args);
    return 0;
  } catch (error) {
    const problem = inputProblem(error);
    console.error(problem === undefined ? error : `rlvr: ${problem}`);
    return problem === undefined ? 1 : 2;
  }
}
