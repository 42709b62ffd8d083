/**
 * The little markup of lessons: blank lines part paragraphs, lines that begin with `- ` make a list, `**bold**`, `*stress*`, `` `code` ``, and
 * `[[term]]` or `[[term|other words]]` for a word that the glossary explains. Everything else is plain text: there are no links and no HTML.
 */

export type Inline =
  | { readonly kind: "text" | "strong" | "em" | "code"; readonly text: string }
  | { readonly kind: "term"; readonly id: string; readonly text: string };

export type Block =
  | { readonly kind: "paragraph"; readonly content: readonly Inline[] }
  | { readonly kind: "list"; readonly items: readonly (readonly Inline[])[] };

const INLINE = /\*\*(?<strong>[^*]+)\*\*|\*(?<em>[^*]+)\*|`(?<code>[^`]+)`|\[\[(?<id>[^\]|]+)(?:\|(?<words>[^\]]+))?\]\]/g;

export function parseInline(text: string): Inline[] {
  const parts: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) parts.push({ kind: "text", text: text.slice(from, match.index) });
    const { strong, em, code, id, words } = match.groups!;
    if (id !== undefined) parts.push({ kind: "term", id, text: words ?? id });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else if (em !== undefined) parts.push({ kind: "em", text: em });
    else parts.push({ kind: "code", text: code! });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}

export function parseMarkup(text: string): Block[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .filter((part) => part.trim() !== "")
    .flatMap((part): Block[] => {
      const lines = part.split("\n").map((line) => line.trim());
      const blocks: Block[] = [];
      const words: string[] = [];
      const flush = () => {
        if (words.length > 0) blocks.push({ kind: "paragraph", content: parseInline(words.splice(0).join(" ")) });
      };
      for (const line of lines) {
        if (!line.startsWith("- ")) {
          words.push(line);
          continue;
        }
        flush();
        const last = blocks.at(-1);
        const item = parseInline(line.slice(2));
        if (last?.kind === "list") blocks[blocks.length - 1] = { kind: "list", items: [...last.items, item] };
        else blocks.push({ kind: "list", items: [item] });
      }
      flush();
      return blocks;
    });
}

/** The terms that a text refers to. */
export const termsIn = (text: string): string[] =>
  parseMarkup(text)
    .flatMap((block) => (block.kind === "list" ? block.items.flat() : block.content))
    .flatMap((part) => (part.kind === "term" ? [part.id] : []));
