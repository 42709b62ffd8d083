import { type ReactNode, useEffect, useRef, useState } from "react";

/** A button that opens a panel under it; Escape, a click elsewhere or the button close it. */
export function Popover(props: { label: ReactNode; title: string; className?: string; align?: "left" | "right"; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
    };
  }, [open]);
  return (
    <div className={`popover ${props.className ?? ""}`} ref={root}>
      <button type="button" className="quiet" aria-expanded={open} aria-label={props.title} onClick={() => setOpen(!open)}>
        {props.label}
      </button>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it may scroll, by keyboard too
        <section className={`popover-panel ${props.align ?? "left"}`} aria-label={props.title} tabIndex={0}>
          {props.children}
        </section>
      )}
    </div>
  );
}
