import type { Recipe } from "../recipe.ts";
import { chord } from "./chord.ts";
import { coReward } from "./co-reward.ts";
import { dcpo } from "./dcpo.ts";
import { drpo } from "./drpo.ts";
import { ead } from "./ead.ts";
import { gdpo } from "./gdpo.ts";
import { gppo } from "./gppo.ts";
import { laser } from "./laser.ts";
import { riskpo } from "./riskpo.ts";
import { thr } from "./thr.ts";
import { treepo } from "./treepo.ts";
import { ucas } from "./ucas.ts";

/** Methods from single papers, each as its difference from GRPO. */
export const ATLAS_RECIPES: readonly Recipe[] = [dcpo, drpo, gdpo, gppo, riskpo, ucas, ead, thr, laser, coReward, chord, treepo];
