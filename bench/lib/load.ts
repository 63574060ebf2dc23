// One measurement of one running server under one load: rate, CPU time of its process tree, user-mode instructions.
// CPU is read just before the client starts and just after it ended.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { countsInstructions } from "./machine.ts";
import { clientCore, cpuOf, pinned, run, treeOf } from "./processes.ts";
import type { Server } from "./targets.ts";
import type { Workload } from "./workloads.ts";

export interface Sample {
  readonly messages: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Per unit of the workload, user and system. */
  readonly cpuMicros: number;
  readonly userMicros: number;
  readonly instructions: number | undefined;
}

const clientLimitMs = 130_000;

/** perf counts the server for as long as the command given to it runs. */
function counted(command: string[], server: Server, file: string): string[] {
  const options = ["-x", ",", "-e", "instructions:u", "-o", file, "-p", treeOf(server.pid).join(",")];
  return ["perf", "stat", ...options, "--", ...command];
}

export async function measure(
  server: Server,
  workload: Workload,
  messages: number,
  folder: string,
): Promise<Sample> {
  const perfFile = join(folder, "perf.csv");
  const client = pinned(workload.command(server.port, messages), clientCore);
  const command = countsInstructions ? counted(client, server, perfFile) : client;
  const before = cpuOf(server.pid);
  const began = performance.now();
  const output = await run(command, clientLimitMs);
  const wallSeconds = (performance.now() - began) / 1_000;
  await delay(20); // the last connections are still being closed
  const after = cpuOf(server.pid);

  // client.ts tells its own time, without the start of its process; smtp-source starts in no time.
  const told = /"seconds":([\d.]+)/.exec(output)?.[1];
  const seconds = told ? Number(told) : wallSeconds;
  const units = messages * workload.unitsPerMessage;
  const user = after.userSeconds - before.userSeconds;
  const system = after.systemSeconds - before.systemSeconds;
  return {
    messages,
    seconds,
    perSecond: units / seconds,
    cpuMicros: ((user + system) * 1e6) / units,
    userMicros: (user * 1e6) / units,
    instructions: countsInstructions ? readInstructions(perfFile, units) : undefined,
  };
}

function readInstructions(file: string, units: number): number | undefined {
  const count = /^(\d+),/m.exec(readFileSync(file, "utf8"))?.[1];
  return count === undefined ? undefined : Number(count) / units;
}

/**
 * Warms the server up and works out how many messages keep it busy for `cpuSeconds`, in three times as long at most:
 * /proc counts CPU time in steps of 10 ms, so a server that mostly waits (smtp-server greets after 100 ms) needs longer.
 */
export async function calibrate(
  server: Server,
  workload: Workload,
  cpuSeconds: number,
  folder: string,
): Promise<number> {
  const enough = (sample: Sample, wanted: number): number => {
    const units = Math.min((wanted * 1e6) / sample.cpuMicros, wanted * 3 * sample.perSecond);
    return Math.min(workload.most, Math.max(workload.least, Math.round(units / workload.unitsPerMessage)));
  };
  const cold = await measure(server, workload, workload.warmUp, folder);
  const warm = await measure(server, workload, enough(cold, 0.3), folder);
  return enough(warm, cpuSeconds);
}
