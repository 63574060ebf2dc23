// What a module may use from outside: DNS, state, fetch, clock and log come through the event, so that a test, a replay
// or another host can answer them. Interfaces only; the real ones live in hosts/.

/**
 * Look-ups. "No such name" and "no such record" are an empty result; a failure to find out rejects with a `DnsError`.
 * All names are absolute, without a trailing dot.
 */
export interface Dns {
  /** IPv4 addresses of a name (A). */
  resolve4(name: string, options?: DnsOptions): Promise<readonly string[]>;
  /** IPv6 addresses of a name (AAAA). */
  resolve6(name: string, options?: DnsOptions): Promise<readonly string[]>;
  /** Text records, the strings of one record joined (TXT). */
  resolveTxt(name: string, options?: DnsOptions): Promise<readonly string[]>;
  /** Mail exchangers, best preference first (MX). */
  resolveMx(name: string, options?: DnsOptions): Promise<readonly { exchange: string; priority: number }[]>;
  /** Names of an address (PTR). */
  reverse(address: string, options?: DnsOptions): Promise<readonly string[]>;
}

/** Options of one look-up. */
export interface DnsOptions {
  /** Gives up when aborted; pass the `signal` of the event. */
  signal?: AbortSignal;
}

/** A look-up that found nothing out: the servers failed or did not answer in time. */
export class DnsError extends Error {
  /** Why nothing was found out; stable, see docs/errors.md. */
  readonly code: "timeout" | "servfail" | "refused" | "aborted";

  constructor(code: DnsError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DnsError";
    this.code = code;
  }
}

/** What can be kept as state: JSON. Numbers are finite; objects are plain, and circles are refused. */
export type StateValue =
  | null
  | boolean
  | number
  | string
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** Options of what is kept. */
export interface StateOptions {
  /** Milliseconds until it is forgotten, more than 0; without it nothing expires. */
  readonly ttlMs?: number;
}

/**
 * What a module keeps between sessions: greylists, counters, reputation. Each module of a chain has keys of its own, the
 * name of the module going in front of them, so two modules never meet; chains with a module of the same name share what
 * it keeps where they share the store. That store is in memory unless the server has another: it may be shared by several
 * machines, it may drop what was not used for long when it is full, and it may fail, which rejects.
 *
 * Keys have 1 to 768 characters. TypeError for any other key, a value that is no JSON, and a wrong option.
 * Source of 768: an IP address (39), two addresses of up to 320 (RFC 5321 §4.5.3.1) and what stands between fit.
 */
export interface State {
  /** The value; undefined when there is none, or none any more. Read only: change it by `set`. */
  get(key: string): Promise<StateValue | undefined>;
  /** Sets or replaces value and expiry; a copy is kept, so later changes to `value` do not show. */
  set(key: string, value: StateValue, options?: StateOptions): Promise<void>;
  /** Sets it only where there is none; whether it did. Of several at once one does. */
  add(key: string, value: StateValue, options?: StateOptions): Promise<boolean>;
  /** Forgets it; whether there was one. */
  delete(key: string): Promise<boolean>;
  /**
   * Adds `by`, a whole number (default 1; may be negative), to a number that begins at 0, and gives the sum; calls that
   * overlap all count. A fixed window: `ttlMs` counts from the call that began the number, and later calls do not move it.
   * TypeError when the value there is no number.
   */
  increment(key: string, options?: StateOptions & { readonly by?: number }): Promise<number>;
}

/**
 * Requests over HTTP, as the `fetch` of the platform. The one of an event aborts with its `signal`, besides the one that
 * is given. Rejects when there is no response; a status of 404 or 500 is a response.
 */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** Time, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back; with fractions. */
  monotonic(): number;
  /**
   * Calls back once after at least `ms` milliseconds (coarse: up to about 20 ms later). Returns a function that
   * cancels. Does not keep the process alive.
   */
  after(ms: number, callback: () => void): () => void;
}

/** A module's log. Lines carry the module, the stage and the session by themselves. */
export interface Log {
  /** For finding mistakes; logs leave it out unless `debug` is set. */
  debug(message: string, data?: Readonly<Record<string, unknown>>): void;
  /** What happened. */
  info(message: string, data?: Readonly<Record<string, unknown>>): void;
  /** What somebody should look at. */
  warn(message: string, data?: Readonly<Record<string, unknown>>): void;
  /** What went wrong. */
  error(message: string, data?: Readonly<Record<string, unknown>>): void;
}

/** How urgent a line of a module's log is. */
export type LogLevel = keyof Log;
