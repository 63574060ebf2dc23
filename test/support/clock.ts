// A clock that stands still until a test moves it.

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

  /** Moves on by `ms`, calling back on the way, earliest first. */
  advance(ms: number): void {
    const end = this.#ms + ms;
    for (;;) {
      const [next] = [...this.#waiting].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#ms = Math.max(this.#ms, next.at);
      next.callback();
    }
    this.#ms = end;
  }
}
