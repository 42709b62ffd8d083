import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { chooseTheme, currentTheme, followTheme } from "./theme.ts";

/** The system's wish, which can change. */
let dark: boolean;
const watching = new Set<() => void>();
let stop: () => void;
const root = () => document.documentElement.dataset.theme;
const system = (wants: boolean) => {
  dark = wants;
  for (const listener of watching) listener();
};

beforeEach(() => {
  dark = false;
  localStorage.clear();
  vi.stubGlobal("matchMedia", () => ({
    get matches() {
      return dark;
    },
    addEventListener: (_: string, listener: () => void) => watching.add(listener),
    removeEventListener: (_: string, listener: () => void) => watching.delete(listener),
  }));
  stop = followTheme();
});
afterEach(() => {
  stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("follows the system until somebody chooses", () => {
  expect(root()).toBe("light");
  system(true);
  expect(root()).toBe("dark");
  chooseTheme("light");
  expect(root()).toBe("light");
  system(false);
  system(true);
  expect(root()).toBe("light");
  chooseTheme("dark");
  expect(localStorage.length).toBe(0);
  system(false);
  expect(root()).toBe("light");
});

it("follows a choice in another tab", () => {
  localStorage.setItem("rlvr-theme", "dark");
  window.dispatchEvent(new Event("storage"));
  expect(root()).toBe("dark");
  stop();
  localStorage.clear();
  window.dispatchEvent(new Event("storage"));
  expect(root()).toBe("dark");
  expect(watching.size).toBe(0);
});

it("holds a choice that cannot be remembered until the page is left", () => {
  vi.stubGlobal("localStorage", {
    getItem: () => {
      throw new Error("blocked");
    },
    setItem: () => {
      throw new Error("blocked");
    },
  });
  chooseTheme("dark");
  expect(currentTheme()).toBe("dark");
  expect(root()).toBe("dark");
});
