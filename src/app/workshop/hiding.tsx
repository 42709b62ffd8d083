import { hidingStyle, useLayout } from "./layout.ts";
import "./workshop.css";

/** Takes off the screen what a link hides. */
export function Hiding() {
  const hidden = useLayout((state) => state.hidden);
  return hidden.length === 0 ? null : <style>{hidingStyle(hidden)}</style>;
}
