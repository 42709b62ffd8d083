/** A checkpoint that cannot be used. The message is one sentence for a person. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}
