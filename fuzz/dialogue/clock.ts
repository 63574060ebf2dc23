// A clock for fuzzing: stands still until it is told to go on. Light, since each session has one.

import type { Clock } from "../../src/hooks/environment.ts";

export class FuzzClock implements Clock {
  #ms = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly callback: () => void }>();

  /** 1 January 2026, 00:00:00 UTC, and on. */
  now(): number {
    return 1_767_225_600_000 + this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  after(ms: number, callback: () => void): () => void {
    const entry = { at: this.#ms + ms, callback };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** Callbacks that wait. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Goes on to the earliest callback and calls it; false when none waits. */
  next(): boolean {
    let next: { readonly at: number; readonly callback: () => void } | undefined;
    for (const entry of this.#waiting) if (next === undefined || entry.at < next.at) next = entry;
    if (next === undefined) return false;
    this.#waiting.delete(next);
    this.#ms = Math.max(this.#ms, next.at);
    next.callback();
    return true;
  }

  /** Goes on by `ms` without calling anybody. */
  skip(ms: number): void {
    this.#ms += ms;
  }
}
