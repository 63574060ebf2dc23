// The value of MT-PRIORITY in MAIL (RFC 6710 §4.1). Knows the grammar only: who may ask for which priority, and which
// values a profile really tells apart, is policy.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/**
 * Parses a priority, -9 to 9; 0 is the default of messages without one. No plus sign, no leading zero.
 * `undefined` is a keyword without a value. Faults: 501 5.5.2. Source: RFC 6710 §3 and §4.1.
 */
export function parsePriority(value: string | undefined): number | Fault {
  if (value !== undefined && /^(?:-?[1-9]|0)$/.test(value)) return Number(value); // RFC 6710 §3
  return fault(501, "5.5.2", "MT-PRIORITY must be -9 to 9"); // RFC 6710 §4.1
}
