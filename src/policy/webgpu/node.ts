import { existsSync } from "node:fs";
import { EngineError } from "../engine.ts";
import { createWebgpuEngine, type WebgpuEngine, type WebgpuOptions } from "./engine.ts";

/** Software Vulkan drivers, for machines without a GPU's own: Mesa's lavapipe, then the SwiftShader that comes with Chromium. */
const SOFTWARE_DRIVERS = [
  "/usr/share/vulkan/icd.d/lvp_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json",
  "/usr/lib/chromium/vk_swiftshader_icd.json",
];

let instance: GPU | undefined;

/**
 * The `GPU` object in Node, from the npm package `webgpu` (Dawn). On Linux without a display driver of its own choice
 * (`VK_ICD_FILENAMES`), Dawn is pointed at a software Vulkan driver if no hardware driver answers.
 * @throws EngineError if the package or a driver is missing.
 */
export async function nodeGpu(): Promise<GPU> {
  if (instance) return instance;
  let dawn: typeof import("webgpu");
  try {
    dawn = await import("webgpu");
  } catch (error) {
    throw new EngineError(`WebGPU in Node needs the npm package webgpu: ${(error as Error).message}`);
  }
  Object.assign(globalThis, dawn.globals);
  const chosen = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  if (process.platform === "linux" && !chosen) {
    const driver = SOFTWARE_DRIVERS.find((path) => existsSync(path));
    if (!(await answers(dawn)) && driver) process.env.VK_ICD_FILENAMES = driver;
  }
  const gpu = dawn.create([]);
  if (!(await gpu.requestAdapter())) {
    throw new EngineError(
      "No Vulkan driver was found for WebGPU: install mesa-vulkan-drivers, or set VK_ICD_FILENAMES to a driver's JSON file.",
    );
  }
  instance = gpu;
  return gpu;
}

/** Whether the drivers that the system lists give an adapter. */
async function answers(dawn: typeof import("webgpu")): Promise<boolean> {
  try {
    return (await dawn.create([]).requestAdapter()) !== null;
  } catch {
    return false;
  }
}

/** The WebGPU engine in Node. */
export async function createNodeWebgpuEngine(options: WebgpuOptions = {}): Promise<WebgpuEngine> {
  return createWebgpuEngine(await nodeGpu(), options);
}
