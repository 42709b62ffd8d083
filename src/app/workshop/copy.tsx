import { useRef, useState } from "react";

/** A text to take along: a field, and a button that copies it. */
export function CopyField({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current!.select();
    // Without leave to write the clipboard, the text is selected and Ctrl+C takes it.
    setCopied(
      await navigator.clipboard.writeText(text).then(
        () => text,
        () => undefined,
      ),
    );
  };
  return (
    <div className="share-link">
      <input ref={field} readOnly value={text} onFocus={(event) => event.target.select()} aria-label={label} />
      <button type="button" className="primary" onClick={() => void copy()}>
        {copied === text ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
