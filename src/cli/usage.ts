/** Bad input on the command line: one line on standard error, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Names of errors that tell of bad input rather than of a fault of ours: they too end with one line and exit status 2. */
const INPUT_ERRORS: ReadonlySet<string> = new Set([
  "UsageError",
  "RecipeError",
  "CheckpointError",
  "GoldenError",
  "EngineError",
  "ContextError",
]);

/** What the file system refuses, in words. */
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EROFS: "it lies on a read-only disk",
  EISDIR: "it is a folder, a file is needed",
  ENOTDIR: "part of the path is a file, a folder is needed",
  EEXIST: "it is a file, a folder is needed",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than allowed",
  EIO: "the disk failed",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its links lead in a circle",
};

/** What the file system refused, as one sentence that names the path where it is known; undefined for other errors. */
export function fileProblem(error: unknown, path = (error as NodeJS.ErrnoException | undefined)?.path): string | undefined {
  const words = FILE_ERRORS[(error as NodeJS.ErrnoException | undefined)?.code ?? ""];
  if (!words) return undefined;
  return path === undefined ? words : `${path}: ${words}`;
}

/** One line about an error that is the user's to mend (file-system errors and `parseArgs`' complaints count); undefined for a fault of ours. */
export function inputProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = String((error as NodeJS.ErrnoException).code ?? "");
  if (INPUT_ERRORS.has(error.name) || code.startsWith("ERR_PARSE_ARGS")) return error.message.split("\n")[0];
  return fileProblem(error);
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
