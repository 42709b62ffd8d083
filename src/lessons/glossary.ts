import { METRICS } from "../loop/metric-names.ts";
import { LIST_SLOTS, PLUGINS, SLOT_NAMES, SLOTS } from "../recipes/slots.ts";
import { CONCEPTS } from "./concepts.ts";

/** Every term on screen: ideas in our words; knobs, plug-ins and metrics in the words of their declarations, so that these cannot differ. */

export interface Entry {
  readonly id: string;
  readonly kind: "idea" | "knob" | "method" | "metric";
  readonly title: string;
  readonly text: string;
  /** Where it belongs, such as the slot of a knob. */
  readonly where?: string;
  readonly also?: readonly string[];
  readonly see?: readonly string[];
}

let made: readonly Entry[] | undefined;

/** All entries, by title. */
export function glossary(): readonly Entry[] {
  made ??= [...ideas(), ...methods(), ...knobs(), ...metrics()].sort((a, b) => a.title.localeCompare(b.title, "en"));
  return made;
}

const ideas = (): Entry[] => Object.entries(CONCEPTS).map(([id, concept]) => ({ id, kind: "idea", ...concept }));

function methods(): Entry[] {
  return [...SLOTS, ...LIST_SLOTS].flatMap((slot) =>
    PLUGINS[slot].map(
      ({ id, name, explanation }): Entry => ({
        id: `${slot}=${id}`,
        kind: "method",
        title: name,
        text: explanation.sentence,
        where: SLOT_NAMES[slot],
        also: [id],
      }),
    ),
  );
}

/** Knobs that several plug-ins of a slot share, with the same words, are one entry. */
function knobs(): Entry[] {
  const entries = new Map<string, Entry & { also: string[] }>();
  for (const slot of [...SLOTS, ...LIST_SLOTS]) {
    for (const plugin of PLUGINS[slot]) {
      for (const [name, { label, effect }] of Object.entries(plugin.parameters)) {
        const key = `${slot} ${label} ${effect}`;
        const known = entries.get(key);
        if (known) known.also.push(plugin.name);
        else
          entries.set(key, {
            id: `${slot}=${plugin.id}.${name}`,
            kind: "knob",
            title: label,
            text: effect,
            where: SLOT_NAMES[slot],
            also: [name, plugin.name],
          });
      }
    }
  }
  return [...entries.values()];
}

const metrics = (): Entry[] =>
  METRICS.map(({ name, meaning, unit, trl, verl, difference }) => ({
    id: `metric=${name}`,
    kind: "metric",
    title: name,
    text: difference ? `${meaning} ${difference}` : meaning,
    where: unit || "number",
    also: [trl, verl].filter((other) => other !== undefined),
  }));

/** The entries that have all words of a query, those with it in the title first. */
export function searchGlossary(query: string): readonly Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return glossary();
  const text = ({ title, text, where, also }: Entry) => [title, text, where, ...(also ?? [])].join(" ").toLowerCase();
  const rank = ({ title, kind }: Entry) => {
    const lower = title.toLowerCase();
    return (lower.startsWith(words[0]) ? 0 : lower.includes(words[0]) ? 1 : 2) + (kind === "idea" ? 0 : 0.5);
  };
  return glossary()
    .filter((entry) => words.every((word) => text(entry).includes(word)))
    .sort((a, b) => rank(a) - rank(b));
}
