import type { EngineBuffer } from "../engine.ts";
import type { Reals } from "../optimizer.ts";

/** A result in host memory, computed when it is first read. */
export class PortableBuffer implements EngineBuffer {
  readonly length: number;
  private readonly source: () => Reals | Promise<Reals>;

  constructor(length: number, source: () => Reals | Promise<Reals>) {
    this.length = length;
    this.source = source;
  }

  /** The values in the engine's own precision. */
  async reals(): Promise<Reals> {
    return this.source();
  }

  async read(): Promise<Float32Array> {
    return Float32Array.from(await this.source());
  }

  /** Host memory goes by itself. */
  release(): void {}
}
