// The values of HOLDFOR and HOLDUNTIL in MAIL (FUTURERELEASE, RFC 4865 §3). Knows no clock: whether a time has passed or
// lies beyond what the server advertises, and that only one of the two may be given, is the engine's business.

import { parseDateTime } from "./date-time.ts";
import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Longest HOLDFOR in seconds, and the largest interval a server can advertise. Source: RFC 4865 §3 (nine digits). */
export const maxHoldSeconds = 999_999_999;

/**
 * Parses the value of HOLDFOR: seconds, 1 to 999,999,999, no leading zero. `undefined` is a keyword without a value.
 * Faults: 501 5.5.4. Source: RFC 4865 §3.
 */
export function parseHoldFor(value: string | undefined): number | Fault {
  if (value !== undefined && /^[1-9]\d{0,8}$/.test(value)) return Number(value); // RFC 4865 §3 future-release-integer
  return fault(501, "5.5.4", "HOLDFOR must be seconds, 1 to 999999999");
}

/**
 * Parses the value of HOLDUNTIL, a date-time with any offset, to milliseconds since 1970. `undefined` is a keyword
 * without a value. Faults: 501 5.5.4. Source: RFC 4865 §3, whose `date-time` is that of RFC 3339 §5.6
 * (RFC 4865 erratum 2040).
 */
export function parseHoldUntil(value: string | undefined): number | Fault {
  return (
    parseDateTime(value ?? "") ??
    fault(501, "5.5.4", "HOLDUNTIL must be a date-time such as 2030-01-31T23:59:59Z")
  );
}
