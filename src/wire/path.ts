// Paths in MAIL and RCPT, `<...>`, and the names a client gives in HELO: text in, values or faults out
// (RFC 5321 §4.1.2). Knows which grammar applies, not which command it stands in, and asks nobody whether
// the address exists. The mailbox inside the brackets is in address.ts, the parameters behind them in params.ts.

import {
  Address,
  addressFault,
  domainProblem,
  domainSource,
  dotStringSource,
  maxDomainOctets,
  maxLocalOctets,
  nullSender,
  parseLiteral,
  problems,
  scanDomainPart,
  scanMailbox,
} from "./address.ts";
import type { Problem } from "./address.ts";
import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/**
 * Longest path in octets, brackets and source route included.
 * Source: RFC 5321 §4.5.3.1.3. Beyond it: 501 5.1.7 for senders, 501 5.1.3 for recipients.
 */
export const maxPathOctets = 256;

/** What a path may be, besides a mailbox in ASCII. */
export interface PathGrammar {
  /** Non-ASCII in local part and domain (RFC 6531 §3.3). */
  readonly utf8: boolean;
  /**
   * The null reverse-path `<>` (RFC 5321 §4.1.1.2). Marks a sender: faults then carry the codes for senders.
   */
  readonly null: boolean;
  /** `<Postmaster>` without a domain, in any case (RFC 5321 §4.1.1.3). */
  readonly postmaster: boolean;
}

/** An address and the index after its closing bracket. */
export interface ParsedPath {
  readonly address: Address;
  readonly end: number;
}

const plainPath = new RegExp(`<${dotStringSource}@${domainSource}>`, "y");
const barePostmaster = /<postmaster>/iy; // RFC 5321 §4.5.1: any case

/**
 * Parses `<...>` at index `from` of a command line, which is ASCII or decoded UTF-8. Source routes are read
 * and dropped.
 * Bounds: local part 64, domain 255, label 63, path 256 octets.
 * Faults: 501 5.1.7 (sender, that is `allow.null`) or 501 5.1.3 (recipient) with the reason; for non-ASCII
 * without `allow.utf8` 550 5.6.7 (sender) or 553 5.6.7 (recipient).
 * Source: RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.5.
 */
export function parsePath(text: string, from: number, allow: PathGrammar): ParsedPath | Fault {
  plainPath.lastIndex = from;
  if (plainPath.test(text)) {
    const end = plainPath.lastIndex;
    const at = text.indexOf("@", from);
    if (at - from - 1 <= maxLocalOctets && end - from <= maxPathOctets) {
      return { address: new Address(text.slice(from + 1, at), text.slice(at + 1, end - 1)), end };
    }
  }
  const path = scanPath(text, from, allow);
  return typeof path === "string" ? addressFault(path, allow.null) : path;
}

function scanPath(text: string, from: number, allow: PathGrammar): ParsedPath | Problem {
  if (text.charCodeAt(from) !== 0x3c) return problems.noBrackets;
  if (text.charCodeAt(from + 1) === 0x3e)
    return allow.null ? { address: nullSender, end: from + 2 } : problems.emptyPath;
  if (allow.postmaster) {
    barePostmaster.lastIndex = from;
    if (barePostmaster.test(text)) {
      const end = barePostmaster.lastIndex;
      return { address: new Address(text.slice(from + 1, end - 1), ""), end };
    }
  }
  const start = text.charCodeAt(from + 1) === 0x40 ? scanRoute(text, from + 1, allow.utf8) : from + 1;
  if (typeof start === "string") return start;
  const mailbox = scanMailbox(text, start, allow.utf8);
  if (typeof mailbox === "string") return mailbox;
  const { address, end } = mailbox;
  if (end >= text.length) return problems.noBrackets;
  if (text.charCodeAt(end) !== 0x3e) return problems.domainCharacter;
  if (Buffer.byteLength(text.slice(from, end + 1)) > maxPathOctets) return problems.pathTooLong;
  return { address, end: end + 1 };
}

// RFC 5321 §4.1.2 A-d-l, appendix C: accepted, ignored, never sent
function scanRoute(text: string, from: number, utf8: boolean): number | Problem {
  for (let at = from; text.charCodeAt(at) === 0x40;) {
    const end = scanDomainPart(text, at + 1);
    if (typeof end === "string") return problems.badRoute;
    const problem = domainProblem(text.slice(at + 1, end), utf8);
    if (problem !== undefined) return problem === problems.needsUtf8 ? problem : problems.badRoute;
    if (text.charCodeAt(end) === 0x3a) return end + 1;
    if (text.charCodeAt(end) !== 0x2c) return problems.badRoute;
    at = end + 1;
  }
  return problems.badRoute;
}

/**
 * Parses a whole text as a domain name and gives its comparison form: lower case, A-labels.
 * `utf8` (default false) allows U-labels; HELO and EHLO names stay ASCII (RFC 6531 §3.7.1).
 * Faults: 501 5.5.4 with the reason. Source: RFC 5321 §4.1.2.
 */
export function parseDomain(text: string, options?: { readonly utf8?: boolean }): string | Fault {
  const problem = domainProblem(text, options?.utf8 === true);
  return problem === undefined ? new Address("", text).domainKey : fault(501, "5.5.4", problem);
}

/**
 * True when the whole text is a domain name of at most 255 octets. `utf8` (default false) allows U-labels.
 */
export function isDomain(text: string, options?: { readonly utf8?: boolean }): boolean {
  return domainProblem(text, options?.utf8 === true) === undefined;
}

/** True when the whole text is an address literal with its brackets, at most 255 octets (RFC 5321 §4.1.3). */
export function isAddressLiteral(text: string): boolean {
  return text.length <= maxDomainOctets && parseLiteral(text) !== undefined;
}
