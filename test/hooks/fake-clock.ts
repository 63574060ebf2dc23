// A clock that stands still until a test moves it. Callbacks fire in the order of their times, within `advance`.

import type { Clock } from "../../src/hooks/environment.ts";

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #time = 0;
  #waiting: Waiting[] = [];

  now(): number {
    return 1_700_000_000_000 + this.#time; // 14 November 2023, 22:13:20 UTC
  }

  monotonic(): number {
    return this.#time;
  }

  after(ms: number, callback: () => void): () => void {
    const waiting = { at: this.#time + ms, callback };
    this.#waiting.push(waiting);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    };
  }

  /** Callbacks that have not fired. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Moves on by `ms` and fires what has come due. */
  advance(ms: number): void {
    this.#time += ms;
    for (const waiting of this.#waiting.toSorted((a, b) => a.at - b.at)) {
      if (waiting.at > this.#time || !this.#waiting.includes(waiting)) continue;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.callback();
    }
  }
}

/** Lets everything run that is ready to run, timers excepted. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
