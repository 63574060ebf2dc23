// The value of RRVS in RCPT (Require-Recipient-Valid-Since, RFC 7293 §3.1). Knows the grammar only: since when a mailbox
// has had its owner is known to modules.

import { formatDateTime, parseDateTime } from "./date-time.ts";
import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Since when the recipient must have been the same person. */
export interface ValidSince {
  /** Milliseconds since 1970. */
  readonly since: number;
  /**
   * What to do when the next hop has no RRVS: `C` relay without it, `R` refuse or bounce.
   * "reject" when the client says neither (RFC 7293 §5.1.1).
   */
  readonly ifUnsupported: "continue" | "reject";
}

/**
 * Parses `DATE-TIME`, `DATE-TIME;C` or `DATE-TIME;R`, letters in any case. `undefined` is a keyword without a value.
 * Faults: 501 5.5.4. Source: RFC 7293 §3.1; the date-time is that of RFC 3339 §5.6.
 */
export function parseRrvs(value: string | undefined): ValidSince | Fault {
  const [, dateTime = "", letter = "R"] = /^([^;]*)(?:;([CR]))?$/i.exec(value ?? "") ?? []; // RFC 7293 §3.1
  const since = parseDateTime(dateTime);
  if (since === undefined)
    return fault(
      501,
      "5.5.4",
      "RRVS must be a date-time such as 2014-04-03T23:01:00Z, perhaps with ;C or ;R",
    );
  return { since, ifUnsupported: letter.toUpperCase() === "C" ? "continue" : "reject" };
}

/** Writes the value of RRVS for the next hop, in UTC. Throws RangeError as `formatDateTime` does. Source: RFC 7293 §3.1. */
export function formatRrvs({ since, ifUnsupported }: ValidSince): string {
  return `${formatDateTime(since)};${ifUnsupported === "continue" ? "C" : "R"}`;
}
