// What the packed package is checked with: the linters and the Node of tools/package, which are installed from the
// registry on the first run.

import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../cli/program.ts";

const directory = join(repository, "tools", "package");
const installed = install();

/** Why there are no checks here, for `skip`; in continuous integration that is a failure. */
export const withoutChecks: string | false = installed === undefined ? false : installed;

/** The oldest Node that is supported; undefined where its package has none for the platform. */
export const oldestNode = existing(
  join(directory, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node"),
);

/** TypeScript 5, which attw brings. */
export const oldTypeScript = join(directory, "node_modules", "typescript", "bin", "tsc");
export const typeScript = join(repository, "node_modules", "typescript", "bin", "tsc");

/** Arguments of Node that run one of the linters. */
export const linters = {
  publint: join(directory, "node_modules", "publint", "src", "cli.js"),
  attw: join(directory, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js"),
} as const;

/** Installs what is missing or older than the lock file; returns why it could not. */
function install(): string | undefined {
  const done = statSync(join(directory, "node_modules", ".package-lock.json"), { throwIfNoEntry: false });
  const locked = statSync(join(directory, "package-lock.json"));
  if (done !== undefined && locked.mtimeMs <= done.mtimeMs + 1_000) return undefined;
  const options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const run = spawnSync("npm", options, { cwd: directory, encoding: "utf8", timeout: 180_000 });
  if (run.status === 0) return undefined;
  const reason = `npm ci in tools/package: ${run.error?.message ?? run.stderr}`;
  if (process.env["CI"] !== undefined) throw new Error(reason);
  return reason;
}

function existing(file: string): string | undefined {
  return existsSync(file) ? file : undefined;
}
