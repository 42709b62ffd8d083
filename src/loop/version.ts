/**
 * Version of what a step computes. It goes up with every change after which the same recipe, policy and seed give other numbers, so that
 * runs kept from before are not taken for runs of today.
 */
export const LOOP_VERSION = 1;
