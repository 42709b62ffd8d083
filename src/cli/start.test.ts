import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { certificate } from "./lan.mjs";

const START = fileURLToPath(new URL("start.mjs", import.meta.url));
const run = (...flags: string[]) => spawnSync(process.execPath, [START, ...flags], { encoding: "utf8" });

it.each(["--port x", "--port 0", "--port 65536", "--lan=yes", "--frobnicate", "dist"])(
  "answers bad flags with one line and exit status 2: %s",
  (flags) => {
    const { status, stdout, stderr } = run(...flags.split(" "));
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^npm start: .+\n$/);
  },
);

it("tells its flags", () => {
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--lan") });
});

it("makes a certificate that is good for this machine's addresses and no others", async () => {
  const { key, cert } = await certificate(["192.0.2.7"]);
  const parsed = new X509Certificate(cert);
  expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  for (const address of ["192.0.2.7", "127.0.0.1"]) expect(parsed.checkIP(address)).toBe(address);
  expect(parsed.checkHost("localhost")).toBe("localhost");
  expect(parsed.checkIP("192.0.2.8")).toBeUndefined();
  expect(parsed.ca).toBe(false);
  const days = (Date.parse(parsed.validTo) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(300);
  // Browsers refuse what is valid for longer.
  expect(days).toBeLessThan(398);
});
