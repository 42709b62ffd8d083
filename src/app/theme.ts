/**
 * Light or dark: as the system says until somebody chooses, then as chosen, on later visits and in all tabs too. index.html puts the theme
 * on the root element before anything is drawn; here every page follows what changes it.
 */

export type Theme = "light" | "dark";

const KEY = "rlvr-theme";
const DARK = "(prefers-color-scheme: dark)";

const ofSystem = (): Theme => (matchMedia(DARK).matches ? "dark" : "light");

/** Chosen on this page, where nothing can be remembered. */
let here: Theme | undefined;
const listeners = new Set<() => void>();

function chosen(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : here;
  } catch {
    return here;
  }
}

export const currentTheme = (): Theme => chosen() ?? ofSystem();

/** What the system wants anyway need not be remembered. */
export function chooseTheme(theme: Theme): void {
  here = undefined;
  try {
    if (theme === ofSystem()) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
    here = theme;
  }
  for (const listener of listeners) listener();
}

/** Calls when the theme may have changed: by hand here or in another tab, or by the system. @returns what ends it. */
export function onTheme(listener: () => void): () => void {
  const system = matchMedia(DARK);
  listeners.add(listener);
  system.addEventListener("change", listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
    window.removeEventListener("storage", listener);
  };
}

/** Keeps the root element in the current theme, on every page. @returns what ends it. */
export function followTheme(): () => void {
  const put = () => {
    document.documentElement.dataset.theme = currentTheme();
  };
  put();
  return onTheme(put);
}
