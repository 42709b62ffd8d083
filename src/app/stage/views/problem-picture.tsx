import type { ReactNode } from "react";
import type { Problem } from "../../../tasks/task.ts";

/** A problem as a picture: given things are solid tiles, what is asked for is dashed. Screen readers get the prompt's text instead. */
export function ProblemPicture({ problem }: { problem: Problem }) {
  return (
    <div className="picture" role="img" aria-label={problem.prompt}>
      {PICTURES[problem.task]?.(problem.data, problem) ?? <code>{problem.prompt}</code>}
    </div>
  );
}

/** What the verifier checks, in a sentence with this problem's own numbers. */
export function checkOf(problem: Problem): string {
  return CHECKS[problem.task]?.(problem.data, problem) ?? "The answer must be right.";
}

type Reader<T> = (data: unknown, problem: Problem) => T;

interface Game {
  readonly numbers: readonly number[];
  readonly target: number;
}
interface Sum {
  readonly a: number;
  readonly b: number;
}
interface Composition {
  readonly functions: readonly string[];
  readonly word: string;
}

// The same sign may come twice; its place tells it apart.
const tiles = (signs: readonly (string | number)[], kind = "") =>
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  signs.map((sign, i) => <Tile key={i} sign={sign} kind={kind} />);

const Tile = ({ sign, kind = "" }: { sign: string | number; kind?: string }) => <span className={`tile ${kind}`}>{sign}</span>;

const asked = (length: number) => tiles(new Array<string>(length).fill("?"), "asked");

/** Letters in, the same number of letters out. */
const word: Reader<ReactNode> = (data) => {
  const letters = [...String(data)];
  return (
    <div className="stacked">
      <div className="tiles">{tiles(letters)}</div>
      <div className="tiles">{asked(letters.length)}</div>
    </div>
  );
};

const PICTURES: Readonly<Record<string, Reader<ReactNode>>> = {
  countdown(data) {
    const { numbers, target } = data as Game;
    return (
      <>
        <div className="tiles">{tiles(numbers, "number")}</div>
        <span className="operators">{"+ −\n× ÷"}</span>
        <span className="becomes">=</span>
        <Tile sign={target} kind="target" />
      </>
    );
  },
  addition(data) {
    const { a, b } = data as Sum;
    const width = String(a + b).length;
    const digits = (n: number) => tiles([...String(n).padStart(width, " ")], "digit");
    return (
      <div className="column-sum">
        <div className="tiles">{digits(a)}</div>
        <div className="tiles">
          <span className="plus">+</span>
          {digits(b)}
        </div>
        <div className="tiles result">{asked(width)}</div>
      </div>
    );
  },
  sort: word,
  reverse: word,
  compose(data) {
    const { functions, word: inner } = data as Composition;
    return functions.reduce<ReactNode>(
      (inside, name) => (
        <div key={name} className="nested">
          <b>{name}</b>
          {inside}
        </div>
      ),
      <div className="tiles">{tiles([...inner])}</div>,
    );
  },
};

const CHECKS: Readonly<Record<string, Reader<string>>> = {
  countdown(data) {
    const { target } = data as Game;
    return `Every number once, = ${target}.`;
  },
  addition: () => "Every digit must be right.",
  sort: (data) => `All ${String(data).length} digits, smallest first.`,
  reverse: (data) => `All ${String(data).length} letters, last first.`,
  compose: (data) => {
    const { functions } = data as Composition;
    return functions.length > 1 ? `Inside first: ${functions.join(", ")}.` : `${functions[0]}, applied to the word.`;
  },
};
