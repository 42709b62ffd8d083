/** Pieces that several plug-ins' formulas share (LaTeX). */

/** Names that people give, as text of a formula: what would be a command is left out. */
export const plainText = (name: string): string => name.replace(/[^\w .-]/g, "").replaceAll("_", "\\_");

export interface Whitening {
  /** Over tokens ε is added to the variance, over rollouts to the standard deviation. */
  readonly over: "tokens" | "rollouts";
  /** 0 divides the sum of squares by n, 1 by n − 1, which is not written. Default 1. */
  readonly ddof?: unknown;
  /** The symbol of ε. */
  readonly eps?: string;
}

/** `made = (before − mean(all)) / spread(all)`. */
export function whitened(made: string, before: string, all: string, { over, ddof = 1, eps = "\\varepsilon" }: Whitening): string {
  const kind = ddof === 0 ? "_{\\text{ddof }0}" : "";
  const spread = over === "tokens" ? `\\sqrt{\\mathrm{var}${kind}(${all}) + ${eps}}` : `\\mathrm{std}${kind}(${all}) + ${eps}`;
  const scope = over === "tokens" ? "" : "_{\\text{rollouts}}";
  return `${made} = \\frac{${before} - \\mathrm{mean}${scope}(${all})}{${spread}}`;
}
