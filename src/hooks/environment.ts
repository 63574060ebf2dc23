// What a module may use from outside: DNS, clock and log come through the event, so that a test, a replay or another
// host can answer them. Interfaces only; the real ones live in hosts/.

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
