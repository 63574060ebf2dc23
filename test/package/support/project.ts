// The packed package, and folders of users who installed it. Packs once for all tests of the process.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pack } from "../../../tools/pack.ts";
import type { Packed } from "../../../tools/pack.ts";

const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-package-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

export const packed: Packed = pack(directory);

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * A folder into which the package was installed under one Node; removed with the process. Before that it was empty, but for
 * a package.json where a text for one is given.
 */
export class Project {
  readonly directory = mkdtempSync(join(directory, "project-"));
  readonly node: string;

  constructor(node: string, manifest?: string) {
    this.node = node;
    if (manifest !== undefined) this.write({ "package.json": manifest });
    // The package needs nothing besides itself, so no registry either
    const options = ["--offline", "--no-audit", "--no-fund"];
    // In a folder without package.json npm would look for one further up, and install there
    const { code, err } = this.run("npm", "install", ...options, "--prefix", this.directory, packed.file);
    assert.equal(code, 0, err);
    assert.ok(existsSync(this.installed("package.json")), "installed elsewhere");
  }

  /** A path within the installed package. */
  installed(...path: readonly string[]): string {
    return join(this.directory, "node_modules", "mod-smtpd", ...path);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text);
  }

  /** Runs a command to its end in the folder; the Node that it finds is that of the project. */
  run(command: string, ...args: readonly string[]): Outcome {
    const path = `${dirname(this.node)}${delimiter}${process.env["PATH"] ?? ""}`;
    const run = spawnSync(command, args, {
      cwd: this.directory,
      encoding: "utf8",
      env: { ...process.env, PATH: path, NO_COLOR: "1" },
      timeout: 60_000,
    });
    assert.equal(run.error, undefined);
    return { code: run.status, out: run.stdout, err: run.stderr };
  }

  /** Runs Node on a program given as text, as an ES module unless `type` says otherwise; returns what it prints. */
  evaluate(program: string, type: "module" | "commonjs" = "module"): string {
    const { code, out, err } = this.run(this.node, `--input-type=${type}`, "--eval", program);
    assert.equal(code, 0, err);
    return out.trim();
  }
}

/** The TypeScript blocks of the README that came with the package, by the file name in their first line. */
export function readmeFiles(project: Project): Readonly<Record<string, string>> {
  const readme = readFileSync(project.installed("README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts\n(\/\/ (\S+\.m?ts)\n[^]*?)^```$/gm)];
  return Object.fromEntries(blocks.map(([, text = "", name = ""]) => [name, text]));
}
