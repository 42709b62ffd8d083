import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PolicyCard, PolicyIndex } from "../loop/card.ts";
import { CheckpointError, importHuggingFace } from "../policy/checkpoint.ts";
import { readCheckpointFolder } from "../policy/checkpoint-folder.ts";
import type { PolicyConfig } from "../policy/config.ts";
import { UsageError } from "./usage.ts";

/** The policies that ship. */
export const POLICIES_FOLDER = fileURLToPath(new URL("../../public/policies", import.meta.url));

export interface LoadedPolicy {
  readonly config: PolicyConfig;
  readonly theta: Float32Array;
  readonly card?: PolicyCard;
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UsageError(`${path} is not JSON`);
  }
}

/** The policies that ship, smallest first: what `index.json` says of them. */
export async function shippedPolicies(): Promise<({ about: string } & PolicyIndex["policies"][number])[]> {
  const index = await readJson<PolicyIndex>(join(POLICIES_FOLDER, "index.json"));
  return (index?.policies ?? []).map((policy) => ({
    ...policy,
    about: `${policy.parameters.toLocaleString("en")} parameters, ${policy.config.layers} layers of width ${policy.config.hiddenSize}`,
  }));
}

/**
 * A policy that ships, by its id, or any Hugging Face folder of ours.
 * @throws UsageError if there is none, or it is broken.
 */
export async function loadPolicyFolder(idOrPath: string): Promise<LoadedPolicy> {
  const ids = (await shippedPolicies()).map(({ id }) => id);
  const folder = ids.includes(idOrPath) ? join(POLICIES_FOLDER, idOrPath) : idOrPath;
  if (!(await isFolder(folder))) {
    throw new UsageError(`there is no policy ${JSON.stringify(idOrPath)}; give a folder, or one of ${ids.join(", ")}`);
  }
  try {
    const checkpoint = importHuggingFace(await readCheckpointFolder(folder));
    return { ...checkpoint, card: await readJson<PolicyCard>(join(folder, "card.json")) };
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof RangeError) throw new UsageError(`policy ${idOrPath}: ${error.message}`);
    throw error;
  }
}

/** Writes `index.json` from the cards of the folders beside it, smallest policy first. */
export async function writeIndex(folder: string): Promise<void> {
  const policies: PolicyIndex["policies"][number][] = [];
  for (const name of await readdir(folder)) {
    const card = await readJson<PolicyCard>(join(folder, name, "card.json"));
    if (!card) continue;
    const { config } = await loadPolicyFolder(join(folder, name));
    const files = (await readdir(join(folder, name))).sort();
    policies.push({ id: name, name: card.name, size: card.size, parameters: card.parameters, config, files });
  }
  policies.sort((a, b) => a.parameters - b.parameters);
  await writeFile(join(folder, "index.json"), `${JSON.stringify({ policies } satisfies PolicyIndex, null, 2)}\n`);
}
