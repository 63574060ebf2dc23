// A clock that stands still until a test moves it. Deadlines fire in the order of their times, and what a callback sets
// going has run before the next one fires. Knows nothing of sessions.

import type { Clock } from "../hooks/environment.ts";
import { nextTurn } from "./turns.ts";

/** Options of `fakeClock`. */
export interface FakeClockOptions {
  /** What `now()` says at the start; default 1 January 2026, 00:00:00 UTC. */
  readonly now?: Date | number;
}

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves on by `ms` milliseconds and fires what comes due on the way, earliest first; deadlines that this sets are
   * fired too when they fall into the time. Resolves when everything has run that could run at once. Rejects with
   * what a callback throws, and with TypeError when `ms` is negative or no number.
   */
  advance(ms: number): Promise<void>;
  /** Milliseconds by which the clock has been moved. */
  readonly elapsedMs: number;
  /** Milliseconds until each deadline that has not fired, earliest first. */
  readonly pending: readonly number[];
}

/** A clock for `dialogue()`, `fakeDns()` and `createServer()`: one for all of a test. */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  return new ManualClock(Number(options.now ?? Date.UTC(2026, 0, 1)));
}

/** Whether a clock is one of `fakeClock()`. */
export function isFakeClock(clock: Clock): clock is FakeClock {
  return clock instanceof ManualClock;
}

/** Callbacks in one `advance()` after which it is taken for one that would never end. */
const mostCallbacks = 100_000;

interface Deadline {
  readonly at: number;
  readonly callback: () => void;
}

class ManualClock implements FakeClock {
  readonly #start: number;
  readonly #deadlines = new Set<Deadline>();
  #elapsed = 0;
  #target = 0;
  #moving: Promise<void> | undefined;

  constructor(start: number) {
    this.#start = start;
  }

  readonly now = (): number => this.#start + this.#elapsed;
  readonly monotonic = (): number => this.#elapsed;

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const deadline = { at: this.#elapsed + Math.max(0, ms), callback };
    this.#deadlines.add(deadline);
    return () => {
      this.#deadlines.delete(deadline);
    };
  };

  get elapsedMs(): number {
    return this.#elapsed;
  }

  get pending(): readonly number[] {
    return [...this.#deadlines].map(({ at }) => at - this.#elapsed).toSorted((a, b) => a - b);
  }

  readonly advance = (ms: number): Promise<void> => {
    if (!(ms >= 0 && ms < Infinity)) {
      return Promise.reject(new TypeError(`advance: want milliseconds from 0, found ${ms}`));
    }
    // Calls that overlap add up
    this.#target += ms;
    this.#moving ??= this.#move().finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  };

  async #move(): Promise<void> {
    try {
      for (let callbacks = 0; callbacks < mostCallbacks; callbacks += 1) {
        const next = this.#nextDue();
        if (next !== undefined) {
          this.#deadlines.delete(next);
          this.#elapsed = Math.max(this.#elapsed, next.at);
          next.callback();
        } else {
          this.#elapsed = this.#target;
        }
        await nextTurn();
        if (this.#elapsed === this.#target && this.#nextDue() === undefined) return;
      }
      throw new Error(`advance: ${mostCallbacks} callbacks and no end; a callback sets itself again at once`);
    } finally {
      this.#target = this.#elapsed;
    }
  }

  /** The earliest deadline within the time to go; of two at one instant the one that was set first. */
  #nextDue(): Deadline | undefined {
    let found: Deadline | undefined;
    for (const deadline of this.#deadlines) {
      if (deadline.at <= this.#target && (found === undefined || deadline.at < found.at)) found = deadline;
    }
    return found;
  }
}
