// The values of the DSN parameters: NOTIFY and ORCPT of RCPT, RET and ENVID of MAIL (RFC 3461 §4, RFC 6533 §3). Knows the
// grammar only: when a notification is really sent, and with what, is the business of session and queue.

import { toUpperAscii } from "./command.ts";
import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";
import { decodeXtext, encodeXtext, isUnprintable } from "./xtext.ts";

/** An event that a sender wants to hear of (RFC 3461 §4.1). */
export type NotifyEvent = "success" | "failure" | "delay";

/** What a sender wants to hear of one recipient: nothing at all, or these events, each once, in the order given. */
export type Notify = "never" | readonly NotifyEvent[];

/** Whom the sender first wrote to, as ORCPT says. */
export interface OriginalRecipient {
  /** Kind of address in lower case, `rfc822` or `utf-8` as a rule (IANA, Mail Delivery Status Report address types). */
  readonly type: string;
  /**
   * The address without its encoding: printable ASCII, spaces and TAB, with type utf-8 any printable text. Not
   * checked to be a mailbox: it is only reported back.
   */
  readonly address: string;
}

/**
 * Longest value of ORCPT and of ENVID, in characters as encoded.
 * Source: RFC 3461 §4.2 (500) and §4.4 (100). Beyond it: 501 5.5.4.
 */
export const maxOriginalRecipientLength = 500;
export const maxEnvelopeIdLength = 100;

const events: ReadonlyMap<string, NotifyEvent> = new Map([
  ["SUCCESS", "success"],
  ["FAILURE", "failure"],
  ["DELAY", "delay"],
]);

/**
 * Parses the value of NOTIFY: `NEVER` alone, or SUCCESS, FAILURE, DELAY with commas between, each once, in any case.
 * `undefined` is a keyword without a value. Faults: 501 5.5.4. Source: RFC 3461 §4.1.
 */
export function parseNotify(value: string | undefined): Notify | Fault {
  const words = toUpperAscii(value ?? "").split(",");
  if (words.length === 1 && words[0] === "NEVER") return "never";
  const found: NotifyEvent[] = [];
  for (const word of words) {
    const event = events.get(word);
    if (event === undefined) {
      if (word === "NEVER") return fault(501, "5.5.4", "NOTIFY=NEVER must stand alone"); // RFC 3461 §4.1
      return fault(501, "5.5.4", "NOTIFY must be NEVER, or SUCCESS, FAILURE and DELAY with commas between");
    }
    if (found.includes(event)) return fault(501, "5.5.4", "NOTIFY has a word twice");
    found.push(event);
  }
  return found;
}

/** Writes the value of NOTIFY. An empty list says nothing that NOTIFY can say: leave the parameter out (RFC 3461 §4.1). */
export function formatNotify(notify: Notify): string {
  return typeof notify === "string" ? "NEVER" : notify.map((event) => event.toUpperCase()).join(",");
}

/**
 * Parses the value of ORCPT, `TYPE;ADDRESS`, at most 500 characters. The address is xtext; with type utf-8 it has the
 * forms of RFC 6533 §3, where `\x{HEX}` stands for a character and other UTF-8 stands for itself; the latter is only
 * allowed in a transaction with SMTPUTF8, which is for the caller to see. `undefined` is a keyword without a value.
 * Faults: 501 5.5.4. Source: RFC 3461 §4.2, RFC 6533 §3.
 */
export function parseOriginalRecipient(value: string | undefined): OriginalRecipient | Fault {
  if (value !== undefined && value.length > maxOriginalRecipientLength)
    return fault(501, "5.5.4", "ORCPT must not be longer than 500 characters"); // RFC 3461 §4.2
  // RFC 3461 §4.2: addr-type is an atom (RFC 5322 §3.2.3)
  const match = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+);(.+)$/s.exec(value ?? "");
  if (match === null) return fault(501, "5.5.4", "ORCPT must be an address type, a semicolon and an address");
  const [, written = "", encoded = ""] = match;
  const type = written.toLowerCase();
  const address = type === "utf-8" ? decodeUnitext(encoded) : decodeAscii(encoded);
  if (address !== undefined) return { type, address };
  return fault(
    501,
    "5.5.4",
    type === "utf-8"
      ? "ORCPT address must be printable, special characters written as \\x{HEX}"
      : "ORCPT address must be xtext of printable ASCII",
  );
}

