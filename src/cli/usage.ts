/** Bad input on the command line: one line on standard error, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Names of errors that tell of bad input rather than of a fault of ours: they too end with one line and exit status 2. */
const INPUT_ERRORS: ReadonlySet<string> = new Set(["UsageError", "RecipeError", "CheckpointError", "GoldenError", "EngineError"]);

/** Whether an error is the user's to mend. File-system errors and `parseArgs`' complaints count. */
export function isInputError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return (
    INPUT_ERRORS.has(error.name) ||
    code.startsWith("ERR_PARSE_ARGS") ||
    ["ENOENT", "EACCES", "EISDIR", "ENOTDIR", "ENOSPC", "EROFS", "EEXIST"].includes(code)
  );
}

/** A whole number given to a flag. @throws UsageError unless it lies in [min, max]. */
export function integerFlag(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} must be a whole number ${range}, got ${JSON.stringify(text)}`);
  }
  return value;
}

/** A number given to a flag. @throws UsageError unless it lies in [min, max]. */
export function numberFlag(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max)) {
    throw new UsageError(`--${name} must be a number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  }
  return value;
}

/** Runs code whose RangeErrors and complaints about flags are the user's to mend. */
export function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError || isInputError(error)) throw new UsageError((error as Error).message);
    throw error;
  }
}
