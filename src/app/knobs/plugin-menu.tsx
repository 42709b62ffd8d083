import { useState } from "react";
import type { PluginDeclaration } from "../../algorithm/plugin.ts";

/** "add…" and, unfolded, what can be added, each with its sentence; a field to look for words where there are many. */
export function PluginMenu(props: { title: string; plugins: readonly PluginDeclaration[]; onChoose: (id: string) => void }) {
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState("");
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = props.plugins.filter((plugin) => {
    const text = `${plugin.name} ${plugin.id} ${plugin.explanation.sentence}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const close = () => {
    setOpen(false);
    setQuery("");
  };
  return (
    <>
      <button
        type="button"
        className="quiet more"
        aria-expanded={open}
        aria-label={`Add to ${props.title}`}
        onClick={() => (open ? close() : setOpen(true))}
      >
        add… {open ? "▴" : "▾"}
      </button>
      {open && (
        <section
          className="plugin-menu"
          aria-label={`What can be added to ${props.title}`}
          onKeyDown={(event) => event.key === "Escape" && close()}
        >
          <input
            type="search"
            // biome-ignore lint/a11y/noAutofocus: opened by a press of the button above it
            autoFocus
            placeholder="Search"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            aria-label={`Search in ${props.title}`}
          />
          <ul>
            {found.map((plugin) => (
              <li key={plugin.id}>
                <button
                  type="button"
                  className="quiet"
                  onClick={() => {
                    close();
                    props.onChoose(plugin.id);
                  }}
                >
                  <b>{plugin.name}</b>
                  <span className="dim">{plugin.explanation.sentence}</span>
                </button>
              </li>
            ))}
          </ul>
          {found.length === 0 && <p className="dim">Nothing here is called that.</p>}
        </section>
      )}
    </>
  );
}
