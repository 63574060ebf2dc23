// Compiles src/ to dist/ as it is published: `npm run build`, and tools/pack.ts for a directory of its own. Comments stay
// in the declarations, which editors show, and not in the JavaScript. Source maps name file and line of the TypeScript for
// stack traces and do not hold it. Declarations are those that an entry point leads to.

import { spawnSync } from "node:child_process";
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reachedDeclarations } from "./build/declarations.ts";
import { lineMap } from "./build/line-maps.ts";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

/**
 * What stack traces write before the path of a source. It is no address of a file, so nothing looks for the sources, which
 * are not in the package.
 */
export const sourceRoot = "mod-smtpd:///src/";

/** Writes `directory`/dist anew from src/. Throws with the compiler's words when it finds a mistake. */
export function build(directory: string): void {
  const output = join(directory, "dist");
  rmSync(output, { recursive: true, force: true });
  // The compiler has one setting for the comments of both kinds of output, so it runs twice
  compile(output, "--emitDeclarationOnly", "--sourceMap", "false");
  compile(output, "--declaration", "false", "--removeComments", "--sourceRoot", sourceRoot);
  chmodSync(join(output, "cli", "main.js"), 0o755);

  for (const name of globSync("**/*.js.map", { cwd: output })) {
    const path = join(output, name);
    writeFileSync(path, lineMap(readFileSync(path, "utf8")));
  }
  const names = globSync("**/*.d.ts", { cwd: output }).map((name) => name.replaceAll("\\", "/"));
  const there = new Set(names);
  const read = (name: string): string | undefined =>
    there.has(name) ? readFileSync(join(output, name), "utf8") : undefined;
  const reached = reachedDeclarations(entryPoints(), read);
  for (const name of names) if (!reached.has(name)) rmSync(join(output, name));
}

/** The declarations of the exports of package.json, within dist/. */
function entryPoints(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string>>;
  };
  return Object.values(exports).flatMap((path) => {
    const inner = /^\.\/src\/(.+)\.ts$/.exec(path)?.[1];
    return inner === undefined ? [] : `${inner}.d.ts`;
  });
}

function compile(output: string, ...options: readonly string[]): void {
  const project = join(root, "tsconfig.build.json");
  const run = spawnSync(process.execPath, [compiler, "-p", project, "--outDir", output, ...options], {
    cwd: root,
    encoding: "utf8",
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`tsc ${options.join(" ")}:\n${run.stdout}${run.stderr}`);
}

if (import.meta.main) build(root);
