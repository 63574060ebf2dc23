// Modules of the server under stress: queues that sum messages up, in the three ways that a message can be consumed;
// hooks that hold a session until they are told to let go; hooks that leave errors behind; an observer that counts.

import { createHash } from "node:crypto";
import type { ServerModule } from "../../../src/hooks/module.ts";
import type { Report } from "../../../src/hooks/report.ts";
import type { HookEvent, QueueEvent, SessionInfo } from "../../../src/hooks/stages.ts";
import type { Stage } from "../../../src/hooks/table.ts";
import { accept, queued } from "../../../src/hooks/verdict.ts";
import { discard } from "../../../src/modules/discard.ts";
import { sumText } from "./message.ts";

export const queues = ["stored", "streamed", "discard"] as const;
export type Queue = (typeof queues)[number];

const everybody: ServerModule = { name: "everybody", rcpt: () => accept() };

/** Takes every message, read in the way of that name: `discard` reads nothing. */
export function queueModules(queue: Queue): readonly ServerModule[] {
  if (queue === "discard") return [everybody, discard()];
  return [everybody, queue === "stored" ? stored : streamed];
}

/** Reads the message through once it is complete: by way of memory or the spool. */
const stored: ServerModule = { name: "stored", queue: async (event) => queued(await sumUp(event)) };

async function sumUp({ message }: QueueEvent): Promise<string> {
  const hash = createHash("sha256");
  let octets = 0;
  let receivedSkipped = false;
  for await (const chunk of message.stream()) {
    const rest = receivedSkipped ? chunk : chunk.subarray(firstFieldLength(chunk));
    receivedSkipped = true;
    hash.update(rest);
    octets += rest.length;
  }
  return sumText(octets, hash.digest("hex"));
}

/** Octets of the first field of a header block that comes in one piece. */
function firstFieldLength(header: Uint8Array): number {
  const end = /\r\n(?![ \t])/.exec(Buffer.from(header).toString("latin1"));
  return end === null ? header.length : end.index + 2;
}

/** Reads the body as it comes: nothing is stored. */
const streamed: ServerModule = {
  name: "streamed",
  transaction() {
    const hash = createHash("sha256");
    let octets = 0;
    return {
      headers({ headers }) {
        for (const part of [headers.bytes, Buffer.from("\r\n")]) {
          hash.update(part);
          octets += part.length;
        }
      },
      async body({ chunks }) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          octets += chunk.length;
        }
      },
      queue: { content: false, handler: () => queued(sumText(octets, hash.digest("hex"))) },
    };
  },
};

/** Holds the sessions that say EHLO with its name at the stage of that name, until `release`. */
export class Holder {
  /** Hooks that are being held. */
  held = 0;
  /** Hooks that were told that the client is gone. */
  aborted = 0;
  #release: () => void = () => undefined;
  #released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  /** Lets all go that are held now. */
  release(): void {
    this.#release();
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  module(): ServerModule {
    const hold = (stage: Stage): ((event: HookEvent) => Promise<undefined> | undefined) => {
      return ({ session, signal }) => {
        if (session.helo?.name !== heldName(stage)) return undefined;
        this.held += 1;
        signal.addEventListener("abort", () => {
          this.aborted += 1;
        });
        return this.#released.then(() => {
          this.held -= 1;
          return undefined;
        });
      };
    };
    const hooks: Partial<Record<Stage, (event: HookEvent) => Promise<undefined> | undefined>> = {};
    for (const stage of heldStages) hooks[stage] = hold(stage);
    return { name: "holder", ...hooks };
  }
}

/** Stages of a session after EHLO, from which a held one is let go with its usual reply. */
export const heldStages = [
  "mail",
  "rcpt",
  "data",
  "headers",
  "body",
  "message",
  "queue",
  "noop",
  "rset",
  "quit",
] as const satisfies readonly Stage[];

/** The EHLO name of a client that is held at a stage. */
export function heldName(stage: Stage): string {
  return `${stage}.held.test`;
}

/** Leaves an error behind in the session that says EHLO faulty.test, at NOOP; the argument says which. */
export const faulty: ServerModule = {
  name: "faulty",
  noop({ session, argument }) {
    if (session.helo?.name !== "faulty.test") return undefined;
    const boom = (): never => {
      throw new Error("The module of the tests has failed");
    };
    if (argument === "rejection") void Promise.resolve().then(boom);
    else if (argument === "timer") setTimeout(boom, 0);
    else if (argument === "throw") boom();
    return undefined;
  },
};

/** Counts what is reported. */
export class Watcher {
  opened = 0;
  closed = 0;
  faults = 0;
  /** Octets received in the sessions that are open. */
  get received(): number {
    let sum = 0;
    for (const { counts } of this.#open) sum += counts.bytesReceived;
    return sum;
  }
  /** The last limit that was reached. */
  limit = "";
  /** What the queue stage said of the last message. */
  queued = "";
  readonly #open = new Set<SessionInfo>();

  module(): ServerModule {
    return { name: "watcher", report: (report) => this.#hear(report) };
  }

  #hear(report: Report): void {
    if (report.type === "opened") {
      this.opened += 1;
      this.#open.add(report.session);
    } else if (report.type === "closed") {
      this.closed += 1;
      this.#open.delete(report.session);
    } else if (report.type === "limit") this.limit = report.limit;
    else if (report.type === "fault") this.faults += 1;
    else if (report.type === "decision" && report.stage === "queue") this.queued = report.subject;
  }
}
