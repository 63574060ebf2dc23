// Solicitation class keywords (NO-SOLICITING, RFC 3865): reversed domain names such as `org.example.adv` that say what
// kind of soliciting a message does or a server does not want. Grammar only, the same behind the EHLO keyword and in
// SOLICIT= of MAIL; which classes are refused is policy.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Longest list of keywords, in characters with its commas. Source: RFC 3865 §2.2. Beyond it: 501 5.5.4. */
export const maxSolicitationLength = 1000;

const word = /^[A-Za-z][A-Za-z0-9._:-]*$/; // RFC 3865 §2.2 word, wordchar

/** Whether a text is one solicitation class keyword (RFC 3865 §2.2), 1000 characters at most. */
export function isSolicitationKeyword(text: string): boolean {
  return text.length <= maxSolicitationLength && word.test(text);
}

/**
 * Parses the value of SOLICIT: keywords with commas between them, in the order given and as written; they begin with a
 * domain name, so compare them without case. `undefined` is a keyword without a value.
 * Faults: 501 5.5.4. Source: RFC 3865 §2.2 and §2.3.
 */
export function parseSolicit(value: string | undefined): readonly string[] | Fault {
  const keywords = (value ?? "").split(",");
  if (
    value !== undefined &&
    value.length <= maxSolicitationLength &&
    keywords.every((text) => word.test(text))
  )
    return keywords;
  return fault(501, "5.5.4", "SOLICIT must be solicitation class keywords with commas between");
}

/**
 * Writes keywords for EHLO (behind `NO-SOLICITING` and a space) or for SOLICIT. Throws TypeError when one is no keyword,
 * when there is none, or when all are longer than 1000 characters. Source: RFC 3865 §2.1 and §2.2.
 */
export function formatSolicit(keywords: readonly string[]): string {
  const text = keywords.join(",");
  if (
    text.length > maxSolicitationLength ||
    keywords.length === 0 ||
    !keywords.every((one) => word.test(one))
  )
    throw new TypeError(`${JSON.stringify(text)} are no solicitation class keywords`);
  return text;
}
