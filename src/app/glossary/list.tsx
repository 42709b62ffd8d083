import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { CONCEPTS } from "../../lessons/concepts.ts";
import { type Entry, searchGlossary } from "../../lessons/glossary.ts";
import { count } from "../format.ts";
import { openLearn } from "../lessons/open.ts";
import "./glossary.css";

const KINDS: readonly { readonly kind: Entry["kind"] | "all"; readonly label: string }[] = [
  { kind: "idea", label: "Ideas" },
  { kind: "knob", label: "Knobs" },
  { kind: "method", label: "Methods" },
  { kind: "metric", label: "Metrics" },
  { kind: "all", label: "Everything" },
];

/** All terms, to be searched. */
export function GlossaryList({ chosen }: { chosen: string | undefined }) {
  const [query, setQuery] = useState("");
  const [kind, setKind] = useState<Entry["kind"] | "all">("idea");
  const wanted = useDeferredValue(query);
  const entries = useMemo(
    () => searchGlossary(wanted).filter((entry) => wanted.trim() !== "" || kind === "all" || entry.kind === kind),
    [wanted, kind],
  );
  const list = useRef<HTMLDListElement>(null);
  useEffect(() => {
    if (chosen === undefined) return;
    setQuery("");
    setKind("idea");
    requestAnimationFrame(() => list.current?.querySelector(".chosen")?.scrollIntoView({ block: "center" }));
  }, [chosen]);
  return (
    <section className="glossary" aria-label="Glossary">
      <div className="glossary-search">
        <input
          type="search"
          placeholder="Search all terms"
          aria-label="Search the glossary"
          value={query}
          onChange={(e) => setQuery(e.target.value)}
        />
        {query.trim() === "" && (
          <select aria-label="Kind of term" value={kind} onChange={(event) => setKind(event.target.value as typeof kind)}>
            {KINDS.map(({ kind, label }) => (
              <option key={kind} value={kind}>
                {label}
              </option>
            ))}
          </select>
        )}
        <output className="dim">{count(entries.length, "term")}</output>
      </div>
      <dl ref={list}>
        {entries.map((entry) => (
          <div key={entry.id} className={entry.id === chosen ? "chosen" : undefined}>
            <dt>
              {entry.title}
              {entry.where && <small>{entry.where}</small>}
            </dt>
            <dd>
              {entry.text}
              {entry.see && entry.see.length > 0 && (
                <span className="dim">
                  {" "}
                  See{" "}
                  {entry.see.map((id, i) => (
                    <span key={id}>
                      {i > 0 && ", "}
                      <button type="button" onClick={() => openLearn("glossary", id)}>
                        {CONCEPTS[id].title}
                      </button>
                    </span>
                  ))}
                  .
                </span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
