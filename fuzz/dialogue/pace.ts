// When hooks and the spool answer: at once, in the same turn, in a later turn, or when time has passed. Keeps count of
// what is under way, so that a driver knows when nothing but time can go on.

import type { FakeClock } from "../../test/support/clock.ts";
import type { Pace } from "./scenario.ts";

/** Milliseconds that an answer takes at the pace "clock". */
const answerMs = 5;

export class Pacer {
  /** Answers that a later turn will bring. */
  underWay = 0;
  readonly #pace: Pace;
  readonly #clock: FakeClock;

  constructor(pace: Pace, clock: FakeClock) {
    this.#pace = pace;
    this.#clock = clock;
  }

  readonly later = <T>(value: T): T | Promise<T> => {
    switch (this.#pace) {
      case "at once":
        return value;
      case "microtask":
        return Promise.resolve().then(() => value);
      case "turn":
        return this.turn(value);
      case "clock":
        return new Promise((resolve) => {
          this.#clock.after(answerMs, () => resolve(value));
        });
    }
  };

  readonly never = (): Promise<never> => new Promise(() => undefined);

  /** Resolves in a later turn, whatever the pace. */
  turn<T>(value: T): Promise<T> {
    this.underWay += 1;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.underWay -= 1;
        resolve(value);
      });
    });
  }
}
