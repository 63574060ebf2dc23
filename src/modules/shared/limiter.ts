// At most so many pieces of work at once; the others wait in order until there is room or their signal gives up. Knows
// nothing of the work.

import { orAborted } from "./back-end.ts";

/** Bounds how much of one kind of work is under way at once. */
export class Limiter {
  readonly #most: number;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** `most`: pieces of work at once, at least 1. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Pieces of work under way. */
  get running(): number {
    return this.#running;
  }

  /** Pieces of work that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Does the work as soon as there is room. Rejects with the reason of `signal` when that comes first: at once while it
   * waits; work under way keeps its place until it ends, since its memory is taken until then.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#most) this.#running++;
    else await this.#turn(signal);
    const outcome = (async () => work())().finally(() => this.#free());
    return orAborted(outcome, signal);
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const begin = (): void => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    const giveUp = (): void => {
      this.#waiting.delete(begin);
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    this.#waiting.add(begin);
    return promise;
  }

  /** The place goes to the one who has waited longest. */
  #free(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#running--;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
