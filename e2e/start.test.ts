import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:https";
import { networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";

const START = fileURLToPath(new URL("../src/cli/start.mjs", import.meta.url));
let child: ChildProcess | undefined;
afterEach(() => child?.kill("SIGKILL"));

/** Starts it, and returns all that it printed once it serves. */
async function start(...flags: string[]): Promise<string> {
  child = spawn(process.execPath, [START, "--no-open", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const chunk of child.stdout!) {
    printed += chunk;
    if (printed.includes("Ctrl-C")) break;
  }
  return printed;
}

/** Ctrl-C, and the exit status. */
async function stop(): Promise<number> {
  const exit = once(child!, "exit");
  child!.kill("SIGINT");
  return (await exit)[0];
}

it("serves the page on this machine until Ctrl-C", async () => {
  const address = /RLVR Playground: (http:\/\/localhost:\d+\/)/.exec(await start())![1];
  const response = await fetch(address);
  expect(response.status).toBe(200);
  expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  expect(await response.text()).toContain("RLVR Playground");
  expect(await stop()).toBe(0);
  await expect(fetch(address)).rejects.toThrow();
});

const connected = Object.values(networkInterfaces()).some((interfaces) => interfaces?.some((i) => i.family === "IPv4" && !i.internal));
it.runIf(connected)("serves the local network over HTTPS, and draws the address for a camera", async () => {
  const printed = await start("--lan");
  const address = /On the local network: (https:\/\/[\d.]+:\d+\/)/.exec(printed)![1];
  expect(printed).toMatch(/▄.*▀/s);
  expect(printed).toContain("certificate");
  const status = await new Promise((resolve, reject) => {
    get(address, { rejectUnauthorized: false, agent: false }, (response) => resolve(response.resume().statusCode)).on("error", reject);
  });
  expect(status).toBe(200);
  expect(await stop()).toBe(0);
});
