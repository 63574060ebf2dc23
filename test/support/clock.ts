// A clock that stands still until a test or the fuzzer moves it: at once and without promises. Light, since each fuzzed
// session has one. What src/testing/fake-clock.ts gives to users also lets promises run on the way.

import type { Clock } from "../../src/hooks/environment.ts";

export class FakeClock implements Clock {
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

  /** Moves on by `ms`, calling back on the way, earliest first. */
  advance(ms: number): void {
    const end = this.#ms + ms;
    while (this.next(end)) continue;
    this.#ms = end;
  }

  /** Goes on to the earliest callback that is due by `end` and calls it; false when there is none. */
  next(end = Infinity): boolean {
    let next: { readonly at: number; readonly callback: () => void } | undefined;
    for (const entry of this.#waiting) if (next === undefined || entry.at < next.at) next = entry;
    if (next === undefined || next.at > end) return false;
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
