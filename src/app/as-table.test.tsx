import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { AsTable } from "./as-table.tsx";

afterEach(cleanup);

const rows = (n: number) => Array.from({ length: n }, (_, i) => [`row ${i + 1}`, String(i)]);
const shown = () =>
  within(screen.getByRole("dialog"))
    .getAllByRole("rowheader")
    .map((cell) => cell.textContent);

it("asks for the numbers when it is opened, and shows short tables whole", () => {
  const table = vi.fn(() => ({ heads: ["name", "value"], rows: rows(3) }));
  render(<AsTable title="Dots" table={table} />);
  expect(table).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Dots as table" }));
  expect(shown()).toEqual(["row 1", "row 2", "row 3"]);
  expect(screen.queryByRole("button", { name: /next/ })).toBeNull();
});

it("shows long tables in pages, from the first row to the last", () => {
  render(<AsTable title="Dots" table={() => ({ heads: ["name", "value"], rows: rows(450) })} />);
  fireEvent.click(screen.getByRole("button", { name: "Dots as table" }));
  const turn = (name: RegExp) => screen.getByRole("button", { name }) as HTMLButtonElement;
  expect(turn(/before/).disabled).toBe(true);
  const seen = [...shown()];
  while (!turn(/next/).disabled) {
    fireEvent.click(turn(/next/));
    seen.push(...shown());
  }
  expect(seen).toEqual(rows(450).map(([name]) => name));
  expect(screen.getByRole("status").textContent).toBe("rows 401 to 450 of 450");
  fireEvent.click(turn(/before/));
  expect(shown()[0]).toBe("row 201");
});
