import type { Metrics } from "../../loop/record.ts";
import { csv } from "../compare/tried.ts";
import type { ChartSpec, Overlay } from "./series.ts";

/** Charts as files: what is on the screen as SVG or PNG, the numbers behind it as CSV. */

/** Room above the picture for its title and the lines' names. */
const HEAD = 34;
/** Pixels of a PNG for each on the screen. */
const SHARP = 3;

/** A name in a picture. */
export interface Named {
  readonly name: string;
  readonly colour: string;
}

/** A drawn chart as a file of its own: colours as they are now, a background, a title and the lines' names. */
export function svgFile(drawn: SVGSVGElement, title: string, names: readonly Named[]): string {
  const { width, height } = drawn.getBoundingClientRect();
  const style = getComputedStyle(document.documentElement);
  const plain = (value: string) => value.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim() || "#000000");
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      if (value.includes("var(")) element.setAttribute(name, plain(value));
      // Classes and styles belong to the page.
      if (name === "class" || name === "style") element.removeAttribute(name);
    }
  }
  copy.setAttribute("y", String(HEAD));
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const text = (content: string) => content.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const legend = names.map(({ name, colour }) => `<tspan fill="${plain(colour)}" dx="10">${text(name)}</tspan>`).join("");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + HEAD}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${text(title)}</title>`,
    `<rect width="100%" height="100%" fill="${plain("var(--panel)")}"/>`,
    `<text x="8" y="20" font-size="13" font-weight="600" fill="${plain("var(--ink)")}">${text(title)}`,
    `<tspan font-weight="400">${legend}</tspan></text>`,
    new XMLSerializer().serializeToString(copy),
    "</svg>",
  ].join("");
}

/** @throws Error if the browser cannot draw it. */
export async function pngFile(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * SHARP;
  canvas.height = image.height * SHARP;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be drawn."))), "image/png"),
  );
}

type OfRun = Overlay & { readonly run: string };

/** Every step's numbers of a chart's lines, of the run on screen and of the pinned ones; nothing is averaged. */
export function numbersOf(spec: ChartSpec, history: readonly Metrics[], start: Metrics, overlays: readonly OfRun[]) {
  const columns = [
    ...spec.lines.map(({ metric }) => ({ head: metric, metric, of: [{ ...start, step: 0 }, ...history] as readonly Metrics[] })),
    ...overlays.map(({ metric, run, history: of }) => ({ head: `${metric} (${run})`, metric, of })),
  ];
  const steps = [...new Set(columns.flatMap(({ metric, of }) => of.flatMap((m) => (metric in m ? [m.step] : []))))].sort((a, b) => a - b);
  const at = columns.map(({ metric, of }) => new Map(of.flatMap((m) => (metric in m ? [[m.step, m[metric]] as const] : []))));
  return {
    heads: ["step", ...columns.map(({ head }) => head)],
    rows: steps.map((step) => [step, ...at.map((column) => column.get(step))]),
  };
}

/** The same as a file. */
export function csvFile(spec: ChartSpec, history: readonly Metrics[], start: Metrics, overlays: readonly OfRun[]): string {
  const { heads, rows } = numbersOf(spec, history, start, overlays);
  return csv([heads, ...rows]);
}
