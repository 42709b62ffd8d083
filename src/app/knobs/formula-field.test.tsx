import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { expressionAdvantage } from "../../algorithm/advantages/expression.ts";
import { LANGUAGES } from "../../algorithm/expression/language.ts";
import { Knob } from "./knob.tsx";

let sent: unknown[] = [];
beforeEach(() => {
  sent = [];
});
afterEach(cleanup);

const ORIGINAL = "reward - group_mean(reward)";

/** The knob as its panel has it: what it sends comes back as its value. */
function Panel({ shown = true, answers = true }: { shown?: boolean; answers?: boolean }) {
  const [value, setValue] = useState<string>(ORIGINAL);
  if (!shown) return null;
  return (
    <Knob
      path="advantage.formula"
      parameter={expressionAdvantage.parameters.formula}
      value={value}
      original={ORIGINAL}
      pendingFrom={undefined}
      onChange={(next) => {
        sent.push(next);
        if (answers) setValue(next as string);
      }}
    />
  );
}

const field = () => screen.getByRole("textbox", { name: "Formula" }) as HTMLTextAreaElement;
const type = (text: string) => fireEvent.change(field(), { target: { value: text } });
const apply = () => fireEvent.keyDown(field(), { key: "Enter", ctrlKey: true });

it("puts a formula in force with Ctrl+Enter, or when it is left; Enter alone begins a line", () => {
  render(<Panel />);
  type("reward");
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(sent).toEqual([]);
  expect(screen.getByText(/Not in force yet/)).toBeDefined();
  apply();
  expect(sent).toEqual(["reward"]);
  expect(screen.queryByText(/Not in force yet/)).toBeNull();
  type("let a = reward\na - 1");
  fireEvent.blur(field());
  expect(sent).toEqual(["reward", "let a = reward\na - 1"]);
  fireEvent.blur(field());
  apply();
  expect(sent).toHaveLength(2);
  // Back to a text that was in force before.
  type("reward");
  apply();
  expect(field().value).toBe("reward");
  expect(sent).toHaveLength(3);
  fireEvent.click(screen.getByRole("button", { name: "Undo Formula" }));
  expect(field().value).toBe("reward - group_mean(reward)");
});

it("shows a mistake where it is, follows it while it is mended, and keeps the text", () => {
  render(<Panel />);
  type("let a = reward\na - rewrad * 2");
  expect(screen.queryByRole("alert")).toBeNull();
  fireEvent.blur(field());
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("line 2, column 5: there is no rewrad; did you mean reward?");
  expect(alert.querySelector("pre")!.textContent).toBe("a - rewrad * 2\n    ^^^^^^");
  expect(field().getAttribute("aria-invalid")).toBe("true");
  expect(field().value).toBe("let a = reward\na - rewrad * 2");
  fireEvent.click(screen.getByRole("button", { name: "line 2, column 5" }));
  expect(field().value.slice(field().selectionStart, field().selectionEnd)).toBe("rewrad");
  type("let a = reward\na - reward *");
  expect(screen.getByRole("alert").querySelector("pre")!.textContent).toBe("a - reward *\n            ^");
  type("let a = reward\na - reward * 2");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(sent).toEqual([]);
  apply();
  expect(sent).toEqual(["let a = reward\na - reward * 2"]);
});

it("of a long line, shows what surrounds the mistake", () => {
  render(<Panel />);
  const caret = (text: string) => {
    type(text);
    apply();
    return screen.getByRole("alert").querySelector("pre")!.textContent!.split("\n");
  };
  const [before, after] = ["1 + ".repeat(20), " + 1".repeat(20)];
  for (const text of [`${before}rewrad`, `rewrad${after}`, `${before}rewrad${after}`]) {
    const [line, under] = caret(text);
    expect(line.length).toBeLessThanOrEqual(30);
    expect(line.slice(under.indexOf("^"), under.length)).toBe("rewrad");
  }
  const [line, under] = caret(before);
  expect(under.length).toBe(line.length + 1);
  fireEvent.click(screen.getByRole("button", { name: "Discard" }));
});

it("says that a text is too long", () => {
  render(<Panel />);
  type("1 + ".repeat(2000));
  apply();
  expect(screen.getByRole("alert").textContent).toBe("Formula must have at most 4000 characters, got 8000");
});

it("keeps what was typed while it is folded away, and gives it up only when told to", () => {
  const { rerender } = render(<Panel />);
  type("length * ");
  rerender(<Panel shown={false} />);
  rerender(<Panel />);
  expect(field().value).toBe("length * ");
  fireEvent.click(screen.getByRole("button", { name: "Discard" }));
  expect(field().value).toBe("reward - group_mean(reward)");
  rerender(<Panel shown={false} />);
  rerender(<Panel />);
  expect(field().value).toBe("reward - group_mean(reward)");
});

it("keeps a formula that the run refuses", () => {
  render(<Panel answers={false} />);
  type("reward / 2");
  apply();
  expect(sent).toEqual(["reward / 2"]);
  expect(field().value).toBe("reward / 2");
  fireEvent.click(screen.getByRole("button", { name: "Discard" }));
});

it("lists what a formula can say, and writes a name where the cursor is", () => {
  render(<Panel />);
  expect(screen.queryByRole("button", { name: "Write reward" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: /What a formula can say/ }));
  const { inputs, functions, examples } = LANGUAGES.advantage;
  for (const { name } of examples) expect(screen.getByText(name)).toBeDefined();
  for (const { name, meaning } of [...inputs, ...functions]) {
    expect(screen.getAllByLabelText(`Write ${name}`).length).toBeGreaterThan(0);
    expect(screen.getAllByText(meaning).length).toBeGreaterThan(0);
  }
  field().setSelectionRange(0, 6);
  fireEvent.click(screen.getByLabelText("Write length"));
  expect(field().value).toBe("length - group_mean(reward)");
  fireEvent.click(screen.getByRole("button", { name: "Discard" }));
});
