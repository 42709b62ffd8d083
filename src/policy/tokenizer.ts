/**
 * The vocabulary: one token a character. Eight specials, the line break, and printable ASCII: 104 tokens.
 * `<mask>`, `<think>`… are reserved, so that a policy pre-trained today keeps its token ids when tasks start to use them.
 */
export const SPECIAL_TOKENS = ["<pad>", "<bos>", "<eos>", "<mask>", "<think>", "</think>", "<tool>", "</tool>"] as const;

const FIRST_PRINTABLE = 32;
const LAST_PRINTABLE = 126;

export const PAD = 0;
export const BOS = 1;
export const EOS = 2;
/** Never drawn and never in a completion, so its log-probability after an answer's end is free to mean "this answer is right". */
export const VERDICT = 3;

/** Token id → text; specials by name. */
export const VOCABULARY: readonly string[] = [
  ...SPECIAL_TOKENS,
  "\n",
  ...Array.from({ length: LAST_PRINTABLE - FIRST_PRINTABLE + 1 }, (_, i) => String.fromCharCode(FIRST_PRINTABLE + i)),
];

const ID = new Map(VOCABULARY.map((text, id) => [text, id]));

/**
 * Text → token ids, without `<bos>` or `<eos>`. A special written out in the text is read as characters.
 * @throws RangeError naming the first character that is not in the vocabulary.
 */
export function encode(text: string): number[] {
  const ids: number[] = [];
  for (const character of text) {
    const id = ID.get(character);
    if (id === undefined) throw new RangeError(`the vocabulary has no character ${JSON.stringify(character)}`);
    ids.push(id);
  }
  return ids;
}

/** `<bos>` followed by the prompt's characters: what the policy continues. */
export function encodePrompt(prompt: string): Int32Array {
  return Int32Array.from([BOS, ...encode(prompt)]);
}

/** Token ids → text; specials are left out. Decoding stops at nothing: callers cut at `<eos>` first if they want to. */
export function decode(tokens: ArrayLike<number>): string {
  let text = "";
  for (let i = 0; i < tokens.length; i++) {
    const id = tokens[i];
    if (id >= SPECIAL_TOKENS.length) text += VOCABULARY[id] ?? "";
  }
  return text;
}

/** One token as a person should see it: a special by name, a line break as `⏎`, a space as `␣`. */
export function tokenLabel(id: number): string {
  const text = VOCABULARY[id] ?? `#${id}`;
  return text === "\n" ? "⏎" : text === " " ? "␣" : text;
}
