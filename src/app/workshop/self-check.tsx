import { useEffect, useState } from "react";
import type { Command, Event } from "../../worker/protocol.ts";
import { download } from "../download.ts";
import { readLink } from "../link.ts";
import "./workshop.css";

/** `?selfcheck`: whether this machine can take part, to be sent round before the day. */

interface Finding {
  readonly name: string;
  /** Undefined while it is being looked at. */
  readonly state: "good" | "fair" | "bad" | undefined;
  readonly found: string;
}

/** A check gives its finding, or throws with a sentence. */
interface Check {
  readonly name: string;
  readonly run: () => Promise<Omit<Finding, "name">>;
}

const good = (found: string) => ({ state: "good" as const, found });
const fair = (found: string) => ({ state: "fair" as const, found });
const bad = (found: string) => ({ state: "bad" as const, found });

const CHECKS: readonly Check[] = [
  {
    name: "Secure and isolated",
    async run() {
      if (!isSecureContext)
        return bad("This page came over plain http: browsers hide the GPU from it. Open it over https or on localhost.");
      return crossOriginIsolated
        ? good("secure, isolated: several threads may compute")
        : fair("secure but not isolated: only one thread computes. Load the page once more.");
    },
  },
  {
    name: "GPU",
    async run() {
      if (!navigator.gpu) return fair("This browser has no WebGPU; the portable engine works instead, more slowly.");
      const adapter = await navigator.gpu.requestAdapter();
      if (!adapter) return fair("WebGPU is there, but no GPU for it; the portable engine works instead, more slowly.");
      const { vendor, architecture, description } = adapter.info;
      const extras = ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature as GPUFeatureName));
      const name = [vendor, architecture, description].filter(Boolean).join(" ") || "unnamed";
      return good(`${name}${extras.length > 0 ? ` (${extras.join(", ")})` : ""}`);
    },
  },
  { name: "Training speed", run: measureSpeed },
  {
    name: "Storage",
    async run() {
      await writeAndRead();
      const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
      const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
      const room = quota - usage;
      const text = `works; ${megabytes(usage)} used, ${megabytes(room)} free`;
      return room > 300e6 ? good(text) : fair(`${text}: long runs may not be kept`);
    },
  },
  {
    name: "Offline",
    async run() {
      if (!("serviceWorker" in navigator)) return fair("This browser or window keeps no pages for offline use.");
      const registration = await Promise.race([
        navigator.serviceWorker.ready,
        new Promise<undefined>((resolve) => setTimeout(resolve, 8000, undefined)),
      ]);
      if (!registration?.active) return fair("The page is not kept for offline use: visit the playground once with a network.");
      return navigator.serviceWorker.controller
        ? good("the page is kept for offline use")
        : fair("the page will be kept for offline use once it has been loaded again");
    },
  },
];

/** A few real steps of the smallest policy in the page's own worker. */
function measureSpeed(): Promise<Omit<Finding, "name">> {
  const STEPS = 4;
  const worker = new Worker(new URL("../../worker/worker.ts", import.meta.url), { type: "module" });
  const send = (command: Command) => worker.postMessage(command);
  let label = "";
  let note = "";
  const speeds: number[] = [];
  return new Promise<Omit<Finding, "name">>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`After a minute ${speeds.length} of ${STEPS} steps were done.`)), 60_000);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`The part of the page that computes stopped working${event.message ? ` (${event.message})` : ""}.`));
    };
    worker.onmessage = ({ data }: MessageEvent<Event>) => {
      if (data.type === "engine") {
        label = data.engine.label;
        note = data.engine.note ?? "";
      } else if (data.type === "error") reject(new Error(data.message));
      else if (data.type === "step") {
        speeds.push(data.metrics.tokens_per_second);
        if (speeds.length < STEPS) return;
        clearTimeout(timer);
        // The first step also compiles.
        const speed = Math.round(speeds.slice(1).reduce((a, b) => a + b, 0) / (STEPS - 1));
        const text = `${speed} tokens a second while training, on ${label}.${note ? ` ${note}` : ""}`;
        resolve(
          speed >= 2000
            ? good(text)
            : speed >= 200
              ? fair(`${text} Small policies and short answers will do.`)
              : bad(`${text} Too slow to train along; watch another screen.`),
        );
      }
    };
    send({ type: "open", policiesUrl: new URL("policies/", document.baseURI).href, engine: "auto" });
    const { setup } = readLink("?policy=nano&task=reverse&level=4&set=evaluation.every=0", ["nano"]);
    send({ type: "start", setup });
    send({ type: "step", count: STEPS });
  }).finally(() => worker.terminate());
}

