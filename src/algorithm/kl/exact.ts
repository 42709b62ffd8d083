import { SOURCES } from "../sources.ts";
import { exactPenalty } from "./penalty.ts";

/** The KL itself, summed over the vocabulary instead of estimated from the sampled token. */
export const exactKl = exactPenalty({
  id: "exact",
  name: "Exact KL",
  sentence: "The whole next-token distribution is compared with the base policy's, so the penalty has no sampling noise.",
  latex: "\\mathrm{KL}(\\pi\\,\\|\\,\\pi_{\\text{ref}}) = \\sum_v \\pi(v)\\,\\log\\frac{\\pi(v)}{\\pi_{\\text{ref}}(v)}",
  symbol: "\\mathrm{KL}",
  meaning: "KL divergence between the policy's and the base policy's next-token distributions",
  formulaOf: ({ direction }) =>
    direction === "forward"
      ? "\\mathrm{KL}(\\pi_{\\text{ref}}\\,\\|\\,\\pi) = \\sum_v \\pi_{\\text{ref}}(v)\\,\\log\\frac{\\pi_{\\text{ref}}(v)}{\\pi(v)}"
      : "\\mathrm{KL}(\\pi\\,\\|\\,\\pi_{\\text{ref}}) = \\sum_v \\pi(v)\\,\\log\\frac{\\pi(v)}{\\pi_{\\text{ref}}(v)}",
  source: SOURCES.finetuning,
  needs: ["reference", "currentLogits", "refLogits"],
  parameters: {
    direction: {
      kind: "choice",
      label: "Direction",
      default: "reverse",
      options: [
        { value: "reverse", label: "reverse: KL(policy ‖ base)" },
        { value: "forward", label: "forward: KL(base ‖ policy)" },
      ],
      effect: "Reverse punishes what the base would not say; forward punishes forgetting what the base would say.",
    },
  },
  divergence(now, ref, { direction }, gradient) {
    let kl = 0;
    for (let v = 0; v < now.length; v++) {
      const p = Math.exp(direction === "forward" ? ref[v] : now[v]);
      if (p > 0) kl += p * (direction === "forward" ? ref[v] - now[v] : now[v] - ref[v]);
    }
    for (let v = 0; v < now.length; v++) {
      const p = Math.exp(now[v]);
      if (direction === "forward") gradient[v] = p - Math.exp(ref[v]);
      else gradient[v] = p > 0 ? p * (now[v] - ref[v] - kl) : 0;
    }
    return kl;
  },
});
