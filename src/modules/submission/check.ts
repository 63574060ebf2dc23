// What a submitted header must be before anything is mended: the first thing that is wrong with it, in words for the
// client. Reads a header block and knows neither users nor replies.

import type { HeaderBlock } from "../../wire/header.ts";
import type { Address } from "../../wire/address.ts";
import { parseAddressList } from "./address-list.ts";
import { isQualified } from "./senders.ts";

/** Fields that hold addresses (RFC 5322 §3.6.2, §3.6.3, §3.6.6). */
const addressFields = new Set([
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "bcc",
  "resent-from",
  "resent-sender",
  "resent-to",
  "resent-cc",
  "resent-bcc",
]);
/** Fields that may be there once (RFC 5322 §3.6). */
const single = "Date From Sender Reply-To To Cc Bcc Message-ID In-Reply-To References Subject".split(" ");
/** Most addresses in From. Own choice: more are no authors, and each may cost a look-up. */
export const maxAuthors = 100;
/** Longest line without CRLF, in octets (RFC 5322 §2.1.1). */
const maxLineOctets = 998;

/** What the message is judged by. */
export interface Circumstances {
  /** Whether to refuse too what can be read but is against the format. */
  readonly strict: boolean;
  /** Whether the client declared SMTPUTF8. */
  readonly utf8: boolean;
  /** Whether a Sender field can be added where it must be there and is not. */
  readonly canAddSender: boolean;
}

/** The first thing wrong with a header; undefined when it can be sent. */
export function headerProblem(headers: HeaderBlock, circumstances: Circumstances): string | undefined {
  return (
    authorProblem(headers, circumstances) ??
    addressProblem(headers, circumstances) ??
    (circumstances.strict ? formatProblem(headers, circumstances) : undefined)
  );
}

/** The addresses of From; empty when it cannot be read. */
export function authorsOf(headers: HeaderBlock): readonly Address[] {
  return parseAddressList(headers.get("From") ?? "")?.mailboxes ?? [];
}

function authorProblem(headers: HeaderBlock, { canAddSender }: Circumstances): string | undefined {
  const fields = headers.count("From");
  if (fields === 0) return "Message has no From field"; // RFC 5322 §3.6: exactly one
  if (fields > 1) return `Message has ${fields} From fields`; // RFC 5322 §3.6
  const senders = headers.count("Sender");
  if (senders > 1) return `Message has ${senders} Sender fields`; // RFC 5322 §3.6
  const authors = parseAddressList(headers.get("From") ?? "")?.mailboxes;
  if (authors?.length === 0) return "From has no address"; // RFC 5322 §3.6.2
  if (authors !== undefined && authors.length > maxAuthors)
    return `From has more than ${maxAuthors} addresses`;
  if (authors !== undefined && authors.length > 1 && senders === 0 && !canAddSender) {
    return "From has several addresses, and no Sender field says who of them sent it"; // RFC 5322 §3.6.2
  }
  if (senders === 1 && parseAddressList(headers.get("Sender") ?? "")?.mailboxes.length !== 1) {
    return "Sender is not one address"; // RFC 5322 §3.6.2
  }
  return undefined;
}

function addressProblem(headers: HeaderBlock, { strict }: Circumstances): string | undefined {
  for (const { key, name, value } of headers) {
    if (!addressFields.has(key)) continue;
    const list = parseAddressList(value);
    // RFC 6409 §5.1
    if (list === undefined || (strict && list.hasBareName)) return `${name} has an address that is not valid`;
    const local = list.mailboxes.find((address) => !isQualified(address));
    if (local !== undefined) return unqualified(name, local); // RFC 6409 §4.2
  }
  return undefined;
}

/** What is wrong with an address without a full domain. */
export function unqualified(where: string, { domain }: Address): string {
  return `${where}: the domain ${domain} is not fully qualified`;
}

function formatProblem(headers: HeaderBlock, { utf8 }: Circumstances): string | undefined {
  const twice = single.find((name) => headers.count(name) > 1);
  if (twice !== undefined) return `Message has ${headers.count(twice)} ${twice} fields`; // RFC 5322 §3.6
  for (const [at, { name, raw }] of headers.fields.entries()) {
    const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("latin1");
    const where = name === "" ? `Line ${at + 1} of the fields` : name;
    if (name === "") return `${where} is no header field`; // RFC 5322 §2.2
    if (/\0|\r(?!\n)|(?<!\r)\n/.test(text)) return `${where} has a NUL, CR or LF`; // RFC 5322 §2.2
    if (!utf8 && /[\x80-\xff]/.test(text)) return `${where} has non-ASCII characters and needs SMTPUTF8`; // RFC 6532 §3.2
    const lines = text.split("\r\n");
    if (lines.some((line) => line.length > maxLineOctets))
      return `${where} has a line longer than ${maxLineOctets} octets`;
    // RFC 5322 §3.2.2: no line of blanks only within a field
    if (lines.slice(0, -1).some((line, index) => index > 0 && /^[ \t]*$/.test(line))) {
      return `${where} has a line of blanks only`;
    }
  }
  return undefined;
}
