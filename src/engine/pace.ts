// The time limits of one session (RFC 5321 §4.5.3.2), as instants and sums: no timers. Knows when the client last did
// something and what it was for, not what it said.

import type { Limits } from "./settings.ts";

/** Milliseconds of message data before its rate is looked at: a slow start is no attack. */
const slowAfterMs = 30_000;

/** All times are monotonic milliseconds. */
export class Pace {
  /** Of the last input or the end of the last wait: what quiet is counted from. */
  lastActivityAt: number;
  #transactionStartedAt = 0;
  /** What the client took to send message data, waiting for hooks not counted, and how much it was. */
  #dataMs = 0;
  #dataBytes = 0;

  constructor(now: number) {
    this.lastActivityAt = now;
  }

  /** Input has come; `receiving`: message data was waited for. */
  heard(now: number, receiving: boolean): void {
    if (receiving) this.#dataMs += now - this.lastActivityAt;
    this.lastActivityAt = now;
  }

  /** So many bytes were message data, also where they came in one piece with their command (BDAT). */
  took(bytes: number): void {
    this.#dataBytes += bytes;
  }

  /** A transaction begins, or message data outside of one. */
  startTransaction(): void {
    this.#transactionStartedAt = this.lastActivityAt;
    this.#dataMs = 0;
    this.#dataBytes = 0;
  }

  /** The limit that has been passed, if any. */
  limitPassed(
    now: number,
    limits: Limits,
    receiving: boolean,
    inTransaction: boolean,
  ): "commandMs" | "dataMs" | "dataRate" | "transactionMs" | undefined {
    const quiet = now - this.lastActivityAt;
    if (receiving) {
      if (quiet > limits.dataMs) return "dataMs";
      const ms = this.#dataMs + quiet;
      if (ms > slowAfterMs && this.#dataBytes * 1000 < limits.dataRate * ms) return "dataRate";
    } else if (quiet > limits.commandMs) return "commandMs";
    const tooLong = now - this.#transactionStartedAt > limits.transactionMs;
    return (receiving || inTransaction) && tooLong ? "transactionMs" : undefined;
  }
}
