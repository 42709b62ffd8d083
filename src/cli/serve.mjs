import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { extname, join, normalize } from "node:path";
import { pipeline } from "node:stream";
import { Compressed, varies } from "./compressed.mjs";

/** A static site's server: just what the built page needs. */

/** What makes a page cross-origin isolated, and WebAssembly threads possible. */
export const ISOLATION = Object.freeze({
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
});

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/**
 * Answers requests with a folder's files, compressed where that helps and the browser says that it can read it.
 * @param {string} folder
 * @param {{ path?: string, isolated?: boolean }} [options] `path` (with a slash at both ends) is where the site begins; without `isolated` the
 *   headers for cross-origin isolation stay away, as on a plain static host.
 * @returns {import("node:http").RequestListener}
 */
export function site(folder, { path = "/", isolated = true } = {}) {
  const compressed = new Compressed();
  return async (request, response) => {
    /** @param {number} status @param {Record<string, string>} [headers] */
    const refuse = (status, headers = {}) => {
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
      response.end(`${status}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, { Allow: "GET, HEAD" });
    let asked;
    try {
      asked = decodeURIComponent((request.url ?? "/").split(/[?#]/, 1)[0]);
    } catch {
      return refuse(400);
    }
    if (asked === path.slice(0, -1)) return refuse(301, { Location: path });
    if (!asked.startsWith(path) || asked.includes("\0")) return refuse(404);
    // Made absolute before it is joined, so no ".." leads out of the folder.
    const name = normalize(`/${asked.slice(path.length)}`);
    const file = join(folder, name.endsWith("/") || name.endsWith("\\") ? `${name}index.html` : name);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) return refuse(404);

    const extension = extname(file);
    const changed = new Date(Math.floor(found.mtimeMs / 1000) * 1000);
    // Vite puts a hash of the content into the names of what lies in assets/.
    const lasting = asked.startsWith(`${path}assets/`);
    const headers = {
      "Content-Type": TYPES[extension] ?? "application/octet-stream",
      "Cache-Control": lasting ? "public, max-age=31536000, immutable" : "no-cache",
      "Last-Modified": changed.toUTCString(),
      "X-Content-Type-Options": "nosniff",
      ...(varies(extension) ? { Vary: "Accept-Encoding" } : {}),
      ...(isolated ? ISOLATION : {}),
    };
    const known = Date.parse(request.headers["if-modified-since"] ?? "");
    if (known >= changed.getTime()) {
      response.writeHead(304, headers);
      return response.end();
    }
    // One that vanishes meanwhile is sent as far as it goes.
    const dense = await compressed.get(file, extension, found.mtimeMs, request.headers["accept-encoding"]).catch(() => undefined);
    if (dense) {
      response.writeHead(200, { ...headers, "Content-Encoding": dense.coding, "Content-Length": dense.content.length });
      return response.end(request.method === "HEAD" ? undefined : dense.content);
    }
    response.writeHead(200, { ...headers, "Content-Length": found.size });
    if (request.method === "HEAD") return response.end();
    // A visitor who leaves in the middle is no fault.
    pipeline(createReadStream(file), response, () => {});
  };
}

/**
 * Listens on a port of each host; hosts that the machine does not have (IPv6 switched off) are left out, all but the first.
 * @param {import("node:http").RequestListener} handler
 * @param {{ port: number, hosts: readonly string[], tls?: { key: string, cert: string } }} options port 0 is any free one
 * @returns {Promise<{ port: number, close(): Promise<void> }>}
 * @throws the system's error, with its `code` (EADDRINUSE, EACCES), if the port cannot be had
 */
export async function listen(handler, { port, hosts, tls }) {
  /** @type {import("node:http").Server[]} */
  const servers = [];
  const close = async () => {
    await Promise.all(
      servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  };
  for (const host of hosts) {
    const server = tls ? createSecureServer(tls, handler) : createServer(handler);
    try {
      await new Promise((resolve, reject) =>
        server.once("error", reject).listen({ port, host, ipv6Only: host.includes(":") }, () => resolve(0)),
      );
    } catch (error) {
      const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? "";
      if (servers.length > 0 && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(code)) continue;
      await close();
      throw error;
    }
    servers.push(server);
    port = /** @type {import("node:net").AddressInfo} */ (server.address()).port;
  }
  return { port, close };
}
