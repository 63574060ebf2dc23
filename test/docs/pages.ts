// The pages of docs/ that hold code, their blocks, and what the compiler says about them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { directoryWith, repository } from "../cli/program.ts";

/** Pages written by hand whose code is checked here. */
export const codePages = [
  "lifecycle.md",
  "hooks.md",
  "writing-a-module.md",
  "authentication.md",
  "errors.md",
  "migrating-from-smtp-server.md",
  "migrating-from-haraka.md",
  "proxies.md",
  "README.md",
] as const;

/** All pages whose links are checked here. */
export const linkPages = [...codePages, "api.md"] as const;

export interface Block {
  readonly language: string;
  readonly text: string;
}

export function readPage(page: string): string {
  return readFileSync(join(repository, "docs", page), "utf8");
}

/** Fenced blocks in order. */
export function blocksOf(page: string): readonly Block[] {
  return [...readPage(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

/** Blocks of code by the file name in their first line. */
export function filesOf(page: string): Readonly<Record<string, string>> {
  const code = blocksOf(page).filter(({ language }) => language === "ts" || language === "js");
  return Object.fromEntries(
    code.map(({ text }) => [/^\/\/ (\S+\.(?:ts|js|mjs))\n/.exec(text)?.[1] ?? "nameless", text]),
  );
}

/**
 * A directory with a folder for each page that holds its files, where "mod-smtpd" can be imported. Removed after the test.
 */
export function writePages(t: TestContext): string {
  const directory = directoryWith(t);
  for (const page of codePages) {
    const folder = join(directory, page.replace(".md", ""));
    mkdirSync(folder);
    for (const [name, text] of Object.entries(filesOf(page))) writeFileSync(join(folder, name), text);
  }
  return directory;
}

/** The compiler's complaints about the files of a directory, under the settings of the repository. */
export function complaints(directory: string): readonly string[] {
  const base = JSON.parse(readFileSync(join(repository, "tsconfig.json"), "utf8")) as {
    compilerOptions: object;
  };
  const config = { compilerOptions: base.compilerOptions, include: ["*/*.ts"], exclude: ["node_modules"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(repository, "node_modules", "typescript", "bin", "tsc");
  const run = spawnSync(process.execPath, [compiler, "-p", directory], { cwd: directory, encoding: "utf8" });
  assert.equal(run.error, undefined);
  // The sources of mod-smtpd are checked by themselves
  return run.stdout.split("\n").filter((line) => /^[\w-]+\/[\w.-]+\(\d/.test(line));
}

/** Makes a package of bench/peers importable from a directory. */
export function linkPeer(directory: string, name: string): void {
  const peer = join(repository, "bench", "peers", "node_modules", name);
  symlinkSync(peer, join(directory, "node_modules", name));
}