/** Writes to IndexedDB and reads it back. @throws Error with a sentence if that fails. */
async function writeAndRead(): Promise<void> {
  const NAME = "rlvr-playground-check";
  const request = <T,>(made: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      made.onsuccess = () => resolve(made.result);
      made.onerror = () => reject(made.error);
    });
  try {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("check");
    const db = await request(opening);
    await request(db.transaction("check", "readwrite").objectStore("check").put(42, "answer"));
    const answer = await request(db.transaction("check").objectStore("check").get("answer"));
    db.close();
    indexedDB.deleteDatabase(NAME);
    if (answer !== 42) throw new Error("what was written did not come back");
  } catch (error) {
    throw new Error(`Runs cannot be kept in this window (${error instanceof Error ? error.message : error}); all else works.`);
  }
}

const SIGNS = { good: "✓", fair: "–", bad: "✗" } as const;

const asText = (findings: readonly Finding[]) =>
  [
    `RLVR Playground self-check, ${location.host}`,
    ...findings.map(({ name, state, found }) => `${state ? SIGNS[state] : "…"} ${name}: ${found}`),
    `  Browser: ${navigator.userAgent}`,
    `  Cores: ${navigator.hardwareConcurrency}, screen ${screen.width} × ${screen.height}, page ${innerWidth} × ${innerHeight}`,
  ].join("\n");

export default function SelfCheck() {
  const [findings, setFindings] = useState<readonly Finding[]>(() =>
    CHECKS.map(({ name }) => ({ name, state: undefined, found: "looking…" })),
  );
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    let gone = false;
    void (async () => {
      // One after another: the engine is to be measured alone.
      for (const { name, run } of CHECKS) {
        const finding = await run().catch((error) => bad(error instanceof Error ? error.message : String(error)));
        if (gone) return;
        setFindings((all) => all.map((one) => (one.name === name ? { name, ...finding } : one)));
      }
    })();
    return () => {
      gone = true;
    };
  }, []);
  const done = findings.every(({ state }) => state !== undefined);
  const worst = findings.some(({ state }) => state === "bad") ? "bad" : findings.some(({ state }) => state === "fair") ? "fair" : "good";
  const verdict = {
    good: "This machine is ready.",
    fair: "This machine can take part; see the lines with a dash.",
    bad: "Something is in the way; see the lines with a cross.",
  };
  const text = asText(findings);
  return (
    <main className="sheet">
      <h1>Is this machine ready?</h1>
      <p>The playground trains a small language model in this browser. This page tries what it needs; nothing leaves your machine.</p>
      <ul className="check-list" aria-live="polite">
        {findings.map(({ name, state, found }) => (
          <li key={name} className={state ?? "open"}>
            <span aria-hidden="true">{state ? SIGNS[state] : "…"}</span>
            <b>{name}</b>
            <span>{found}</span>
          </li>
        ))}
      </ul>
      <p className="verdict-line">
        <b>{done ? verdict[worst] : "Looking…"}</b>
      </p>
      {findings.some(({ name, state }) => name === "Training speed" && state === "bad") && (
        <p>
          Training is too slow here; <a href="./?recording=reverse">a recording of a real run</a> shows all of it without training.
        </p>
      )}
      <textarea readOnly rows={9} value={text} aria-label="The result as text" onFocus={(event) => event.target.select()} />
      <div className="buttons">
        <button
          type="button"
          className="primary"
          disabled={!done}
          onClick={() =>
            void navigator.clipboard.writeText(text).then(
              () => setCopied(true),
              () => document.querySelector("textarea")?.select(),
            )
          }
        >
          {copied ? "Copied" : "Copy the result"}
        </button>
        <button type="button" disabled={!done} onClick={() => download("self-check.txt", "text/plain", text)}>
          Save it
        </button>
        <a className="button" href="./">
          To the playground
        </a>
      </div>
    </main>
  );
}
