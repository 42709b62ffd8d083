import { useEffect, useRef } from "react";

let katex: Promise<typeof import("./katex.ts")> | undefined;

/** A formula (LaTeX), as its source until what sets it has arrived. For screen readers it carries MathML. */
export function Tex({ latex, block = false }: { latex: string; block?: boolean }) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    let shown = true;
    katex ??= import("./katex.ts");
    katex.then(
      ({ render }) => shown && place.current && render(latex, place.current, { displayMode: block, throwOnError: false }),
      // Without a network the source stays, and the next formula asks again.
      () => {
        katex = undefined;
      },
    );
    return () => {
      shown = false;
    };
  }, [latex, block]);
  // The key makes a new element for new text, because what KaTeX puts into one is unknown to React.
  return (
    <code key={`${block} ${latex}`} ref={place} className={`tex ${block ? "block" : ""}`}>
      {latex}
    </code>
  );
}
