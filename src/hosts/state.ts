// State in memory: of this process, gone with it, and bounded in its entries. What expires is forgotten when somebody asks
// for it or when its turn has come. Arguments come checked (session/module-state.ts). Knows no modules.

import type { Clock, State, StateOptions, StateValue } from "../hooks/environment.ts";
import { systemClock } from "./clock.ts";

/** Default of `maxEntries`, and of `limits.stateEntries`. */
export const defaultStateEntries = 100_000;

export interface MemoryStateOptions {
  /** Entries kept; past it the least recently used leaves, expired or not. Default 100,000. */
  readonly maxEntries?: number;
  /** Tells what has expired; default the real time. */
  readonly clock?: Pick<Clock, "monotonic">;
}

/** One entry as it is shown. */
export interface StateEntry {
  /** Name of the module, a colon, and the module's own key. */
  readonly key: string;
  readonly value: StateValue;
  /** Milliseconds until it is forgotten; undefined when it stays. */
  readonly ttlMs: number | undefined;
}

interface Kept {
  readonly key: string;
  value: StateValue;
  /** Monotonic milliseconds. */
  expiresAt: number;
  /** Its neighbours in the order of last use. */
  older: Kept | undefined;
  newer: Kept | undefined;
}

export class MemoryState implements State {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #maxEntries: number;
  // The order is a list of its own: a Map that keeps it by deleting and setting gets slower with each use of one key
  readonly #kept = new Map<string, Kept>();
  #oldest: Kept | undefined;
  #newest: Kept | undefined;

  constructor({ clock = systemClock, maxEntries = defaultStateEntries }: MemoryStateOptions = {}) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  async get(key: string): Promise<StateValue | undefined> {
    return this.#use(key)?.value;
  }

  async set(key: string, value: StateValue, { ttlMs }: StateOptions = {}): Promise<void> {
    const kept = this.#use(key);
    if (kept === undefined) this.#insert(key, value, ttlMs);
    else {
      kept.value = value;
      kept.expiresAt = this.#expiry(ttlMs);
    }
  }

  async add(key: string, value: StateValue, { ttlMs }: StateOptions = {}): Promise<boolean> {
    if (this.#use(key) !== undefined) return false;
    this.#insert(key, value, ttlMs);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    const kept = this.#use(key);
    if (kept !== undefined) this.#remove(kept);
    return kept !== undefined;
  }

  async increment(
    key: string,
    { by = 1, ttlMs }: StateOptions & { readonly by?: number } = {},
  ): Promise<number> {
    const kept = this.#use(key);
    if (kept === undefined) {
      this.#insert(key, by, ttlMs);
      return by;
    }
    if (typeof kept.value !== "number") {
      throw new TypeError(`state: want a number to increment, found another value at ${JSON.stringify(key)}`);
    }
    kept.value += by;
    return kept.value;
  }

  /** What has not expired, the least recently used first; to look at it is no use of it. */
  entries(): readonly StateEntry[] {
    const now = this.#clock.monotonic();
    const entries: StateEntry[] = [];
    for (let kept = this.#oldest; kept !== undefined; kept = kept.newer) {
      const { key, value, expiresAt } = kept;
      if (expiresAt <= now) continue;
      entries.push({ key, value, ttlMs: expiresAt === Infinity ? undefined : expiresAt - now });
    }
    return entries;
  }

  #expiry(ttlMs = Infinity): number {
    return this.#clock.monotonic() + ttlMs;
  }

  /** What is there and has not expired; it is the most recently used from now on. */
  #use(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.expiresAt <= this.#clock.monotonic()) {
      this.#remove(kept);
      return undefined;
    }
    if (kept !== this.#newest) {
      this.#unlink(kept);
      this.#link(kept);
    }
    return kept;
  }

  #insert(key: string, value: StateValue, ttlMs: number | undefined): void {
    const kept: Kept = { key, value, expiresAt: this.#expiry(ttlMs), older: undefined, newer: undefined };
    this.#kept.set(key, kept);
    this.#link(kept);
    if (this.#kept.size > this.#maxEntries && this.#oldest !== undefined) this.#remove(this.#oldest);
  }

  #remove(kept: Kept): void {
    this.#kept.delete(kept.key);
    this.#unlink(kept);
  }

  #link(kept: Kept): void {
    kept.older = this.#newest;
    kept.newer = undefined;
    if (this.#newest === undefined) this.#oldest = kept;
    else this.#newest.newer = kept;
    this.#newest = kept;
  }

  #unlink({ older, newer }: Kept): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
