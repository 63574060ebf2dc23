// What a session costs that is only open: private memory of the server, per session, greeted and past EHLO.
// One fresh server; the client opens up to each level, the server gets a moment to settle, then its memory is read.
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Certificate } from "./machine.ts";
import { clientCore, memoryKib, pinned, start, stop } from "./processes.ts";
import { startServer } from "./targets.ts";
import type { Target } from "./targets.ts";
import { clientFile } from "./workloads.ts";

export const idleLevels = [2_000, 10_000] as const;

/** Reads private memory until it changes by less than 1 % in half a second, three seconds at most. */
async function settled(pid: number): Promise<number> {
  let last = memoryKib(pid, "RssAnon");
  for (let turn = 0; turn < 6; turn += 1) {
    await delay(500);
    const now = memoryKib(pid, "RssAnon");
    const still = Math.abs(now - last) < last / 100;
    last = now;
    if (still) break;
  }
  return last;
}

/** KiB of private memory per session at each of `levels`, counted from the server before its first session. */
export async function measureIdle(
  target: Target,
  levels: readonly number[],
  folder: string,
  tls?: Certificate,
): Promise<number[]> {
  const server = await startServer(target, folder, tls);
  const empty = await settled(server.pid);
  const command = [process.execPath, clientFile, "idle", String(server.port), ...levels.map(String)];
  const client = start(pinned(command, clientCore));
  try {
    const figures: number[] = [];
    for (const level of levels) {
      const limit = AbortSignal.timeout(60_000);
      while (!client.output().includes(`open ${level}\n`)) {
        const more = client.child.stdout ? once(client.child.stdout, "data", { signal: limit }) : delay(10);
        const ended = await Promise.race([more, client.ended]);
        if (typeof ended === "number") throw new Error(`idle client ended: ${client.output().slice(-300)}`);
      }
      figures.push(((await settled(server.pid)) - empty) / level);
      client.child.stdin?.write("\n");
    }
    return figures;
  } finally {
    await stop(client);
    await server.stop();
  }
}
