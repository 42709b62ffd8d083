import type { AdvantagePlugin } from "../slots.ts";
import { bestMinusSecond } from "./bestMinusSecond.ts";
import { conditional } from "./canon.ts";
import { smoothStandardisation } from "./dcpo.ts";
import { expressionAdvantage } from "./expression.ts";
import { gae } from "./gae.ts";
import { gdpo } from "./gdpo.ts";
import { gpg } from "./gpg.ts";
import { groupRelative } from "./group.ts";
import { maxRl } from "./maxrl.ts";
import { virtualBest } from "./ngrpo.ts";
import { opo } from "./opo.ts";
import { optimalTokenBaseline } from "./optimalTokenBaseline.ts";
import { passAtK } from "./passAtK.ts";
import { reinforce } from "./reinforce.ts";
import { reinforcePlusPlus } from "./reinforcePlusPlus.ts";
import { reMax } from "./remax.ts";
import { riskAdvantage } from "./riskpo.ts";
import { selectedOnly } from "./selected.ts";
import { signedOutcome } from "./signed.ts";
import { treeAdvantage } from "./tree.ts";

/** The standard estimators; the first is GRPO's. */
export const ADVANTAGES: readonly [AdvantagePlugin, ...AdvantagePlugin[]] = [
  groupRelative,
  reinforce,
  reMax,
  reinforcePlusPlus,
  opo,
  gpg,
  maxRl,
  bestMinusSecond,
  passAtK,
  optimalTokenBaseline,
  gdpo,
  gae,
  selectedOnly,
  smoothStandardisation,
  riskAdvantage,
  virtualBest,
  conditional,
  signedOutcome,
  treeAdvantage,
  expressionAdvantage,
];
