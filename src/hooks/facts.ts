// Typed values that modules leave for each other: `const spf = fact<SpfResult>("spf")`, `facts.set(spf, result)`.
// The key carries the type, so a reader cannot ask for another one. Knows nothing of sessions.

/** A typed key. Two facts with the same name are two keys; the name is for logs and explanations. */
export interface Fact<T> {
  /** For logs and explanations; need not be unique. */
  readonly name: string;
  /** @internal carries the type only */
  readonly type?: T;
}

/** Makes a typed key. Keep it in a constant and export it, so that other modules can read the value. */
export function fact<T>(name: string): Fact<T> {
  return { name };
}

/**
 * Facts of a session, or of a transaction (which sees those of its session too). A fact set during a transaction
 * lasts as long as the transaction.
 */
export class Facts {
  readonly #parent: Facts | undefined;
  readonly #values = new Map<Fact<unknown>, unknown>();

  constructor(parent?: Facts) {
    this.#parent = parent;
  }

  /** The value of this key in the transaction or else in the session; undefined when it was not set. */
  get<T>(key: Fact<T>): T | undefined {
    return this.#values.has(key) ? (this.#values.get(key) as T) : this.#parent?.get(key);
  }

  /** Sets or replaces the value, for the transaction where there is one, else for the session. */
  set<T>(key: Fact<T>, value: T): void {
    this.#values.set(key, value);
  }

  /** Whether the key was set, be it to undefined. */
  has(key: Fact<unknown>): boolean {
    return this.#values.has(key) || (this.#parent?.has(key) ?? false);
  }

  /** Name and value of each fact, those of the session first. */
  *entries(): IterableIterator<[name: string, value: unknown]> {
    if (this.#parent !== undefined) yield* this.#parent.entries();
    for (const [key, value] of this.#values) yield [key.name, value];
  }
}
