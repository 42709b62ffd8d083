import type { ObjectivePlugin } from "../slots.ts";
import { cispo } from "./cispo.ts";
import { clippedSurrogate } from "./clipped.ts";
import { clipCov, klCov } from "./covariance.ts";
import { dppo } from "./dppo.ts";
import { dro } from "./dro.ts";
import { decoupledReward } from "./drpo.ts";
import { dynamicClip } from "./dynamic-clip.ts";
import { expressionObjective } from "./expression.ts";
import { gmpo } from "./gmpo.ts";
import { gradientPreserving } from "./gradient-preserving.ts";
import { gspo } from "./gspo.ts";
import { luspo } from "./luspo.ts";
import { implicitCritic } from "./pacs.ts";
import { gpgLoss, reinforce } from "./reinforce.ts";
import { sapo } from "./sapo.ts";
import { vespo } from "./vespo.ts";

export const OBJECTIVES: readonly [ObjectivePlugin, ...ObjectivePlugin[]] = [
  clippedSurrogate,
  gspo,
  luspo,
  cispo,
  sapo,
  gmpo,
  vespo,
  dppo,
  clipCov,
  klCov,
  reinforce,
  gpgLoss,
  dro,
  dynamicClip,
  gradientPreserving,
  decoupledReward,
  implicitCritic,
  expressionObjective,
];
