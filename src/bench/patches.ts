type Method<P, K extends keyof P> = P[K] extends (...args: never[]) => unknown ? K : never;

/** The names of a class's methods. */
export type MethodOf<P> = { [K in keyof P]: Method<P, K> }[keyof P] & string;

/** What a method is called with; of several signatures the last. */
export type ArgumentsOf<P, K extends keyof P> = P[K] extends (...args: infer A) => unknown ? A : never;

/** Methods of classes, replaced until `restore` puts the classes' own back. */
export class Patches {
  private readonly undo: (() => void)[] = [];

  /** Replaces a method by what `make` makes of it. */
  replace<P extends object, K extends MethodOf<P>>(prototype: P, method: K, make: (original: P[K]) => P[K]): void {
    this.define(prototype, method, make(prototype[method]));
  }

  /**
   * Tells `note` of every call before it is made. A class without that method stays as it is.
   * @param prototype that of the class P, or of one that stands for it; none if there is no such class
   */
  before<P extends object, K extends MethodOf<P>>(
    prototype: object | undefined,
    method: K,
    note: (self: P, args: Partial<ArgumentsOf<P, K>>) => void,
  ): void {
    const original: unknown = prototype && Reflect.get(prototype, method);
    if (!prototype || typeof original !== "function") return;
    this.define(prototype, method, function (this: P, ...args: Partial<ArgumentsOf<P, K>>) {
      note(this, args);
      return Reflect.apply(original, this, args);
    });
  }

  restore(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
  }

  private define(prototype: object, method: string, value: unknown): void {
    const own = Object.getOwnPropertyDescriptor(prototype, method);
    Object.defineProperty(prototype, method, { configurable: true, writable: true, value });
    this.undo.push(() => {
      if (own) Object.defineProperty(prototype, method, own);
      else Reflect.deleteProperty(prototype, method);
    });
  }
}
