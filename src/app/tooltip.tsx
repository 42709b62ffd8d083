import { useEffect, useRef, useState } from "react";

/** One bubble for every element with `data-tip`, on hover and on keyboard focus. Screen readers get the same text by `aria-description`. */
export function Tooltip() {
  const [tip, setTip] = useState<{ text: string; x: number; y: number; below: boolean }>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const hide = () => {
      clearTimeout(timer.current);
      setTip(undefined);
    };
    const show = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-tip]") : null;
      hide();
      if (!target?.dataset.tip) return;
      if (event.type === "focusin" && !(event.target as Element).matches(":focus-visible")) return;
      timer.current = setTimeout(() => {
        if (!target.isConnected) return;
        const box = target.getBoundingClientRect();
        const below = box.bottom + 120 < innerHeight;
        const x = Math.min(Math.max(box.left + box.width / 2, 150), innerWidth - 150);
        setTip({ text: target.dataset.tip!, x, y: below ? box.bottom + 6 : box.top - 6, below });
      }, 350);
    };
    const leaves = ["pointerout", "focusout", "pointerdown", "keydown", "wheel"];
    for (const name of ["pointerover", "focusin"]) document.addEventListener(name, show);
    for (const name of leaves) document.addEventListener(name, hide, { passive: true });
    return () => {
      for (const name of ["pointerover", "focusin"]) document.removeEventListener(name, show);
      for (const name of leaves) document.removeEventListener(name, hide);
      clearTimeout(timer.current);
    };
  }, []);
  if (!tip) return null;
  return (
    <div className={`tooltip ${tip.below ? "" : "above"}`} aria-hidden="true" style={{ left: tip.x, top: tip.y }}>
      {tip.text}
    </div>
  );
}
