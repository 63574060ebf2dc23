// Parameters behind a path in MAIL and RCPT: ` KEY=VALUE KEY` (RFC 5321 §4.1.2), and the xtext some values
// are written in. Knows the grammar only: which keywords exist, which may have a value and what it means is
// the engine's business.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/** Parameters by upper-case keyword, in the order given; undefined for a keyword without a value. */
export type Params = ReadonlyMap<string, string | undefined>;

// Shared by all commands without parameters, so it must not change under anyone
class NoParams extends Map<string, string | undefined> {
  override set(): never {
    throw new TypeError("The parameters of a command are read-only");
  }
}
const noParams: Params = Object.freeze(new NoParams());

// RFC 5321 §4.1.2 esmtp-param; RFC 6531 §3.3 lets values hold UTF-8. "=" is no part of a value.
const param = / +([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\0- =\x7f-\x9f]+))?/y;
// RFC 3461 §4; hexadecimal digits of either case, as RFC 4954 §8 takes them
const xtext = /^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/;
const unprintable = /[\0-\x08\n-\x1f\x7f-\x9f\ufffd]/;

/**
 * Parses the parameters from `from`, the index after the path, to the end of the text. Trailing blanks are
 * dropped (RFC 5321 §4.1.1), runs of spaces between parameters count as one.
 * Faults: 501 5.5.4 when a parameter is malformed, given twice, or not set apart by a space.
 */
export function parseParams(text: string, from: number): Params | Fault {
  let end = text.length;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  if (end <= from) return noParams;
  if (text.charCodeAt(from) !== 0x20) return fault(501, "5.5.4", "Parameters must follow a space");
  const params = new Map<string, string | undefined>();
  for (let at = from; at < end; at = param.lastIndex) {
    param.lastIndex = at;
    const match = param.exec(text);
    if (match === null) return fault(501, "5.5.4", "Parameter is malformed");
    const keyword = match[1]?.toUpperCase() ?? ""; // RFC 5321 §2.4: keywords have no case
    if (params.has(keyword)) return fault(501, "5.5.4", "Parameter is given twice"); // RFC 5321 §4.1.1.11
    params.set(keyword, match[2]);
  }
  return params;
}

/**
 * Decodes xtext, `+XX` for one octet with hexadecimal digits of either case; the octets are read as UTF-8.
 * Undefined when the text is no xtext, or when the result has ill-formed UTF-8 or a control other than TAB:
 * all users of xtext want printable text (RFC 3461 §4.2 and §4.4, RFC 4954 §5), and what is decoded ends up
 * in reports and headers. The raw UTF-8 that RFC 6533 §3 allows in ORCPT is no xtext. Source: RFC 3461 §4.
 */
export function decodeXtext(text: string): string | undefined {
  if (!xtext.test(text)) return undefined;
  if (!text.includes("+")) return text;
  const octets = text.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const decoded = Buffer.from(octets, "latin1").toString("utf8");
  return unprintable.test(decoded) ? undefined : decoded;
}

/**
 * Encodes any text as xtext: all but printable ASCII without "+" and "=" becomes `+XX` of UTF-8.
 * Source: RFC 3461 §4.
 */
export function encodeXtext(text: string): string {
  if (/^[!-*,-<>-~]*$/.test(text)) return text;
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^!-*,-<>-~]/g, hexchar);
}

function hexchar(octet: string): string {
  // RFC 3461 §4: upper case when written
  return `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}
