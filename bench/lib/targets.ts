// The servers under test and how each is started: one process (or tree) per start, on a port of 127.0.0.1 of its own.
// A server counts as ready when it has sent the first byte of a greeting to a connection, which is the same for all.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { benchFolder, freePort, peerVersion } from "./machine.ts";
import type { Certificate } from "./machine.ts";
import { pinned, serverCore, start, stop } from "./processes.ts";
import type { Started } from "./processes.ts";

export interface Target {
  readonly name: string;
  /** What exactly is measured, for the report; undefined when it is not installed here. */
  readonly version: string | undefined;
  readonly speaksTls: boolean;
  /** Left out of the loads, where it would repeat another one. */
  readonly startOnly?: true;
  readonly command: (port: number, folder: string, tls?: Certificate) => string[];
}

const file = (name: string): string => join(benchFolder, "targets", name);
const keys = (tls?: Certificate): string[] => (tls ? [tls.key, tls.cert] : []);
const repositoryRoot = join(benchFolder, "..");

function postfixVersion(): string | undefined {
  if (spawnSync("smtp-sink", [], { stdio: "ignore" }).error) return undefined;
  const text = spawnSync("postconf", ["-h", "mail_version"], { encoding: "utf8" }).stdout;
  return text?.trim() || "unknown version";
}

/** In the order of measuring and printing; the peers must be installed before. */
export function allTargets(): Target[] {
  const node = process.execPath;
  // smtp-sink does not want to stay root.
  const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  return [
    {
      name: "ours",
      version: existsSync(join(repositoryRoot, "src/index.ts")) ? "this tree" : undefined,
      speaksTls: true,
      command: (port, _folder, tls) => [node, file("ours.ts"), String(port), ...keys(tls)],
    },
    {
      name: "ours-built",
      version: existsSync(join(repositoryRoot, "dist/index.js")) ? "dist/ of this tree" : undefined,
      speaksTls: true,
      startOnly: true,
      command: (port, _folder, tls) => [node, file("ours-built.mjs"), String(port), ...keys(tls)],
    },
    {
      name: "raw",
      version: "canned replies on node:net",
      speaksTls: true,
      command: (port, _folder, tls) => [node, file("raw.mjs"), String(port), ...keys(tls)],
    },
    {
      name: "smtp-server",
      version: peerVersion("smtp-server"),
      speaksTls: true,
      command: (port, _folder, tls) => [node, file("smtp-server.mjs"), String(port), ...keys(tls)],
    },
    {
      name: "haraka",
      version: peerVersion("Haraka"),
      speaksTls: true,
      command: (port, folder, tls) => {
        const home = mkdtempSync(join(folder, "haraka-"));
        return [node, file("haraka.mjs"), String(port), home, ...keys(tls), ...(tls ? [tls.dhparams] : [])];
      },
    },
    {
      name: "smtp-sink",
      version: postfixVersion(),
      speaksTls: false,
      command: (port) => ["smtp-sink", ...asNobody, "-m", "20000", `127.0.0.1:${port}`, "511"],
    },
  ];
}

export interface Server {
  readonly target: Target;
  readonly pid: number;
  readonly port: number;
  /** From spawn to the first byte of the greeting. */
  readonly startMs: number;
  readonly stop: () => Promise<void>;
}

/** One connection attempt: true when a first byte came, false when nobody listens yet. */
function greeted(port: number, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (answer: boolean): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.setTimeout(limitMs, () => settle(false));
    socket.once("error", () => settle(false));
    socket.once("end", () => settle(false));
    socket.once("data", () => settle(true));
  });
}

const startLimitMs = 20_000;

export async function startServer(target: Target, folder: string, tls?: Certificate): Promise<Server> {
  const port = await freePort();
  const command = pinned(target.command(port, folder, tls), serverCore);
  const spawned = performance.now();
  const started: Started = start(command);
  let ended = false;
  void started.ended.then(() => (ended = true));
  while (!(await greeted(port, startLimitMs))) {
    if (ended || performance.now() - spawned > startLimitMs) {
      await stop(started);
      throw new Error(`${target.name} did not start: ${started.output().trim().slice(-600)}`);
    }
    await delay(1);
  }
  const startMs = performance.now() - spawned;
  return { target, pid: started.pid, port, startMs, stop: () => stop(started) };
}
