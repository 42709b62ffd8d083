import { useEffect } from "react";
import { usePage } from "../state.ts";
import { useLayout } from "./layout.ts";

/** Large type and fewer panels for a projector: `P` turns it on and off. */

export const togglePresenter = () => useLayout.setState(({ presenting }) => ({ presenting: !presenting }));

/** In the header, where the choices were: what runs, and the way back. */
export function Presenting() {
  const presenting = useLayout((state) => state.presenting);
  const run = usePage((state) => state.run);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "p" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.target as Element).closest("input, select, textarea, dialog")) return;
      event.preventDefault();
      togglePresenter();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  if (!presenting) return null;
  return (
    <>
      {run && (
        <span className="what">
          <b>{run.recipe.name}</b> · seed {run.seed}
        </span>
      )}
      <button type="button" className="quiet presenting-end" onClick={togglePresenter} data-tip="Back to the whole page (P)">
        All panels
      </button>
    </>
  );
}
