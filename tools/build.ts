// Compiles src/ to dist/ as it is published: `npm run build`, and tools/pack.ts for a directory of its own. Comments stay
// in the declarations, which editors show, and not in the JavaScript, whose source maps lead to them.

import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

/**
 * Writes `directory`/dist anew from `directory`/src by the tsconfig.build.json there. Throws with the compiler's words when
 * it finds a mistake.
 */
export function build(directory: string): void {
  rmSync(join(directory, "dist"), { recursive: true, force: true });
  // The compiler has one setting for the comments of both kinds of output, so it runs twice
  compile(directory, "--emitDeclarationOnly");
  compile(directory, "--declaration", "false", "--declarationMap", "false", "--removeComments");
  chmodSync(join(directory, "dist", "cli", "main.js"), 0o755);
}

function compile(directory: string, ...options: readonly string[]): void {
  const project = join(directory, "tsconfig.build.json");
  const types = join(root, "node_modules", "@types");
  const run = spawnSync(process.execPath, [compiler, "-p", project, "--typeRoots", types, ...options], {
    cwd: directory,
    encoding: "utf8",
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`tsc ${options.join(" ")}:\n${run.stdout}${run.stderr}`);
}

if (import.meta.main) build(root);
