import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen, site } from "./serve.mjs";

let folder: string;
let server: { port: number; close(): Promise<void> };
let inner: { port: number; close(): Promise<void> };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rlvr-serve-"));
  await mkdir(join(folder, "site", "assets"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), "secret");
  await writeFile(join(folder, "site", "index.html"), "<h1>Home</h1>");
  await writeFile(join(folder, "site", "assets", "a b.wasm"), "wasm");
  const hosts = ["127.0.0.1"];
  server = await listen(site(join(folder, "site")), { port: 0, hosts });
  inner = await listen(site(join(folder, "site"), { path: "/deep/er/", isolated: false }), { port: 0, hosts });
});
afterAll(async () => {
  await server.close();
  await inner.close();
  await rm(folder, { recursive: true, force: true });
});

/** Asks for a path exactly as it is written; fetch would tidy it up. */
function ask(port: number, path: string, options: { method?: string; headers?: Record<string, string> } = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, ...options }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    })
      .on("error", reject)
      .end();
  });
}

describe("the site's server", () => {
  it("gives files with their type, isolated, and caches only what has a hash in its name", async () => {
    const home = await ask(server.port, "/?seed=3");
    expect(home).toMatchObject({ status: 200, body: "<h1>Home</h1>" });
    expect(home.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    const wasm = await ask(server.port, "/assets/a%20b.wasm");
    expect(wasm.headers).toMatchObject({ "content-type": "application/wasm", "cache-control": expect.stringContaining("immutable") });
  });

  it("says when nothing has changed", async () => {
    const { headers } = await ask(server.port, "/index.html");
    const again = await ask(server.port, "/index.html", { headers: { "if-modified-since": String(headers["last-modified"]) } });
    expect(again).toMatchObject({ status: 304, body: "" });
  });

  it.each(["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/assets", "/none", "/%00"])(
    "has nothing at %s",
    async (path) => {
      expect((await ask(server.port, path)).status).toBe(404);
    },
  );

  it("refuses what it cannot read and what it does not do", async () => {
    expect((await ask(server.port, "/%zz")).status).toBe(400);
    expect((await ask(server.port, "/", { method: "POST" })).status).toBe(405);
    expect(await ask(server.port, "/", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  });

  it("serves from a sub-path like a plain static host", async () => {
    const home = await ask(inner.port, "/deep/er/");
    expect(home).toMatchObject({ status: 200, body: "<h1>Home</h1>" });
    expect(home.headers).not.toHaveProperty("cross-origin-embedder-policy");
    expect(await ask(inner.port, "/deep/er")).toMatchObject({ status: 301, headers: { location: "/deep/er/" } });
    expect((await ask(inner.port, "/")).status).toBe(404);
  });

  it("says which port is taken", async () => {
    await expect(listen(site(folder), { port: server.port, hosts: ["127.0.0.1"] })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
