// Random numbers from a seed, so that a run can be repeated: mulberry32, 32 bits of state. Not for secrets.

export class Random {
  #state: number;

  /** `seed` is taken modulo 2^32. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  }

  /** 0 to `count` - 1; 0 when `count` is 0. */
  below(count: number): number {
    return count === 0 ? 0 : this.next() % count;
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** One of the values. Throws RangeError when there is none. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError("Nothing to pick from");
    return values[this.below(values.length)] as T;
  }
}
