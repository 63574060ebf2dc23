// A program of the machine that serves while a test runs: started in the foreground, ready when it says so, ended by its
// process id, and its children by their group. Knows no protocol.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { findProgram } from "./programs.ts";

/** Milliseconds until it must be ready, and until it must have ended. */
const patienceMs = 20_000;

export class Daemon {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #ended: Promise<void>;
  #said = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.on("exit", () => resolve());
      child.on("error", () => resolve());
    });
    this.#ended = new Promise((resolve) => {
      child.on("close", () => resolve());
    });
  }

  /** Starts it and waits until its error output matches. Rejects with that output when it does not come. */
  static async start(program: string, args: readonly string[], ready: RegExp): Promise<Daemon> {
    const path = findProgram(program);
    if (path === undefined) throw new Error(`${program} is not installed`);
    const daemon = new Daemon(spawn(path, args, { stdio: ["ignore", "ignore", "pipe"], detached: true }));
    try {
      await daemon.#until(ready);
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  /** What it has written to its error output. */
  get log(): string {
    return this.#said;
  }

  /** Ends it and waits for that. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs);
    await this.#exited;
    clearTimeout(timer);
    // Children may go on as long as somebody is connected; the group is the one that `detached` has made
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // None is left
    }
    await this.#ended;
  }

  #until(ready: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why}:\n${this.#said}`));
      const timer = setTimeout(() => fail("not ready in time"), patienceMs);
      this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        if (!ready.test(this.#said)) return;
        clearTimeout(timer);
        resolve();
      });
      this.#child.on("error", reject);
      this.#child.on("close", () => {
        clearTimeout(timer);
        fail("ended before it was ready");
      });
    });
  }
}

/** Resolves when somebody listens at the port of 127.0.0.1: slapd says that it is starting a moment before. */
export async function listening(port: number): Promise<void> {
  for (let tries = patienceMs / 20; tries > 0; tries--) {
    if (await canConnect(port)) return;
    await pause(20);
  }
  throw new Error(`nobody listens at port ${port}`);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
