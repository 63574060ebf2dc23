// Mailbox addresses: the immutable value `Address`, and the grammar of mailboxes, domains and address
// literals (RFC 5321 §4.1.2 and §4.1.3, widened by RFC 6531 §3.3). Knows nothing of angle brackets (see
// path.ts), of DNS, or of which domains are ours; it never decides whether two local parts reach the same
// person.

import { fault } from "./fault.ts";
import type { Fault } from "./fault.ts";

/**
 * An address literal taken apart. IPv4 comes without leading zeros, IPv6 as written; other tags are not
 * interpreted.
 */
export type AddressLiteral =
  | { readonly family: 4 | 6; readonly address: string }
  | { readonly tag: string; readonly content: string };

/**
 * Longest local part, domain and label, in octets (of UTF-8; a label is counted in its A-label form).
 * Source: RFC 5321 §4.5.3.1.1 and §4.5.3.1.2, RFC 1035 §2.3.4. Beyond it: 501 5.1.7 for senders, 501 5.1.3
 * otherwise.
 */
export const maxLocalOctets = 64;
export const maxDomainOctets = 255;
export const maxLabelOctets = 63;

/**
 * Reasons for refusal, in the words the peer gets. `needsUtf8` has reply codes of its own (RFC 6531 §3.5).
 */
export const problems = {
  noBrackets: "Address must be enclosed in < and >",
  noLocal: "Local part is missing",
  localTooLong: "Local part is longer than 64 octets",
  localDot: "Local part has a misplaced dot",
  localCharacter: "Local part has a character that is not allowed",
  quoteOpen: "Quoted local part is not closed",
  noDomain: "Domain is missing",
  domainTooLong: "Domain is longer than 255 octets",
  labelTooLong: "Domain label is longer than 63 octets",
  domainCharacter: "Domain has a character that is not allowed",
  badDomain: "Domain is not valid",
  literalOpen: "Address literal is not closed",
  badLiteral: "Address literal is not valid",
  badRoute: "Source route is not valid",
  pathTooLong: "Path is longer than 256 octets",
  emptyPath: "Address is empty",
  badUnicode: "Address is not well-formed UTF-8",
  needsUtf8: "Address has non-ASCII characters and needs SMTPUTF8",
} as const;

/** One of the reasons above. */
export type Problem = (typeof problems)[keyof typeof problems];

const subDomain = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const atoms = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";

/**
 * Regular expression sources for the plain cases. They backtrack within one label only, so they run in linear
 * time.
 */
export const dotStringSource = `${atoms}(?:\\.${atoms})*`; // RFC 5321 §4.1.2 Dot-string
export const domainSource = `${subDomain}(?:\\.${subDomain})*`; // RFC 5321 §4.1.2 Domain

