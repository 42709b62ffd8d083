import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { EngineStatus } from "../worker/protocol.ts";
import { Engine } from "./engine.tsx";
import { usePage } from "./state.ts";

function menuOf(engine: EngineStatus) {
  act(() => usePage.setState({ engine }));
  const { unmount } = render(<Engine />);
  fireEvent.click(screen.getByRole("button", { name: new RegExp(engine.label) }));
  const link = screen.queryByRole("link", { name: /^Use weights of/ });
  const found = link && {
    name: link.textContent,
    weights: new URL((link as HTMLAnchorElement).href, location.href).searchParams.get("weights"),
  };
  unmount();
  return found;
}

it("offers a GPU weights of 16 bits, and the way back; the portable engine has none", () => {
  expect(menuOf({ kind: "webgpu", label: "Some GPU" })).toEqual({ name: "Use weights of 16 bits", weights: "f16" });
  expect(menuOf({ kind: "webgpu", label: "Some GPU", half: true })).toEqual({ name: "Use weights of 32 bits", weights: "f32" });
  expect(menuOf({ kind: "portable", label: "portable" })).toBeNull();
});
