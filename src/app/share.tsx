import { useRef, useState } from "react";
import { setupNow } from "./actions.ts";
import { writeLink } from "./link.ts";
import { Popover } from "./popover.tsx";

/** A link that starts this run anew elsewhere: recipe, knobs, task, policy and seed. */
export function Share() {
  return (
    <Popover label="Share" title="Share this run" align="right" className="share">
      <Link />
    </Popover>
  );
}

function Link() {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const setup = setupNow();
  if (!setup) return <p>There is no run yet.</p>;
  const address = new URL(writeLink(setup), document.baseURI).href;
  const copy = async () => {
    field.current!.select();
    // Without leave to write the clipboard, the link is selected and Ctrl+C takes it.
    setCopied(
      await navigator.clipboard.writeText(address).then(
        () => true,
        () => false,
      ),
    );
  };
  return (
    <>
      <h2>Share this run</h2>
      <p>
        Whoever opens this link starts the same run: recipe, knobs, formulas, task, policy and seed as they stand now. On another GPU its
        numbers may differ in the last digits.
      </p>
      <div className="share-link">
        <input ref={field} readOnly value={address} onFocus={(event) => event.target.select()} aria-label="Link to this run" />
        <button type="button" className="primary" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
    </>
  );
}
