// The value of BY in MAIL (DELIVERBY, RFC 2852 §4): how many seconds are left for delivery and what happens then. Knows
// no clock and no queue; whether a time is too short for the server is the engine's business.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Largest number of seconds, either way. Source: RFC 2852 §4 (nine digits). */
export const maxDeliverBySeconds = 999_999_999;

/** When to deliver by, and what to do at that time. */
export interface DeliverBy {
  /** Seconds from now, -999,999,999 to 999,999,999; with mode "return" at least 1. 0 and less have passed. */
  readonly seconds: number;
  /** `N`: send a "delayed" DSN and go on; `R`: stop and send a "failed" DSN. */
  readonly mode: "notify" | "return";
  /** `T`: a "relayed" DSN from each hop (RFC 2852 §4.1.4). */
  readonly trace: boolean;
}

/**
 * Parses `BY-TIME;MODE[T]`, modes in any case. `undefined` is a keyword without a value.
 * Faults: 501 5.5.4 when it is malformed, or when mode R comes with a time of 0 or less. Source: RFC 2852 §4.
 */
export function parseDeliverBy(value: string | undefined): DeliverBy | Fault {
  const match = /^([+-]?\d{1,9});([NR])(T?)$/i.exec(value ?? ""); // RFC 2852 §4 by-value
  if (match === null) return fault(501, "5.5.4", "BY must be seconds, a semicolon, N or R, and perhaps T");
  const seconds = Number(match[1]) + 0; // -0 is 0
  const mode = match[2]?.toUpperCase() === "R" ? "return" : "notify";
  // RFC 2852 §4: a time of zero or less is not allowed with R
  if (mode === "return" && seconds <= 0) return fault(501, "5.5.4", "BY with R must be 1 second or more");
  return { seconds, mode, trace: match[3] !== "" };
}

/** Writes the value of BY for the next hop. Throws RangeError when `seconds` are out of bounds. Source: RFC 2852 §4. */
export function formatDeliverBy({ seconds, mode, trace }: DeliverBy): string {
  const least = mode === "return" ? 1 : -maxDeliverBySeconds;
  if (!Number.isInteger(seconds) || seconds < least || seconds > maxDeliverBySeconds)
    throw new RangeError(`${seconds} is no BY time with mode ${mode}`);
  return `${seconds};${mode === "return" ? "R" : "N"}${trace ? "T" : ""}`;
}
