import type { GenerateRequest, Generation } from "../engine.ts";
import type { DeviceBuffer } from "./device.ts";
import type { Network } from "./network.ts";

export class Decoder {
  private readonly network: Network;
  private readonly theta: DeviceBuffer;
  constructor(network: Network, theta: DeviceBuffer) {
    this.network = network;
    this.theta = theta;
  }
  weightsChanged(): void {}
  async generate(_request: GenerateRequest): Promise<Generation> {
    throw new Error(`${this.network} ${this.theta}`);
  }
  dispose(): void {}
}
