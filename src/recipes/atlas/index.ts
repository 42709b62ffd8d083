import type { Recipe } from "../recipe.ts";
import { canon } from "./canon.ts";
import { chord } from "./chord.ts";
import { coReward } from "./co-reward.ts";
import { dcpo } from "./dcpo.ts";
import { drpo } from "./drpo.ts";
import { ead } from "./ead.ts";
import { gdpo } from "./gdpo.ts";
import { gppo } from "./gppo.ts";
import { highEntropyTokens } from "./high-entropy-tokens.ts";
import { laser } from "./laser.ts";
import { ngrpo } from "./ngrpo.ts";
import { nsrPsr } from "./nsr-psr.ts";
import { pacs } from "./pacs.ts";
import { riskpo } from "./riskpo.ts";
import { thr } from "./thr.ts";
import { treepo } from "./treepo.ts";
import { ucas } from "./ucas.ts";
import { unlikeliness } from "./unlikeliness-reward.ts";

/** Methods from single papers, each as its difference from GRPO. */
export const ATLAS_RECIPES: readonly Recipe[] = [
  dcpo,
  drpo,
  gdpo,
  gppo,
  riskpo,
  ucas,
  ead,
  thr,
  laser,
  coReward,
  chord,
  treepo,
  ngrpo,
  canon,
  nsrPsr,
  highEntropyTokens,
  pacs,
  unlikeliness,
];
