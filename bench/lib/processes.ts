// Starts programs pinned to a core, reads what /proc says about a tree of them, and ends each by its pid.
// Knows nothing of SMTP. Linux only: the figures come from /proc/PID/stat and /proc/PID/status.
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

export const serverCore = 0;
export const clientCore = 1;

const hasTaskset = spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** Why processes are not pinned, or undefined when they are. */
export const whyNotPinned = !hasTaskset
  ? "taskset is not available"
  : availableParallelism() < 2
    ? "there is one core only"
    : undefined;

/** Clock ticks per second, the unit of CPU time in /proc/PID/stat. */
const ticksPerSecond = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout) || 100;

const running = new Set<ChildProcess>();

/** A command line that runs `command` on one core with as many open files as the system allows. */
export function pinned(command: readonly string[], core: number): string[] {
  const pin = whyNotPinned === undefined ? ["taskset", "-c", String(core)] : [];
  return ["sh", "-c", 'ulimit -Sn "$(ulimit -Hn)"; exec "$@"', "sh", ...pin, ...command];
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The last 4,000 characters of what it printed. */
  readonly output: () => string;
  /** Resolves at its end, with the exit status or -1 after a signal or when it could not be started. */
  readonly ended: Promise<number>;
}

/** Starts `command`; it is ended with this process at the latest. */
export function start(command: readonly string[]): Started {
  const [file = "false", ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let text = "";
  const collect = (chunk: string): void => {
    text = (text + chunk).slice(-4_000);
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  child.stdin.on("error", () => {}); // it may end before it reads
  const ended = new Promise<number>((resolve) => {
    child.on("error", () => resolve(-1));
    child.on("close", (status) => resolve(status ?? -1));
  }).finally(() => running.delete(child));
  return { child, pid: child.pid ?? -1, output: () => text, ended };
}

/** Runs `command` to its end; throws with its output when it fails or takes longer than `limitMs`. */
export async function run(command: readonly string[], limitMs: number): Promise<string> {
  const started = start(command);
  const status = await Promise.race([started.ended, delay(limitMs, "late" as const, { ref: false })]);
  if (status === 0) return started.output();
  await stop(started);
  const why = status === "late" ? `took more than ${limitMs} ms` : `ended with ${status}`;
  throw new Error(`${command.slice(0, 12).join(" ")} ${why}: ${started.output().trim().slice(-300)}`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended already
  }
}

/** Ends a process and its children: SIGTERM, then SIGKILL after two seconds. */
export async function stop(started: Started): Promise<void> {
  if (started.pid === -1) return;
  const tree = treeOf(started.pid);
  for (const pid of tree) signal(pid, "SIGTERM");
  const status = await Promise.race([started.ended, delay(2_000, "late" as const, { ref: false })]);
  if (status === "late") for (const pid of tree) signal(pid, "SIGKILL");
  await started.ended;
}

process.on("exit", () => {
  for (const child of running) if (child.pid) for (const pid of treeOf(child.pid)) signal(pid, "SIGKILL");
});

/** The process and all its descendants. */
export function treeOf(pid: number): number[] {
  const pids = [pid];
  for (let index = 0; index < pids.length && index < 1_000; index += 1) {
    for (const thread of tryRead(() => readdirSync(`/proc/${pids[index]}/task`), [])) {
      const children = tryRead(
        () => readFileSync(`/proc/${pids[index]}/task/${thread}/children`, "utf8"),
        "",
      );
      pids.push(...children.split(" ").filter(Boolean).map(Number));
    }
  }
  return pids;
}

export interface Cpu {
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** CPU time of the tree, ended and reaped children included. */
export function cpuOf(pid: number): Cpu {
  let user = 0;
  let system = 0;
  for (const member of treeOf(pid)) {
    const stat = tryRead(() => readFileSync(`/proc/${member}/stat`, "utf8"), "");
    // proc(5): the name in parentheses may hold anything; utime, stime, cutime, cstime are fields 14 to 17.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    user += (fields[11] ?? 0) + (fields[13] ?? 0);
    system += (fields[12] ?? 0) + (fields[14] ?? 0);
  }
  return { userSeconds: user / ticksPerSecond, systemSeconds: system / ticksPerSecond };
}

/** A line of /proc/PID/status in KiB, summed over the tree: RssAnon is private memory, VmRSS all that is resident. */
export function memoryKib(pid: number, field: "RssAnon" | "VmRSS"): number {
  let total = 0;
  for (const member of treeOf(pid)) {
    const status = tryRead(() => readFileSync(`/proc/${member}/status`, "utf8"), "");
    total += Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  }
  return total;
}

function tryRead<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
