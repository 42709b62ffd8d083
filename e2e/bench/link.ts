import { createConnection, createServer as createRelay, type Socket } from "node:net";
import { listen, site } from "../../src/cli/serve.mjs";

/** A site at the far end of a slow line, which everything in the browser shares: page, workers and service worker. */

export interface LinkOptions {
  readonly dist: string;
  /** Of the whole line, downwards (bits a second). */
  readonly bitsPerSecond: number;
  /** There and back (milliseconds). */
  readonly roundTrip: number;
  /** As a host that compresses nothing. */
  readonly plain?: boolean;
}

export interface Link {
  readonly url: string;
  /** Bytes that came down since the last call, headers included. */
  taken(): number;
  close(): Promise<void>;
}

/** Pieces that the line sends at a time: small enough for several downloads to share it fairly. */
const PIECE = 8192;
/** What a timer that comes late may catch up on (milliseconds). */
const LATE = 50;

export async function slowLink({ dist, bitsPerSecond, roundTrip, plain }: LinkOptions): Promise<Link> {
  const files = site(dist);
  const server = await listen(
    (request, response) => {
      if (plain) delete request.headers["accept-encoding"];
      return files(request, response);
    },
    { port: 0, hosts: ["127.0.0.1"] },
  );
  const perMillisecond = bitsPerSecond / 8 / 1000;
  const waiting: { from: Socket; to: Socket; content: Buffer }[] = [];
  let free = performance.now();
  let bytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (act: () => void) => setTimeout(act, roundTrip / 2);
  const send = () => {
    timer = undefined;
    const now = performance.now();
    free = Math.max(free, now - LATE);
    while (waiting.length > 0 && free <= now) {
      // A piece of each connection in turn.
      const next = waiting.shift()!;
      const piece = next.content.subarray(0, PIECE);
      free += piece.length / perMillisecond;
      bytes += piece.length;
      later(() => !next.to.destroyed && next.to.write(piece));
      if (next.content.length > PIECE) waiting.push({ ...next, content: next.content.subarray(PIECE) });
      else next.from.resume();
    }
    if (waiting.length > 0) timer = setTimeout(send, Math.max(1, free - performance.now()));
  };
  const relay = createRelay((browser) => {
    const there = createConnection(server.port);
    browser.setNoDelay(true);
    browser.on("data", (content) => later(() => !there.destroyed && there.write(content)));
    there.on("data", (content) => {
      there.pause();
      waiting.push({ from: there, to: browser, content });
      timer ??= setTimeout(send, 0);
    });
    // What is still on the line arrives first.
    const end = (socket: Socket) => () => setTimeout(() => socket.destroy(), 30_000).unref();
    browser.on("close", () => there.destroy()).on("error", () => there.destroy());
    there.on("close", end(browser)).on("error", end(browser));
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as { port: number };
  return {
    url: `http://localhost:${port}/`,
    taken() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    async close() {
      clearTimeout(timer);
      relay.close();
      await server.close();
    },
  };
}
