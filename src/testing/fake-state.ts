// State that a test can look into: what modules keep, under the names they have in the store, on the test's clock. Can
// fail, as a store on another machine does. Knows no modules.

import type { Clock, State, StateOptions, StateValue } from "../hooks/environment.ts";
import { MemoryState } from "../hosts/state.ts";
import type { StateEntry } from "../hosts/state.ts";
import { frozenJson } from "../session/module-state.ts";

/** Options of `fakeState`. */
export interface FakeStateOptions {
  /** What `ttlMs` is counted on; without it `ttlMs` is an error, since nothing would ever expire. */
  readonly clock?: Clock;
  /** Entries kept, the least recently used go first; default 100,000, as the server. */
  readonly maxEntries?: number;
}

/** State, and what is in it. Keys are those of the store: `greylist:192.0.2.1`, the module's name in front. */
export interface FakeState extends State {
  /** What is kept and has not expired, the least recently used first. */
  readonly entries: readonly StateEntry[];
  /** While set, every call rejects with it: a store that cannot be reached. */
  failure: Error | undefined;
}

/**
 * State for `dialogue()`, `startTestServer()` and `createServer()`, with these entries to begin with. Throws TypeError when
 * a value is no JSON.
 *
 * ```ts
 * const clock = fakeClock();
 * const state = fakeState({ "counter:192.0.2.1": 9 }, { clock });
 * ```
 */
export function fakeState(
  entries: Readonly<Record<string, StateValue>> = {},
  options: FakeStateOptions = {},
): FakeState {
  return new OpenState(entries, options);
}

class OpenState implements FakeState {
  failure: Error | undefined;
  readonly #store: MemoryState;
  readonly #hasClock: boolean;

  constructor(entries: Readonly<Record<string, StateValue>>, { clock, maxEntries }: FakeStateOptions) {
    this.#store = new MemoryState({
      clock: clock ?? { monotonic: () => 0 },
      ...(maxEntries !== undefined && { maxEntries }),
    });
    this.#hasClock = clock !== undefined;
    for (const [key, value] of Object.entries(entries)) void this.#store.set(key, frozenJson(value));
  }

  get entries(): readonly StateEntry[] {
    return this.#store.entries();
  }

  readonly get = async (key: string): Promise<StateValue | undefined> => this.#reach().get(key);

  readonly set = async (key: string, value: StateValue, options?: StateOptions): Promise<void> =>
    this.#reach(options).set(key, frozenJson(value), options);

  readonly add = async (key: string, value: StateValue, options?: StateOptions): Promise<boolean> =>
    this.#reach(options).add(key, frozenJson(value), options);

  readonly delete = async (key: string): Promise<boolean> => this.#reach().delete(key);

  readonly increment = async (
    key: string,
    options?: StateOptions & { readonly by?: number },
  ): Promise<number> => this.#reach(options).increment(key, options);

  /** The store, when it can be reached and can do what is asked. */
  #reach(options: StateOptions = {}): State {
    if (this.failure !== undefined) throw this.failure;
    if (options.ttlMs !== undefined && !this.#hasClock) {
      throw new TypeError("fakeState: ttlMs wants the option clock, fakeState({}, { clock })");
    }
    return this.#store;
  }
}
