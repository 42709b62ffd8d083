import { networkInterfaces } from "node:os";
import qrcode from "qrcode";
import { generate } from "selfsigned";

/** What it takes to serve to the local network, where browsers hide the GPU from plain HTTP. */

/** Interfaces that lead to containers and virtual machines, not to other people. */
const INWARD = /^(docker|br-|veth|virbr|vmnet|vboxnet)/;

/** This machine's IPv4 addresses on its networks. @returns {string[]} */
export function lanAddresses() {
  return Object.entries(networkInterfaces())
    .flatMap(([name, interfaces]) => (INWARD.test(name) ? [] : (interfaces ?? [])))
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

/**
 * A self-made certificate for these addresses and localhost, good for a year.
 * @param {readonly string[]} addresses
 * @returns {Promise<{ key: string, cert: string }>} in PEM
 */
export async function certificate(addresses) {
  const year = 365 * 24 * 60 * 60 * 1000;
  const { private: key, cert } = await generate([{ name: "commonName", value: "RLVR Playground" }], {
    algorithm: "sha256",
    notAfterDate: new Date(Date.now() + year),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [{ type: 2, value: "localhost" }, ...["127.0.0.1", ...addresses].map((ip) => ({ type: /** @type {const} */ (7), ip }))],
      },
    ],
  });
  return { key, cert };
}

/** An address as a QR code, to be printed in a terminal. @param {string} address @returns {Promise<string>} */
export function qrCode(address) {
  return qrcode.toString(address, { type: "terminal", small: true });
}
