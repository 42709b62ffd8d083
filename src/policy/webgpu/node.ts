import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { EngineError } from "../engine.ts";
import { createWebgpuEngine, type WebgpuEngine, type WebgpuOptions } from "./engine.ts";

/** Software Vulkan drivers, for machines without a GPU's own: Mesa's lavapipe, then the SwiftShader that comes with Chromium. */
const SOFTWARE_DRIVERS = [
  "/usr/share/vulkan/icd.d/lvp_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json",
  "/usr/lib/chromium/vk_swiftshader_icd.json",
];

const NO_DRIVER = "No Vulkan driver was found for WebGPU: install mesa-vulkan-drivers, or set VK_ICD_FILENAMES to a driver's JSON file.";

let instance: Promise<GPU> | undefined;

/**
 * The `GPU` object in Node, from the npm package `webgpu` (Dawn). On Linux without a display driver of its own choice
 * (`VK_ICD_FILENAMES`), Dawn is pointed at a software Vulkan driver if no hardware driver answers.
 * There is one in a process: whoever asks while it is being made waits for the same one.
 * @throws EngineError if the package or a driver is missing; the next call tries again.
 */
export function nodeGpu(): Promise<GPU> {
  instance ??= startGpu().catch((error: unknown) => {
    instance = undefined;
    throw error;
  });
  return instance;
}

async function startGpu(): Promise<GPU> {
  // Asked ourselves first, because the Vulkan loader complains on standard error in lines of its own.
  if (process.platform === "linux" && !anyDriverListed(process.env)) throw new EngineError(NO_DRIVER);
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
  if (!(await gpu.requestAdapter())) throw new EngineError(NO_DRIVER);
  return gpu;
}

/** Whether there is any driver's JSON file where the Vulkan loader looks for them on Linux (its document LoaderDriverInterface.md says where). */
function anyDriverListed(env: NodeJS.ProcessEnv): boolean {
  const paths = (text: string | undefined) => (text ?? "").split(":").filter(Boolean);
  if (env.VK_ADD_DRIVER_FILES) return true;
  const chosen = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (chosen !== undefined) return paths(chosen).some((path) => existsSync(path));
  const folders = [
    env.XDG_CONFIG_HOME ?? join(homedir(), ".config"),
    ...paths(env.XDG_CONFIG_DIRS ?? "/etc/xdg"),
    "/etc",
    "/usr/local/etc",
    env.XDG_DATA_HOME ?? join(homedir(), ".local/share"),
    ...paths(env.XDG_DATA_DIRS),
    "/usr/local/share",
    "/usr/share",
    "/run/opengl-driver/share",
  ];
  const listed = folders.some((folder) => {
    try {
      return readdirSync(join(folder, "vulkan/icd.d")).some((name) => name.endsWith(".json"));
    } catch {
      return false;
    }
  });
  return listed || SOFTWARE_DRIVERS.some((path) => existsSync(path));
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
