// The wish to end, by SIGINT (Ctrl-C) or SIGTERM: once to drain, twice to end at once. And the wish to read certificates
// again, by SIGHUP.

/**
 * Two signals within this time are one wish: npm passes on the SIGINT that the terminal has sent to the whole process
 * group already.
 */
const sameWishMs = 400;

const names = ["SIGINT", "SIGTERM"] as const;

/** The part of a process that is listened to. */
interface SignalSource {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
}

/** Listens from its making on, so that a signal during the start is not lost. */
export class SignalWatch {
  readonly #first = Promise.withResolvers<undefined>();
  readonly #second = Promise.withResolvers<undefined>();
  readonly #source: SignalSource;
  readonly #now: () => number;
  #firstAt: number | undefined;
  #onHangup: (() => void) | undefined;

  /** `now` in milliseconds, monotonic. */
  constructor(source: SignalSource = process, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#now = now;
    for (const name of names) source.on(name, this.#heard);
  }

  /** Resolves when the process is asked to end. */
  first(): Promise<undefined> {
    return this.#first.promise;
  }

  /** Resolves when it is asked again. */
  second(): Promise<undefined> {
    return this.#second.promise;
  }

  /** Calls `listener` at each SIGHUP, which then does not end the process. To be called once. */
  onHangup(listener: () => void): void {
    this.#onHangup = listener;
    this.#source.on("SIGHUP", listener);
  }

  /** Gives the signals back. */
  close(): void {
    if (this.#onHangup !== undefined) this.#source.off("SIGHUP", this.#onHangup);
    for (const name of names) this.#source.off(name, this.#heard);
  }

  readonly #heard = (): void => {
    const now = this.#now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.#first.resolve(undefined);
    } else if (now - this.#firstAt > sameWishMs) this.#second.resolve(undefined);
  };
}
