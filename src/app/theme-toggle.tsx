import { useEffect, useState } from "react";
import { Icon } from "./icons.tsx";

/**
 * Light or dark: as the system says until somebody chooses, then as chosen, on later visits too. index.html puts the theme on the root element
 * before anything is drawn; here it is changed.
 */

type Theme = "light" | "dark";

const KEY = "rlvr-theme";
const DARK = "(prefers-color-scheme: dark)";

const ofSystem = (): Theme => (matchMedia(DARK).matches ? "dark" : "light");

function chosen(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** What the system wants anyway need not be remembered. */
function choose(theme: Theme): void {
  try {
    if (theme === ofSystem()) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
  }
}

export function ThemeToggle() {
  const [theme, setTheme] = useState<Theme>(() => chosen() ?? ofSystem());
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    const system = matchMedia(DARK);
    const follow = () => setTheme(chosen() ?? ofSystem());
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="quiet theme-toggle"
      aria-label={`Change to ${other} colours`}
      data-tip={`Change to ${other} colours`}
      onClick={() => {
        choose(other);
        setTheme(other);
      }}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} size={18} />
    </button>
  );
}
