// What a session is handed from outside: clock, DNS, state, fetch, ids, room for messages. The layers below the hosts open neither
// sockets nor files; a host, a test or a replay supplies these.

import type { Clock, Dns, Fetch, State } from "../hooks/environment.ts";

export interface Environment {
  readonly clock: Clock;
  readonly dns: Dns;
  /** Of all modules; each sees its own part (module-state.ts). */
  readonly state: State;
  readonly fetch: Fetch;
  /** A new id: upper-case letters and digits, unlikely to repeat over restarts. */
  newId(): string;
  readonly memory: MemoryBudget;
  /** Opens a place outside memory for a large body; undefined where there is none. */
  readonly openSpool: (() => Spool) | undefined;
}

/** Bytes of one message outside memory, usually a temporary file. */
export interface Spool {
  /** Appends; the chunks are the spool's from now on. Rejects when there is no room. */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** All bytes from the start; may be called any number of times. */
  read(): AsyncIterable<Uint8Array>;
  /** Frees the room; safe to call twice. */
  remove(): void;
}

/** Bytes of messages held in memory over all sessions. */
export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes `bytes` if there is room. */
  reserve(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

/**
 * Ids from the time in seconds and a counter that starts anywhere: they sort by age and do not repeat within a process
 * (1,679,616 in one second would be one too many).
 */
export function idMaker(clock: Clock): () => string {
  let counter = Math.floor(Math.random() * idsPerSecond);
  let second = 0;
  let prefix = "";
  return () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      prefix = now.toString(36).toUpperCase();
    }
    counter = counter + 1 === idsPerSecond ? 0 : counter + 1;
    return prefix + twoDigits(Math.trunc(counter / 1296)) + twoDigits(counter % 1296);
  };
}

const idsPerSecond = 1296 * 1296;
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A number below 1296 in base 36. */
function twoDigits(value: number): string {
  return digits.charAt(Math.trunc(value / 36)) + digits.charAt(value % 36);
}
