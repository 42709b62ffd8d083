import { commandLine } from "./command-line.ts";

// A reader that went away (`| head`) ends the program quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const status = await commandLine(process.argv.slice(2));
process.exit(status || process.exitCode);
