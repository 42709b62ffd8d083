/// <reference lib="webworker" />

/**
 * The page's service worker. It keeps all files of the build, so that the page works without a network after its first visit, and it adds
 * the headers that make a page cross-origin isolated, for hosts that cannot be told to.
 *
 * Files in assets/ carry a hash of their content in their names, so a kept one is as good as the network's. All others (the page itself,
 * the policies) come from the network while there is one, so nobody is left with an old page. Recordings are kept once they are used.
 */

// Makes this file a module of its own, whose `self` is not the page's.
export {};

declare const self: ServiceWorkerGlobalScope;

/** Every file of the build with a digest of its content, small ones first. The build puts it here. */
declare const __FILES__: Readonly<Record<string, string>>;
const FILES = __FILES__;

const SCOPE = self.registration.scope;
/** Several copies of the page may live under one origin. */
const CACHE = `rlvr-playground ${SCOPE}`;
/** With a kept copy at hand, how long the network may take to begin its answer (milliseconds). */
const PATIENCE = 5000;

const lasting = (name: string) => name.startsWith("assets/");
const onlyOnUse = (name: string) => name.startsWith("recordings/");
const keyOf = (name: string) => new URL(`${name}?${FILES[name]}`, SCOPE).href;

self.addEventListener("install", (event) => {
  // The first one takes over at once, so that the page is isolated before it does any work. A later one waits until the tabs with the
  // page before it are closed, because they may still need files of theirs; it is complete before it can take over.
  if (!self.registration.active) void self.skipWaiting();
  else event.waitUntil(keepAll());
});

self.addEventListener("activate", (event) =>
  // The page itself is asked for while the worker starts, where the browser can do that.
  event.waitUntil(Promise.all([self.clients.claim(), forgetOthers(), self.registration.navigationPreload?.enable()])),
);

/** A page that has loaded asks for everything to be kept, and is told whether it is. */
self.addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  const reply = (kept: boolean) => event.source?.postMessage({ kept });
  event.waitUntil(
    keepAll().then(
      () => reply(true),
      () => reply(false),
    ),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(SCOPE)) return;
  const preloaded: Promise<Response | undefined> = event.preloadResponse;
  // It may still be on its way when a kept copy was the answer.
  event.waitUntil(preloaded.catch(() => {}));
  event.respondWith(answer(request, async () => (await preloaded) ?? fetch(request)));
});

async function answer(request: Request, fromNetwork: () => Promise<Response>): Promise<Response> {
  const name = new URL(request.url).pathname.slice(new URL(SCOPE).pathname.length) || "index.html";
  const kept = Object.hasOwn(FILES, name) ? await (await caches.open(CACHE)).match(keyOf(name)) : undefined;
  if (kept && lasting(name)) return (name.endsWith(".wasm") && (await compiled(request))) || isolated(kept);
  if (!kept) {
    const response = await fromNetwork();
    // What cannot be stored is shown all the same.
    if (response.ok && Object.hasOwn(FILES, name) && onlyOnUse(name)) {
      const copy = response.clone();
      await caches
        .open(CACHE)
        .then(
          (cache) => cache.put(keyOf(name), copy),
          () => {},
        )
        .catch(() => {});
    }
    return isolated(response);
  }
  const late = new Promise<Response>((resolve) => setTimeout(resolve, PATIENCE, kept));
  const response = await Promise.race([fromNetwork(), late]).catch(() => kept);
  return isolated(response.status >= 500 ? kept : response);
}

const ISOLATING = "require-corp";
const isolates = (response: Response) => response.headers.get("Cross-Origin-Embedder-Policy") === ISOLATING;

/**
 * The browser's own copy, if it still has one. What it compiled at the first visit belongs to that: from ours, WebAssembly would be compiled
 * once more at the second.
 */
async function compiled(request: Request): Promise<Response | undefined> {
  const own = await fetch(new Request(request, { mode: "same-origin", cache: "only-if-cached" })).catch(() => undefined);
  return own?.ok && isolates(own) ? own : undefined;
}

/** The same answer with the headers for cross-origin isolation. */
function isolated(response: Response): Response {
  // A redirect is the browser's to follow; it cannot be read here.
  if (response.type === "opaqueredirect") return response;
  // With an answer of its own the browser keeps what it compiled from it; a new one would be compiled at every visit.
  if (isolates(response)) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", ISOLATING);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

let keeping: Promise<void> | undefined;

/** Keeps every file of the build that is not kept yet, but for recordings. @throws Error if one cannot be had or stored. */
function keepAll(): Promise<void> {
  keeping ??= (async () => {
    const cache = await caches.open(CACHE);
    for (const name of Object.keys(FILES)) {
      if (onlyOnUse(name) || (await cache.match(keyOf(name)))) continue;
      const response = await fetch(new URL(name, SCOPE), { cache: lasting(name) ? "default" : "no-cache" });
      if (!response.ok) throw new Error(`${name}: ${response.status}`);
      await cache.put(keyOf(name), isolated(response));
    }
  })().finally(() => {
    keeping = undefined;
  });
  return keeping;
}

/** Drops the files of earlier builds. */
async function forgetOthers(): Promise<void> {
  const cache = await caches.open(CACHE);
  const ours = new Set(Object.keys(FILES).map(keyOf));
  for (const { url } of await cache.keys()) if (!ours.has(url)) await cache.delete(url);
}
