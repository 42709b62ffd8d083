import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen, site } from "./serve.mjs";

const LONG = "let a = 1;\n".repeat(500);

let folder: string;
let server: { port: number; close(): Promise<void> };
let inner: { port: number; close(): Promise<void> };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rlvr-serve-"));
  await mkdir(join(folder, "site", "assets"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), "secret");
  await writeFile(join(folder, "site", "index.html"), "<h1>Home</h1>");
  await writeFile(join(folder, "site", "assets", "a b.wasm"), "wasm");
  await writeFile(join(folder, "site", "assets", "long.js"), LONG);
  await writeFile(join(folder, "site", "model.safetensors"), LONG);
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
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string; bytes: Buffer }>((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode!, headers: response.headers, body: bytes.toString(), bytes });
      });
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

  it.each([
    ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["br;q=0, *", "gzip", gunzipSync],
  ])("compresses for a browser that accepts %s", async (accepted, coding, decompress) => {
    const headers = { "accept-encoding": accepted };
    const answer = await ask(server.port, "/assets/long.js", { headers });
    expect(answer.headers).toMatchObject({
      "content-encoding": coding,
      "content-type": "text/javascript; charset=utf-8",
      "content-length": String(answer.bytes.length),
      vary: "Accept-Encoding",
    });
    expect(answer.bytes.length).toBeLessThan(LONG.length / 10);
    expect(decompress(answer.bytes).toString()).toBe(LONG);
    const head = await ask(server.port, "/assets/long.js", { headers, method: "HEAD" });
    expect(head).toMatchObject({ body: "", headers: { "content-length": String(answer.bytes.length), "content-encoding": coding } });
  });

  it("sends as they are what would not shrink, and everything to a browser that reads nothing else", async () => {
    const weights = await ask(server.port, "/model.safetensors", { headers: { "accept-encoding": "br" } });
    expect(weights.body).toBe(LONG);
    for (const accepted of ["identity", "br;q=0, gzip;q=0.0", ""]) {
      const plain = await ask(server.port, "/assets/long.js", { headers: { "accept-encoding": accepted } });
      expect(plain.body).toBe(LONG);
      expect(plain.headers).not.toHaveProperty("content-encoding");
    }
  });

  it("compresses anew what has changed", async () => {
    const file = join(folder, "site", "changing.css");
    const asked = async () =>
      brotliDecompressSync((await ask(server.port, "/changing.css", { headers: { "accept-encoding": "br" } })).bytes).toString();
    await writeFile(file, "a {}");
    await utimes(file, 1000, 1000);
    expect(await asked()).toBe("a {}");
    await writeFile(file, "b {}");
    await utimes(file, 2000, 2000);
    expect(await asked()).toBe("b {}");
  });

  it("says which port is taken", async () => {
    await expect(listen(site(folder), { port: server.port, hosts: ["127.0.0.1"] })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