const plainDomain = new RegExp(`^${domainSource}$`);
const plainMailbox = new RegExp(`^${dotStringSource}@${domainSource}$`);
// RFC 6531 §3.3: atext also takes every character above U+007F
const dotString = /^[^\0- "(),.:;<>@[\\\]\x7f]+(?:\.[^\0- "(),.:;<>@[\\\]\x7f]+)*$/;
const dotStringRun = /[^\0- "(),:;<>@[\\\]\x7f]*/y; // atext and dots
const domainRun = /[A-Za-z0-9.\u0080-\uffff-]*/y;
const ascii = /^[\0-\x7f]*$/;
// RFC 6532 §3.1 wants Net-Unicode, which has no C1 controls (RFC 5198 §2); U+FFFD is what decoders make of
// ill-formed octets
const badUnicode = /[\x80-\x9f\ufffd\p{Surrogate}]/u;

/**
 * A mailbox, the null reverse-path, or the bare postmaster. Immutable; derived forms are computed when first
 * asked for.
 *
 * The constructor checks nothing: use `parsePath` or `parseMailbox` for text of others.
 */
export class Address {
  /**
   * Local part without quoting, case kept (RFC 5321 §2.4); "" for the null reverse-path and for `""@domain`.
   */
  readonly local: string;
  /**
   * Domain or address literal (with its brackets) as given; "" for the null reverse-path and the bare
   * postmaster.
   */
  readonly domain: string;
  #key: string | undefined;
  #domainKey: string | undefined;
  #literal: AddressLiteral | null | undefined;

  constructor(local: string, domain: string) {
    this.local = local;
    this.domain = domain;
  }

  /** True for the null reverse-path `<>` (RFC 5321 §4.5.5). */
  get isNull(): boolean {
    return this.domain === "" && this.local === "";
  }

  /**
   * True for `<Postmaster>` without a domain, in any case (RFC 5321 §4.5.1). False for `postmaster@domain`.
   */
  get isPostmaster(): boolean {
    return this.domain === "" && this.local.length === 10 && this.local.toLowerCase() === "postmaster";
  }

  /** True when neither part needs SMTPUTF8. */
  get isAscii(): boolean {
    return ascii.test(this.local) && ascii.test(this.domain);
  }

  /**
   * For comparing and looking up: the local part unquoted, in NFC and lower case, then "@" and `domainKey`.
   * "" for the null reverse-path, "postmaster" for the bare postmaster. Not for the wire: use `toString()`.
   */
  get key(): string {
    return (this.#key ??=
      this.domain === "" ? foldLocal(this.local) : `${foldLocal(this.local)}@${this.domainKey}`);
  }

  /**
   * The domain in lower case with A-labels (RFC 5890 §2.3.2.1); an address literal in lower case; "" when
   * there is none.
   */
  get domainKey(): string {
    return (this.#domainKey ??= toAscii(this.domain) ?? this.domain.toLowerCase());
  }

  /** The address literal taken apart, or undefined when the domain is a name. */
  get literal(): AddressLiteral | undefined {
    if (this.#literal === undefined) this.#literal = parseLiteral(this.domain) ?? null;
    return this.#literal ?? undefined;
  }

  /**
   * The SMTP form without angle brackets; quotes only where they are needed (RFC 5321 §4.1.2). "" for the
   * null reverse-path.
   */
  toString(): string {
    if (this.domain === "") return this.local;
    const local = dotString.test(this.local) ? this.local : `"${this.local.replace(/["\\]/g, "\\$&")}"`;
    return `${local}@${this.domain}`;
  }
}

/** The null reverse-path `<>`, one shared value. */
export const nullSender: Address = new Address("", "");
Object.freeze(nullSender);

/**
 * Parses a bare `local@domain`, as written in a configuration or a database. `utf8` (default false) allows
 * non-ASCII.
 * Limits as in a path. Faults: 501 5.1.3 with the reason, 553 5.6.7 for non-ASCII without `utf8`.
 * Source: RFC 5321 §4.1.2.
 */
export function parseMailbox(text: string, options?: { readonly utf8?: boolean }): Address | Fault {
  if (plainMailbox.test(text)) {
    const at = text.indexOf("@");
    if (at <= maxLocalOctets && text.length - at - 1 <= maxDomainOctets) {
      return new Address(text.slice(0, at), text.slice(at + 1));
    }
  }
  const scanned = scanMailbox(text, 0, options?.utf8 === true);
  if (typeof scanned === "string") return addressFault(scanned, false);
  return scanned.end === text.length ? scanned.address : addressFault(problems.domainCharacter, false);
}

/** The reply for a refused address: senders and recipients have codes of their own. */
export function addressFault(problem: Problem, sender: boolean): Fault {
  if (problem === problems.needsUtf8) return fault(sender ? 550 : 553, "5.6.7", problem); // RFC 6531 §3.5
  return fault(501, sender ? "5.1.7" : "5.1.3", problem); // RFC 3463 §3.2
}

/**
 * Scans `Mailbox` at `from`; `end` is the index after it. What may follow is the caller's business. This is
 * the whole grammar with its reasons for refusal; plain addresses are taken by a regular expression before
 * it.
 */
export function scanMailbox(
  text: string,
  from: number,
  utf8: boolean,
): { address: Address; end: number } | Problem {
  const quoted = text.charCodeAt(from) === 0x22;
  const at = quoted ? scanQuoted(text, from) : scanDotString(text, from);
  if (typeof at === "string") return at;
  const written = text.slice(from, at);
  if (!ascii.test(written)) {
    if (!utf8) return problems.needsUtf8;
    if (badUnicode.test(written)) return problems.badUnicode;
  }
  // RFC 5321 §4.5.3.1.1, counted as written, with quotes and backslashes
  if (Buffer.byteLength(written) > maxLocalOctets) return problems.localTooLong;
  if (text.charCodeAt(at) !== 0x40) return problems.noDomain;
  const end = scanDomainPart(text, at + 1);
  if (typeof end === "string") return end;
  const domain = text.slice(at + 1, end);
  const problem = domainPartProblem(domain, utf8);
  if (problem !== undefined) return problem;
  // RFC 5321 §4.1.2: compare without quoting
  const local = quoted ? written.slice(1, -1).replace(/\\(.)/gs, "$1") : written;
  return { address: new Address(local, domain), end };
}

function scanQuoted(text: string, from: number): number | Problem {
  for (let at = from + 1; at < text.length; at++) {
    let unit = text.charCodeAt(at);
    if (unit === 0x22) return at + 1;
    if (unit === 0x5c) {
      unit = text.charCodeAt(++at);
      if (unit > 0x7e) return problems.localCharacter; // RFC 6531 §3.3 widens qtextSMTP, not quoted-pairSMTP
    }
    // RFC 5321 §4.1.2: no controls, quoted or not
    if (unit < 0x20 || unit === 0x7f) return problems.localCharacter;
  }
  return problems.quoteOpen;
}

function scanDotString(text: string, from: number): number | Problem {
  dotStringRun.lastIndex = from;
  dotStringRun.test(text);
  const at = dotStringRun.lastIndex;
  const next = text.charCodeAt(at);
  if (at < text.length && next !== 0x40 && next !== 0x3e) return problems.localCharacter;
  if (at === from) return problems.noLocal;
  return dotString.test(text.slice(from, at)) ? at : problems.localDot;
}

/** The index after the domain or literal that begins at `from`; what is between is not checked yet. */
export function scanDomainPart(text: string, from: number): number | Problem {
  if (text.charCodeAt(from) === 0x5b) {
    const close = text.indexOf("]", from); // RFC 5321 §4.1.3: dcontent may hold ">" and "@", never "]"
    return close < 0 ? problems.literalOpen : close + 1;
  }
  domainRun.lastIndex = from;
  domainRun.test(text);
  return domainRun.lastIndex;
}

function domainPartProblem(text: string, utf8: boolean): Problem | undefined {
  if (text.charCodeAt(0) !== 0x5b) return domainProblem(text, utf8);
  if (text.length > maxDomainOctets) return problems.domainTooLong;
  return parseLiteral(text) === undefined ? problems.badLiteral : undefined;
}

/** Why `text` is no domain name, or undefined when it is one. */
export function domainProblem(text: string, utf8: boolean): Problem | undefined {
  if (text === "") return problems.noDomain;
  if (text.length > maxDomainOctets) return problems.domainTooLong; // RFC 5321 §4.5.3.1.2
  if (plainDomain.test(text)) return undefined;
  let name: string | undefined = text;
  if (!ascii.test(text)) {
    if (!utf8) return problems.needsUtf8;
    if (badUnicode.test(text)) return problems.badUnicode;
    name = toAscii(text);
    if (name === undefined) return problems.badDomain;
    if (Math.max(Buffer.byteLength(text), name.length) > maxDomainOctets) return problems.domainTooLong;
    if (plainDomain.test(name)) return undefined;
  }
  // RFC 1035 §2.3.4; RFC 5890 §4.2: a U-label may have more octets than 63, its A-label may not
  return name.split(".").some((label) => label.length > maxLabelOctets)
    ? problems.labelTooLong
    : problems.badDomain;
}

/**
 * The domain in lower case, U-labels turned to A-labels; undefined when a label has no A-label. ASCII is not
 * checked.
 * Source: RFC 5890 §2.3.2.1, UTS 46 as the global `URL` has it.
 */
function toAscii(domain: string): string | undefined {
  if (ascii.test(domain)) return domain.toLowerCase();
  // RFC 5891 §4.2.3.1: no hyphen at either end of a label, which URL lets pass; the rest of ASCII URL would
  // take for syntax
  if (/[^A-Za-z0-9.\u0080-\uffff-]|(?:^|\.)-|-(?:\.|$)/.test(domain)) return undefined;
  // The added label keeps URL from reading a host that ends in digits as an IPv4 address
  const url = URL.parse(`http://${domain}.x`);
  if (url === null) return undefined;
  const name = url.hostname.slice(0, -2);
  const labels = name.split(".");
  const given = domain.split(".");
  // UTS 46 maps more than IDNA: full-width letters, soft hyphens, other dots. None of them makes a U-label
  // (RFC 5890 §2.3.2.1), and taking them would let two spellings that look unlike each other be one domain.
  const same = (label: string, index: number): boolean =>
    ascii.test(label) || labels[index]?.startsWith("xn--") === true;
  return labels.length === given.length && given.every(same) ? name : undefined;
}

/** Takes an address literal apart, brackets included; undefined when it is none. Source: RFC 5321 §4.1.3. */
export function parseLiteral(text: string): AddressLiteral | undefined {
  if (text.charCodeAt(0) !== 0x5b || !text.endsWith("]")) return undefined;
  const inner = text.slice(1, -1);
  const v4 = parseIPv4(inner);
  if (v4 !== undefined) return { family: 4, address: v4 };
  if (/^ipv6:/i.test(inner)) {
    const address = inner.slice(5);
    return isIPv6(address) ? { family: 6, address } : undefined;
  }
  // RFC 5321 §4.1.3 General-address-literal
  const general = /^([A-Za-z0-9-]*[A-Za-z0-9]):([!-Z^-~]+)$/.exec(inner);
  return general === null ? undefined : { tag: general[1] ?? "", content: general[2] ?? "" };
}

function parseIPv4(text: string): string | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  const numbers = text.split(".").map(Number); // RFC 5321 §4.1.3 Snum: decimal, so leading zeros are no octal
  return numbers.every((number) => number <= 255) ? numbers.join(".") : undefined;
}

function isIPv6(text: string): boolean {
  const tail = text.slice(text.lastIndexOf(":") + 1);
  const v4 = tail.includes(".");
  if (v4 && parseIPv4(tail) === undefined) return false;
  const sides = (v4 ? `${text.slice(0, -tail.length)}0:0` : text).split("::");
  const groups = sides.flatMap((side) => (side === "" ? [] : side.split(":")));
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  if (sides.length === 1) return groups.length === 8;
  return sides.length === 2 && groups.length <= 6; // RFC 5321 §4.1.3: "::" stands for two groups or more
}

function foldLocal(local: string): string {
  return ascii.test(local) ? local.toLowerCase() : local.normalize("NFC").toLowerCase(); // RFC 6532 §3.1: NFC
}
