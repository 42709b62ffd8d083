/** `npm start`: builds the page if needed, serves it, prints its address and opens a browser where there is one. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { builtPage } from "./built.mjs";
import { listen, site } from "./serve.mjs";

const HELP = `usage: npm start -- [flags]

  --port N    serve on this port (4173, or the next one that is free)
  --lan       serve to the local network too, over HTTPS
  --no-open   do not open a browser`;

const DEFAULT_PORT = 4173;

/** Ends with one line and exit status 2. @param {string} message @returns {never} */
function refuse(message) {
  console.error(`npm start: ${message}`);
  process.exit(2);
}

/** @returns {{ port: number | undefined, lan: boolean, open: boolean }} */
function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string" },
        lan: { type: "boolean" },
        "no-open": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    if (values.port !== undefined && !(/^\d+$/.test(values.port) && Number(values.port) >= 1 && Number(values.port) <= 65535)) {
      refuse(`--port must be a whole number from 1 to 65535, got ${JSON.stringify(values.port)}`);
    }
    return {
      port: values.port === undefined ? undefined : Number(values.port),
      lan: values.lan ?? false,
      open: !values["no-open"],
    };
  } catch (error) {
    return refuse(/** @type {Error} */ (error).message.split("\n")[0]);
  }
}

/**
 * Serves on the port asked for, or else on the first free one from the default upwards.
 * @param {import("node:http").RequestListener} handler
 * @param {number | undefined} port
 * @param {{ hosts: string[], tls?: { key: string, cert: string } }} where
 */
async function serve(handler, port, where) {
  for (let candidate = port ?? DEFAULT_PORT; ; candidate++) {
    try {
      return await listen(handler, { ...where, port: candidate });
    } catch (error) {
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
      if (port === undefined && code === "EADDRINUSE" && candidate < DEFAULT_PORT + 100) continue;
      if (code === "EADDRINUSE") return refuse(`port ${candidate} is taken; choose another with --port`);
      if (code === "EACCES") return refuse(`port ${candidate} is not ours to use; choose one above 1023 with --port`);
      return refuse(message);
    }
  }
}

/** Shows the address in a browser, if this machine seems to have a screen. @param {string} address */
function openBrowser(address) {
  const [program, ...args] =
    process.platform === "darwin"
      ? ["open", address]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", address]
        : ["xdg-open", address];
  const screen = ["darwin", "win32"].includes(process.platform) || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (process.env.CI || !screen) return;
  // Without a browser the printed address must do.
  spawn(program, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}

const { port, lan, open } = readFlags();
// What HTTPS takes is loaded only if it is asked for.
const network = lan ? await import("./lan.mjs") : undefined;
const addresses = network?.lanAddresses() ?? [];
if (lan && addresses.length === 0) refuse("this machine is on no local network; connect it, or leave --lan out");
const folder = await builtPage().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

const where = network ? { hosts: ["0.0.0.0"], tls: await network.certificate(addresses) } : { hosts: ["127.0.0.1", "::1"] };
const server = await serve(site(folder), port, where);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, async () => {
    await server.close();
    process.exit(0);
  });
}

const local = `${lan ? "https" : "http"}://localhost:${server.port}/`;
console.log(`RLVR Playground: ${local}`);
if (network) {
  for (const address of addresses) console.log(`On the local network: https://${address}:${server.port}/`);
  console.log(await network.qrCode(`https://${addresses[0]}:${server.port}/`));
  console.log(
    "The browser will warn that it does not know the certificate, because this machine made it itself: choose Advanced, then go on to the page.",
  );
}
console.log("Ctrl-C stops it.");
if (open) openBrowser(local);
