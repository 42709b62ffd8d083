import { Fragment } from "react";
import { type Inline, parseMarkup } from "../../lessons/markup.ts";
import { Term } from "../glossary/term.tsx";

/** A lesson's text; on paper its terms are plain words. */
export function LessonText({ text, plain = false }: { text: string; plain?: boolean }) {
  return parseMarkup(text).map((block, i) =>
    block.kind === "paragraph" ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a text does not change its parts' order
      <p key={i}>
        <Inlines content={block.content} plain={plain} />
      </p>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: see above
      <ul key={i}>
        {block.items.map((item, j) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={j}>
            <Inlines content={item} plain={plain} />
          </li>
        ))}
      </ul>
    ),
  );
}

function Inlines({ content, plain }: { content: readonly Inline[]; plain: boolean }) {
  return content.map((part, i) => {
    switch (part.kind) {
      case "strong":
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        return <b key={i}>{part.text}</b>;
      case "em":
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        return <em key={i}>{part.text}</em>;
      case "code":
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        return <code key={i}>{part.text}</code>;
      case "term":
        return plain ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <Fragment key={i}>{part.text}</Fragment>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <Term key={i} id={part.id}>
            {part.text}
          </Term>
        );
      default:
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        return <Fragment key={i}>{part.text}</Fragment>;
    }
  });
}
