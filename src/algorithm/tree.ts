/** A tree of rollouts of one prompt, as a sampler sees it while it grows. */

/** A segment: tokens that were generated in one go. */
export interface TreeNode {
  /** The node that it continues; −1: the prompt. */
  readonly parent: number;
  /** Segments from the prompt to here, this one included. */
  readonly depth: number;
  readonly tokens: ArrayLike<number>;
  /** Of those tokens, under the policy at temperature 1. */
  readonly logProbs: ArrayLike<number>;
  /** Open: more tokens may follow. Stopped: it ended with a stop token. Full: the longest completion is reached. */
  readonly state: "open" | "stopped" | "full";
}

export interface Tree {
  /** In the order in which they were generated: a parent comes before its children. */
  readonly nodes: readonly TreeNode[];
  /** Where the nodes of the last round begin; those before are older. */
  readonly lastRound: number;
}

/** The nodes from the first segment to this one. */
export function pathTo(tree: Tree, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at >= 0; at = tree.nodes[at].parent) path.push(at);
  return path.reverse();
}
