import { useSyncExternalStore } from "react";
import { Icon } from "./icons.tsx";
import { chooseTheme, currentTheme, onTheme } from "./theme.ts";

export function ThemeToggle() {
  const theme = useSyncExternalStore(onTheme, currentTheme);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="quiet theme-toggle"
      aria-label={`Change to ${other} colours`}
      data-tip={`Change to ${other} colours`}
      onClick={() => chooseTheme(other)}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} size={18} />
    </button>
  );
}
