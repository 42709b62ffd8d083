import { expect, it } from "vitest";
import { Patches } from "./patches.ts";

class Greeter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  greet(other: string) {
    return `${this.name} greets ${other}`;
  }
}
class Loud extends Greeter {}

const own = () => Object.getOwnPropertyNames(Loud.prototype);

it("hears of a call before it is made, with the object and its arguments, and changes nothing", () => {
  const heard: string[] = [];
  const patches = new Patches();
  patches.before<Greeter, "greet">(Greeter.prototype, "greet", ({ name }, [other]) => heard.push(`${name}, ${other}`));
  expect(new Greeter("Ada").greet("Kurt")).toBe("Ada greets Kurt");
  patches.restore();
  new Greeter("Ada").greet("Emmy");
  expect(heard).toEqual(["Ada, Kurt"]);
});

it("puts methods back in the order in which they were replaced, also where a class only inherited them", () => {
  const { greet } = Greeter.prototype;
  const patches = new Patches();
  for (const mark of ["!", "?"])
    patches.replace(
      Loud.prototype,
      "greet",
      (original) =>
        function (this: Loud, other) {
          return original.call(this, other) + mark;
        },
    );
  expect(new Loud("Ada").greet("Kurt")).toBe("Ada greets Kurt!?");
  expect(new Greeter("Ada").greet("Kurt")).toBe("Ada greets Kurt");
  patches.restore();
  expect(own()).toEqual(["constructor"]);
  expect(Loud.prototype.greet).toBe(greet);
});

it("leaves a class alone that has no such method", () => {
  class Silent {}
  const patches = new Patches();
  patches.before<Greeter, "greet">(Silent.prototype, "greet", () => {});
  expect(Object.getOwnPropertyNames(Silent.prototype)).toEqual(["constructor"]);
  patches.restore();
});
