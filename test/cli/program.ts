// Runs `mod-smtpd` for tests: in this process with outputs of its own, or as a child process that is ended by its id.

import { spawn } from "node:child_process";
import { connect } from "node:net";
import { mkdtempSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { run } from "../../src/cli/run.ts";

export const repository = join(import.meta.dirname, "..", "..");
export const mainFile = join(repository, "src", "cli", "main.ts");

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process. */
export async function runHere(directory: string, ...args: readonly string[]): Promise<Result> {
  let out = "";
  let err = "";
  const code = await run(args, {
    directory,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    isTerminal: false,
    color: false,
  });
  return { code, out, err };
}

/** A directory of files, removed after the test, where "mod-smtpd" can be imported as an installed package is. */
export function directoryWith(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(repository, join(directory, "node_modules", "mod-smtpd"));
  symlinkSync(join(repository, "node_modules", "@types"), join(directory, "node_modules", "@types"));
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }\n');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** A child process whose output can be waited for. */
export class Child {
  out = "";
  err = "";
  readonly ended: Promise<number | null>;
  readonly #process;
  #heard = Promise.withResolvers<void>();

  /** Runs Node, this one or another, with these arguments in a directory; ended with the test at the latest. */
  constructor(
    t: TestContext,
    place: string | { readonly directory: string; readonly node: string },
    ...args: readonly string[]
  ) {
    const { directory, node } =
      typeof place === "string" ? { directory: place, node: process.execPath } : place;
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(node, args, { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    child.stdout.on("data", (bytes: Buffer) => this.#add("out", bytes));
    child.stderr.on("data", (bytes: Buffer) => this.#add("err", bytes));
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.on("close", (code) => {
      resolve(code);
      this.#heard.resolve();
    });
    this.ended = promise;
    t.after(async () => {
      child.kill("SIGKILL");
      await promise;
    });
  }

  #add(stream: "out" | "err", bytes: Buffer): void {
    this[stream] += bytes.toString();
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Waits until the standard output matches; fails when the process ends before. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out);
      if (found !== null) return found;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`ended without ${pattern}:\n${this.out}\n${this.err}`);
      }
      await this.#heard.promise;
    }
  }
}

/** A client that says its lines as the server's replies come in, and gives all replies. */
export function converse(port: number, lines: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port });
  const waiting = [...lines];
  let replies = "";
  let unread = "";
  socket.on("data", (bytes) => {
    replies += bytes.toString();
    unread += bytes.toString();
    // The last line of a reply has a space after its code
    if (!/^\d{3} .*\r\n$/m.test(unread)) return;
    unread = "";
    const next = waiting.shift();
    if (next !== undefined) socket.write(next.replaceAll("\n", "\r\n") + "\r\n");
  });
  socket.on("close", () => resolve(replies));
  socket.on("error", reject);
  return promise;
}