/**
 * Writes the value of ORCPT. With type utf-8 all that is not ASCII becomes `\x{HEX}`, which any server with DSN takes;
 * with `utf8` (default false), for a next hop with SMTPUTF8, it stays. May come out longer than 500 characters:
 * leave the parameter out then. Source: RFC 3461 §4.2, RFC 6533 §3.
 */
export function formatOriginalRecipient(
  { type, address }: OriginalRecipient,
  { utf8 = false }: { readonly utf8?: boolean } = {},
): string {
  return `${type};${type === "utf-8" ? encodeUnitext(address, utf8) : encodeXtext(address)}`;
}

/** Parses the value of RET, FULL or HDRS in any case. `undefined` is no value. Faults: 501 5.5.4. Source: RFC 3461 §4.3. */
export function parseReturn(value: string | undefined): "full" | "headers" | Fault {
  const word = value === undefined ? value : toUpperAscii(value);
  if (word === "FULL") return "full";
  return word === "HDRS" ? "headers" : fault(501, "5.5.4", "RET must be FULL or HDRS");
}

/**
 * Parses the value of ENVID, xtext of printable ASCII, at most 100 characters as written; gives it decoded.
 * `undefined` is a keyword without a value. Faults: 501 5.5.4. Source: RFC 3461 §4.4.
 */
export function parseEnvelopeId(value: string | undefined): string | Fault {
  if (value !== undefined && value.length > maxEnvelopeIdLength)
    return fault(501, "5.5.4", "ENVID must not be longer than 100 characters"); // RFC 3461 §4.4
  const id = value === undefined ? undefined : decodeAscii(value);
  return id ?? fault(501, "5.5.4", "ENVID must be xtext of printable ASCII");
}

function decodeAscii(text: string): string | undefined {
  // Deviation from RFC 3461 §4: digits in lower case are taken, as Postfix does; refusing them would cost the message
  const decoded = decodeXtext(text, { anyCase: true });
  // RFC 3461 §4.2 and §4.4: graphic and white space characters of US-ASCII
  return decoded !== undefined && /^[\t -~]*$/.test(decoded) ? decoded : undefined;
}

// RFC 6533 §3 QCHAR, QUCHAR and EmbeddedUnicodeChar. "+" stands for itself: it is in utf-8-address, which
// utf-8-enc-addr takes as well, and xtext plays no part here.
const unitext = /^(?:[^\0- =\\\x7f]|\\x\{[0-9A-Fa-f]{2,6}\})+$/;

/** RFC 6533 §3: utf-8-addr-xtext or utf-8-addr-unitext. */
function decodeUnitext(text: string): string | undefined {
  if (!unitext.test(text)) return undefined;
  let bad = false;
  const decoded = text.replace(/\\x\{(\w+)\}/g, (_, hex: string) => {
    const character = embedded(hex);
    bad ||= character === undefined;
    return character ?? "";
  });
  return bad || isUnprintable(decoded) ? undefined : decoded;
}

/** RFC 6533 §3 HEXPOINT: no leading zero beyond two digits; of ASCII just what cannot stand for itself; no surrogate. */
function embedded(hex: string): string | undefined {
  const code = Number.parseInt(hex, 16);
  if (hex.length > 2 && hex.startsWith("0")) return undefined;
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  const character = String.fromCodePoint(code);
  return code > 0x7f || /[\t +=\\]/.test(character) ? character : undefined;
}

function encodeUnitext(text: string, utf8: boolean): string {
  // RFC 6533 §3: the same in both forms for ASCII; with "u" a pair of surrogates is one character
  return text.replace(utf8 ? /[\0- +=\\\x7f]/gu : /[^!-*,-<>-[\]-~]/gu, (character) => {
    const hex = character.codePointAt(0)?.toString(16).toUpperCase() ?? "";
    return `\\x{${hex.padStart(2, "0")}}`;
  });
}
