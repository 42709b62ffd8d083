import type { Random } from "../policy/random.ts";

/** Ways to get one word wrong, for demonstrations that reinforcement learning repairs. Each takes at least one character. */

/** Two neighbours change places. */
export function swapNeighbours(word: string, random: Random): string {
  if (word.length < 2) return word + word;
  const at = random.integer(0, word.length - 2);
  return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
}

/** One character is forgotten. */
export function dropOne(word: string, random: Random): string {
  if (word.length < 2) return word + word;
  const at = random.integer(0, word.length - 1);
  return word.slice(0, at) + word.slice(at + 1);
}

/** One character comes twice. */
export function doubleOne(word: string, random: Random): string {
  const at = random.integer(0, word.length - 1);
  return word.slice(0, at + 1) + word.slice(at);
}

/** The word spelt out, or with something dangling after it: not readable as an answer. */
export function garble(word: string, random: Random): string {
  return random.next() < 0.5 && word.length > 1 ? [...word].join(" ") : `${word}${random.pick(["?", ".", ":", ","])}`;
}
