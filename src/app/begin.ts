import { start } from "./actions.ts";
import { readLink } from "./link.ts";
import { showShipped } from "./recording/open.ts";
import { notify, type ShippedPolicy, usePage } from "./state.ts";
import { openWorker, planWorker } from "./worker-client.ts";
import { arrive } from "./workshop/replay.tsx";

/** Opens the worker and starts the run that the page's address asks for. */
export async function begin(): Promise<void> {
  const policiesUrl = new URL("policies/", document.baseURI).href;
  // Whatever policies there are: so the engine starts while their list is on its way.
  const { engine, recording } = readLink(location.search, []);
  const { deviceMemory } = navigator as Navigator & { readonly deviceMemory?: number };
  const open = { type: "open", policiesUrl, engine, ...(deviceMemory ? { deviceMemory } : {}) } as const;
  // A recording needs no worker.
  if (recording === undefined) openWorker(open);
  else planWorker(open);
  let policies: readonly ShippedPolicy[];
  try {
    const response = await fetch(new URL("index.json", policiesUrl));
    if (!response.ok) throw new Error(`status ${response.status}`);
    policies = ((await response.json()) as { policies: ShippedPolicy[] }).policies;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    usePage.setState({
      fatal: `The list of policies did not arrive (${detail}). Check the connection and reload the page.`,
      progress: undefined,
    });
    return;
  }
  usePage.setState({ policies });
  const { setup, place, problem } = readLink(
    location.search,
    policies.map((policy) => policy.id),
  );
  if (problem) notify("error", problem);
  if (recording !== undefined && (await showShipped(recording))) return;
  start(setup, place.edits);
  arrive(place);
}
