import type { Recipe } from "../recipe.ts";
import { dcpo } from "./dcpo.ts";
import { drpo } from "./drpo.ts";
import { gdpo } from "./gdpo.ts";
import { gppo } from "./gppo.ts";
import { riskpo } from "./riskpo.ts";
import { ucas } from "./ucas.ts";

/** Methods from single papers, each as its difference from GRPO. */
export const ATLAS_RECIPES: readonly Recipe[] = [dcpo, drpo, gdpo, gppo, riskpo, ucas];
