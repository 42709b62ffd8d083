import type { Lesson } from "../lesson.ts";
import { clipping } from "./clipping.ts";
import { entropy } from "./entropy.ts";
import { length } from "./length.ts";
import { oneUpdate } from "./one-update.ts";
import { passAtK } from "./pass-at-k.ts";
import { rewardHacking } from "./reward-hacking.ts";
import { theStd } from "./the-std.ts";
import { verifiableReward } from "./verifiable-reward.ts";
import { whyAGroup } from "./why-a-group.ts";

/** The lessons that ship, in the order in which they build on each other. */
export const LESSONS: readonly Lesson[] = [
  oneUpdate,
  verifiableReward,
  whyAGroup,
  theStd,
  clipping,
  entropy,
  rewardHacking,
  passAtK,
  length,
];

export const lessonById = (id: string): Lesson | undefined => LESSONS.find((lesson) => lesson.id === id);
