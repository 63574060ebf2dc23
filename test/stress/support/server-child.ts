// The server under stress in a process of its own, so that its memory and descriptors can be told from the client's.
// Started by server-process.ts; answers its questions over IPC.

import { rmSync } from "node:fs";
import type { Clock } from "../../../src/hooks/environment.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import type { ServerOptions } from "../../../src/server/options.ts";
import { createServerReading } from "../../../src/server/server.ts";
import { FakeClock } from "../../hooks/fake-clock.ts";
import { faulty, Holder, queueModules, Watcher } from "./server-modules.ts";
import type { Queue } from "./server-modules.ts";

export interface ChildOptions extends Pick<ServerOptions, "limits" | "spoolDirectory" | "tls" | "listen"> {
  readonly readMode: ReadMode;
  readonly queue: Queue;
  /** Whether the clock stands still until `advance`. */
  readonly manualClock?: boolean;
  /** Whether an observer counts reports; default true. */
  readonly watched?: boolean;
}

export type Question =
  | { readonly ask: "facts" }
  /** With `--expose-gc`. */
  | { readonly ask: "heap" }
  | { readonly ask: "release" }
  | { readonly ask: "advance"; readonly ms: number }
  | { readonly ask: "remove"; readonly directory: string }
  | { readonly ask: "close"; readonly drainMs: number };

/** What the server knows of itself. */
export interface Facts {
  readonly sessions: number;
  /** Octets of the memory budget in use. */
  readonly memoryUsed: number;
  readonly held: number;
  readonly aborted: number;
  readonly opened: number;
  readonly closed: number;
  readonly faults: number;
  readonly received: number;
  readonly limit: string;
  readonly queued: string;
}

async function main({ readMode, queue, manualClock, watched, ...options }: ChildOptions): Promise<void> {
  const holder = new Holder();
  const watcher = new Watcher();
  const clock = new FakeClock();
  const server = createServerReading(
    {
      hostname: "mx.test",
      listen: [{ port: 0 }],
      modules: [watched !== false && watcher.module(), faulty, holder.module(), queueModules(queue)],
      ...(manualClock === true ? { clock: clock satisfies Clock } : {}),
      ...options,
    },
    readMode,
  );

  const facts = (): Facts => {
    const { opened, closed, faults, received, limit, queued } = watcher;
    const { held, aborted } = holder;
    const { sessionCount: sessions, memoryUsed } = server;
    return { sessions, memoryUsed, held, aborted, opened, closed, faults, received, limit, queued };
  };
  const answer = async (question: Question): Promise<unknown> => {
    switch (question.ask) {
      case "facts":
        return facts();
      case "heap":
        return await heapUsed();
      case "release":
        return holder.release();
      case "advance":
        return clock.advance(question.ms);
      case "remove":
        return rmSync(question.directory, { recursive: true });
      case "close":
        return await server.close({ drainMs: question.drainMs });
    }
  };
  process.on("message", (question: Question) => {
    void answer(question).then((value) => process.send?.({ value }));
  });
  process.on("disconnect", () => process.exit());
  const addresses = await server.listen();
  process.send?.({ value: addresses.map(({ port }) => port) });
}

/** Octets on the heap that something still refers to. */
async function heapUsed(): Promise<number> {
  let least = Infinity;
  // What a collection frees may be referred to by something that the next one frees
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    least = Math.min(least, process.memoryUsage().heapUsed);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  return least;
}

await main(JSON.parse(process.argv[2] ?? "{}") as ChildOptions);
