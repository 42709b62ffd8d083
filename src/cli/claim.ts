import { UsageError } from "./usage.ts";

/** Claims are part of the atlas, which is not built yet; the command exists so that it can say so. */
export async function run(): Promise<void> {
  throw new UsageError("claim is not built yet: no recipe has a claim to check so far");
}
