import type { GenerateRequest, Generation, Policy } from "../policy/engine.ts";

/** Everything that decides what is drawn, apart from the weights. */
const keyOf = (request: GenerateRequest): string =>
  JSON.stringify(request, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value));

/**
 * Rollouts that are drawn before their step begins, so that a GPU goes on while the host finishes the step before. They are used if the
 * step asks for the very same, and else forgotten: what is drawn does not depend on when.
 */
export class DrawnAhead {
  private drawn: { readonly key: string; readonly generation: Promise<Generation> } | undefined;

  /** Something is drawn that nobody has asked for yet. */
  get any(): boolean {
    return this.drawn !== undefined;
  }

  /** Until what is drawn has arrived; its errors are for those who ask for it. */
  async arrival(): Promise<void> {
    await this.drawn?.generation.catch(() => {});
  }

  start(policy: Policy, request: GenerateRequest): void {
    const generation = policy.generate(request);
    // Whoever asks for it gets the error; if nobody does, it is no unhandled one.
    generation.catch(() => {});
    this.drawn = { key: keyOf(request), generation };
  }

  /** The generation of this request. */
  take(policy: Policy, request: GenerateRequest): Promise<Generation> {
    const { drawn } = this;
    this.drawn = undefined;
    if (drawn && drawn.key === keyOf(request)) return drawn.generation;
    return policy.generate(request);
  }

  /** The weights have changed. */
  forget(): void {
    this.drawn = undefined;
  }
}
