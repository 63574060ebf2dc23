// Look-ups shared and remembered: equal ones under way are one, answers are kept until they expire, failures are not
// kept. Bounded in number and in characters; those leave first that nobody has used for long. Knows no resolver.

import { DnsError } from "../hooks/environment.ts";
import type { Clock } from "../hooks/environment.ts";

/** What a query gives. */
export interface Found<T> {
  readonly answers: readonly T[];
  /** The least TTL of the answers; undefined where the resolver does not tell it. */
  readonly ttlSeconds?: number;
}

export interface CacheLimits {
  readonly entries: number;
  /** Characters of all answers and names together. */
  readonly characters: number;
}

interface Entry<T> {
  readonly answers: readonly T[];
  readonly characters: number;
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Since it was last at the end of the queue to leave. */
  used: boolean;
}

/** For how long answers without a TTL are kept, and the news that there is nothing. */
const defaultKeepMs = 60_000;
/** Longest that an answer is kept whatever its TTL: RFC 8767 §4 leaves the cap to us. */
const maxKeepMs = 86_400_000;
/** Characters that an entry counts for besides name and answers, for the objects around them. */
const overhead = 100;

// EBADNAME: what is no domain name is not there either
const nothingThere = ["ENOTFOUND", "ENODATA", "EBADNAME"];

export class Lookups<T> {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #limits: CacheLimits;
  readonly #lengthOf: (answer: T) => number;
  /**
   * In the order in which they may have to leave; one that was used meanwhile goes to the end instead. (To move an entry
   * at each use would make a Map slower with every use of the same key.)
   */
  readonly #kept = new Map<string, Entry<T>>();
  readonly #underWay = new Map<string, Promise<readonly T[]>>();
  #characters = 0;

  constructor(clock: Pick<Clock, "monotonic">, limits: CacheLimits, lengthOf: (answer: T) => number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#lengthOf = lengthOf;
  }

  /**
   * The answers kept under `key`, or those of the query under way, or of `ask`. Rejects with `DnsError`: at once when
   * `signal` aborts, while the query goes on for others and for the cache.
   */
  find(key: string, ask: () => Promise<Found<T>>, signal: AbortSignal | undefined): Promise<readonly T[]> {
    if (signal?.aborted === true) return Promise.reject(aborted(key));
    const kept = this.#recall(key);
    if (kept !== undefined) return Promise.resolve(kept);
    let answers = this.#underWay.get(key);
    if (answers === undefined) {
      answers = this.#run(key, ask());
      this.#underWay.set(key, answers);
    }
    return signal === undefined ? answers : untilAborted(answers, key, signal);
  }

  async #run(key: string, query: Promise<Found<T>>): Promise<readonly T[]> {
    try {
      const { answers, ttlSeconds } = await query;
      const keepMs = ttlSeconds === undefined ? defaultKeepMs : Math.min(ttlSeconds * 1000, maxKeepMs);
      return this.#keep(key, answers, keepMs);
    } catch (error) {
      const code = queryErrorCode(error);
      if (code === undefined) throw error;
      if (nothingThere.includes(code)) return this.#keep(key, [], defaultKeepMs);
      throw new DnsError(dnsErrorCode(code), `${key}: ${code}`, { cause: error });
    } finally {
      this.#underWay.delete(key);
    }
  }

  #recall(key: string): readonly T[] | undefined {
    const entry = this.#kept.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt <= this.#clock.monotonic()) {
      this.#remove(key, entry);
      return undefined;
    }
    entry.used = true;
    return entry.answers;
  }

  #keep(key: string, answers: readonly T[], keepMs: number): readonly T[] {
    Object.freeze(answers); // the same array for all who ask
    if (keepMs <= 0) return answers; // RFC 1035 §3.2.1: TTL 0 is for the transaction in progress only
    const characters = answers.reduce((sum, each) => sum + this.#lengthOf(each), key.length + overhead);
    const expiresAt = this.#clock.monotonic() + keepMs;
    this.#insert(key, { answers, characters, expiresAt, used: false });
    for (const [oldest, entry] of this.#kept) {
      if (this.#kept.size <= this.#limits.entries && this.#characters <= this.#limits.characters) break;
      this.#remove(oldest, entry);
      if (!entry.used) continue;
      entry.used = false;
      this.#insert(oldest, entry);
    }
    return answers;
  }

  // Callers make sure that the key is not there: a query runs only when nothing is kept, and one at a time.
  #insert(key: string, entry: Entry<T>): void {
    this.#kept.set(key, entry);
    this.#characters += entry.characters;
  }

  #remove(key: string, entry: Entry<T>): void {
    this.#kept.delete(key);
    this.#characters -= entry.characters;
  }
}

function untilAborted<T>(answers: Promise<T>, key: string, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(aborted(key));
    signal.addEventListener("abort", stop, { once: true });
    // A signal of a long session must not gather a listener per look-up
    const done = (): void => signal.removeEventListener("abort", stop);
    answers.then(resolve, reject).finally(done);
  });
}

function aborted(key: string): DnsError {
  return new DnsError("aborted", `${key}: no longer wanted`);
}

/** The code of an error of Node's resolver; undefined for mistakes in calling it. */
function queryErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : undefined;
}

function dnsErrorCode(code: string): DnsError["code"] {
  if (code === "ETIMEOUT") return "timeout";
  return code === "EREFUSED" ? "refused" : "servfail";
}
