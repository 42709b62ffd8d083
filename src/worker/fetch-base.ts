import type { Base } from "../loop/run.ts";
import { importHuggingFace } from "../policy/checkpoint.ts";

/**
 * A shipped policy's weights from the site.
 * @param policiesUrl absolute, with a slash at its end.
 * @throws Error with one sentence if there is no such policy, or it did not arrive.
 */
export async function fetchBase(policiesUrl: string, policy: string): Promise<Base> {
  const folder = new URL(`${encodeURIComponent(policy)}/`, policiesUrl);
  const names = ["config.json", "model.safetensors", "tokenizer.json"];
  const files = await Promise.all(
    names.map(async (name) => {
      const response = await fetch(new URL(name, folder)).catch(() => {
        throw new Error(`The policy ${policy} could not be loaded: ${name} did not arrive. Check the connection and reload.`);
      });
      if (!response.ok) throw new Error(`There is no policy ${policy} here: ${name} was answered with ${response.status}.`);
      return [name, new Uint8Array(await response.arrayBuffer())] as const;
    }),
  );
  return importHuggingFace(Object.fromEntries(files));
}
