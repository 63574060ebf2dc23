// What matters to an application that carries the server inside: memory per idle session, and the time from its start
// to the first greeting. Servers take turns, each start is a fresh process.
import { idleLevels, measureIdle } from "./idle.ts";
import { maxOpenFiles } from "./machine.ts";
import { memoryKib } from "./processes.ts";
import { figure, spread, table } from "./report.ts";
import type { Spread } from "./report.ts";
import type { Outcome } from "./rounds.ts";
import { startServer } from "./targets.ts";
import type { Target } from "./targets.ts";

const leastStarts = 7;

function withRange(value: Spread | undefined): string {
  return value ? `${figure(value.median)} (${figure(value.min)}-${figure(value.max)})` : "failed";
}

/** Calls `once` for each target in turn, `turns` times; a failure is said and leaves a hole. */
async function inTurn<T>(
  name: string,
  targets: readonly Target[],
  turns: number,
  once: (target: Target) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(targets.map((target) => [target.name, []]));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const target of targets) {
      try {
        results.get(target.name)?.push(await once(target));
      } catch (error) {
        console.error(`bench: ${name}, ${target.name}: ${(error as Error).message}`);
      }
    }
  }
  return results;
}

/** KiB of private memory per idle session. */
export async function idleTable(
  targets: readonly Target[],
  rounds: number,
  folder: string,
): Promise<Outcome> {
  const levels = idleLevels.filter((level) => level + 200 <= maxOpenFiles());
  const results = await inTurn("idle", targets, rounds, (target) => measureIdle(target, levels, folder));
  const head = ["target", ...levels.map((level) => `KiB/session at ${level.toLocaleString("en-US")}`)];
  const rows = [...results].map(([name, runs]) => [
    name,
    ...levels.map((_, index) => withRange(spread(runs.map((figures) => figures[index] ?? NaN)))),
  ]);
  const left =
    levels.length < idleLevels.length ? "\n(fewer levels: the limit of open files is too low)\n" : "";
  const title = "### idle: private memory of open sessions past EHLO";
  const goal = "ours must: 6 KiB; aim: 4 KiB";
  return {
    text: `${title}\n\n${goal}\n${left}\n${table(head, rows)}\n`,
    rounds: Object.fromEntries(results),
  };
}

/** Milliseconds from spawn to the first byte of a greeting, and what is resident then. */
export async function startTable(
  targets: readonly Target[],
  rounds: number,
  folder: string,
): Promise<Outcome> {
  const turns = Math.max(leastStarts, rounds);
  const results = await inTurn("start", targets, turns, async (target) => {
    const server = await startServer(target, folder);
    const residentMib = memoryKib(server.pid, "VmRSS") / 1_024;
    await server.stop();
    return { startMs: server.startMs, residentMib };
  });
  const head = ["target", "ms to the greeting", "MiB resident"];
  const rows = [...results].map(([name, starts]) => [
    name,
    withRange(spread(starts.map((one) => one.startMs))),
    withRange(spread(starts.map((one) => one.residentMib))),
  ]);
  const title = `### start: from spawn to the first byte of a greeting, ${turns} starts`;
  const goal = "ours must: 200 ms, 70 MiB; aim: 150 ms";
  return { text: `${title}\n\n${goal}\n\n${table(head, rows)}\n`, rounds: Object.fromEntries(results) };
}
