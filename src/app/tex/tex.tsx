import { useEffect, useRef } from "react";

let katex: Promise<typeof import("./katex.ts")> | undefined;

/** Of what KaTeX is trusted with, only names on elements: no links, no classes, no styles. */
const trust = ({ command }: { command: string }) => command === "\\htmlData";

interface TexProps {
  readonly latex: string;
  readonly block?: boolean;
  /** It has `\\htmlData` in it: parts of it carry names. */
  readonly named?: boolean;
}

/** A formula (LaTeX), as its source until what sets it has arrived. For screen readers it carries MathML. */
export function Tex({ latex, block = false, named = false }: TexProps) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    let shown = true;
    katex ??= import("./katex.ts");
    katex.then(
      ({ formulaHtml }) => {
        if (!shown || !place.current) return;
        const options = { displayMode: block, throwOnError: false, ...(named ? { trust, strict: false } : {}) };
        place.current.innerHTML = formulaHtml(latex, options);
      },
      // Without a network the source stays, and the next formula asks again.
      () => {
        katex = undefined;
      },
    );
    return () => {
      shown = false;
    };
  }, [latex, block, named]);
  // The key makes a new element for new text, because what KaTeX puts into one is unknown to React.
  return (
    <code key={`${block} ${latex}`} ref={place} className={`tex ${block ? "block" : ""}`}>
      {latex}
    </code>
  );
}
