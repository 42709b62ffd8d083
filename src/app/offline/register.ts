/**
 * Brings in the service worker, before anything else of the page runs. Where the host does not isolate the page, the worker does, from the
 * next load on: so the page loads once more before it begins. On `<html>`, `data-offline="ready"` tells that everything is kept. That is
 * begun when the page says that it has what it needs itself (`settled`), because what is kept for later should not share the line with it.
 */

/** Marks that this tab has loaded again for isolation's sake; where that did not help, once is enough. */
const MARK = "rlvr-loaded-for-isolation";
/** The longest that the page waits for the worker before it begins without isolation (milliseconds). */
const PATIENCE = 10_000;
/** The longest that files for later visits wait for what the page needs now (milliseconds). */
const LATEST = 30_000;

/** The page's to call, once. */
export let settled: () => void;
const calm = new Promise<void>((resolve) => {
  settled = resolve;
});

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  if (crossOriginIsolated) {
    mark(false);
    void keep();
  } else {
    const leaving = mark(true) && (await Promise.race([inControl(), new Promise((resolve) => setTimeout(resolve, PATIENCE, false))]));
    if (leaving) {
      location.reload();
      // What follows is for the page to come.
      await new Promise(() => {});
    }
    void keep();
  }
}

/** Sets or clears the mark. @returns whether that changed anything; false too where the browser keeps nothing */
function mark(set: boolean): boolean {
  try {
    const before = sessionStorage.getItem(MARK) !== null;
    if (set) sessionStorage.setItem(MARK, "1");
    else sessionStorage.removeItem(MARK);
    return before !== set;
  } catch {
    return false;
  }
}

/** The registration, or nothing where the browser refuses (a private window, a certificate that it does not trust). */
function register(): Promise<ServiceWorkerRegistration | undefined> {
  return navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI)).catch(() => undefined);
}

/** Resolves once requests of the page, loaded anew, go through the worker; to false if they never will. */
async function inControl(): Promise<boolean> {
  const controlled = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  const registration = await register();
  // A page loaded past its worker (a forced reload) has an active one that does not control it.
  if (registration && !registration.active) await controlled;
  return registration !== undefined;
}

/** Has the worker keep all files for visits without a network. */
async function keep(): Promise<void> {
  await Promise.race([calm, new Promise((resolve) => setTimeout(resolve, LATEST))]);
  if (!(await register())) return;
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ kept: boolean }>) => {
    if (data.kept) document.documentElement.dataset.offline = "ready";
  });
  (await navigator.serviceWorker.ready).active?.postMessage("keep");
}
