import { useEffect, useLayoutEffect, useRef, useState } from "react";

/** The colours of the theme, as a canvas needs them. */
export interface Palette {
  readonly ink: string;
  readonly dim: string;
  readonly line: string;
  readonly panel: string;
  readonly up: string;
  readonly down: string;
  readonly other: string;
}

function palette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim() || "#888";
  return {
    ink: read("--ink"),
    dim: read("--dim"),
    line: read("--line"),
    panel: read("--panel"),
    up: read("--blue-fill"),
    down: read("--orange-fill"),
    other: read("--violet-fill"),
  };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A canvas as large as its box, sharp on dense screens, drawn again when what it shows, its size or the theme changes. */
export function useCanvas(draw: (context: CanvasRenderingContext2D, size: Size, colours: Palette) => void) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [theme, setTheme] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setSize({ width: Math.floor(contentRect.width), height: Math.floor(contentRect.height) }),
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const changed = () => setTheme((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    // A theme may also be chosen on the page itself.
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributes: true });
    return () => {
      dark.removeEventListener("change", changed);
      observer.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read while drawing
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || size.width === 0) return;
    const density = devicePixelRatio || 1;
    canvas.current!.width = size.width * density;
    canvas.current!.height = size.height * density;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.font = '13px "Playground Sans", "Segoe UI", system-ui, sans-serif';
    draw(context, size, palette(canvas.current!));
  }, [draw, size, theme]);
  return { box, canvas, size };
}
