// Vouches for recipients: addresses of a list or a file, all of a domain, or any at all. What it does not know it leaves
// to others, except in domains it answers for, where an unknown address is refused by name. Does no look-ups; aliases
// and forwarding are other modules.

import type { Module } from "../hooks/module.ts";
import type { RcptEvent } from "../hooks/stages.ts";
import { accept, reject } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import { Address, parseMailbox } from "../wire/address.ts";
import { isFault } from "../wire/fault.ts";
import { isAddressLiteral, isDomain } from "../wire/path.ts";
import { checkOptions, checkStrings, describe, optionError } from "./shared/options.ts";
import { WatchedFile } from "./shared/watched-file.ts";
import type { Line, LineProblem } from "./shared/watched-file.ts";

/** At least one of `list`, `domains`, `file`; or `catchAll` alone. */
export interface RecipientsOptions {
  /** Addresses: `["anna@example.org"]`. Compared without regard to case, U-labels as A-labels. */
  readonly list?: readonly string[];
  /** Domains (or address literals in brackets) of which every local part is a recipient. Not their subdomains. */
  readonly domains?: readonly string[];
  /** An open sink: every recipient of every domain is accepted. Alone, since it makes the others pointless. */
  readonly catchAll?: boolean;
  /** Path of a file with an address or an `@domain` on each line; read again when it changes. */
  readonly file?: string;
  /** Separator of subaddresses, for instance `+`: with it `anna+lists@…` is accepted where `anna@…` is known. */
  readonly subaddress?: string;
}

const names = ["list", "domains", "catchAll", "file", "subaddress"] satisfies (keyof RecipientsOptions)[];
const wantAddress = "want one such as user@example.org";
const noSuchUser = reject("5.1.1", "No such user here"); // RFC 3463 §3.2

/** Decides which recipients exist. Throws TypeError naming the option (and the line of the file) that is wrong. */
export function recipients(options: RecipientsOptions): Module {
  checkOptions("recipients", options, names);
  const { catchAll } = options;
  if (catchAll !== undefined && typeof catchAll !== "boolean") {
    throw optionError("recipients.catchAll", `want true or false, found ${describe(catchAll)}`);
  }
  const others = names.filter((name) => name !== "catchAll" && options[name] !== undefined);
  if (catchAll === true) {
    if (others.length === 0) return { name: "recipients", rcpt: acceptAny };
    const problem = `true accepts every recipient of every domain, which leaves ${others.join(", ")} without effect`;
    throw optionError("recipients.catchAll", `${problem}; want one or the other`);
  }
  const separator = checkSeparator(options.subaddress);
  const inline = readInline(options);
  if (options.file === undefined) {
    if (inline.first !== undefined) {
      return { name: "recipients", rcpt: (event) => judge(event, inline, separator) };
    }
    throw optionError("recipients", "knows nobody; want at least one of list, domains, file, catchAll");
  }
  const file = new WatchedFile("recipients.file", options.file, (lines) => readLines(lines, inline));
  return { name: "recipients", rcpt: (event) => judge(event, file.current(event), separator) };
}

/** Who is known. Names are in the form of `Address.key` and `Address.domainKey`. */
class Directory {
  /** Domains with any local part. */
  readonly domains: Set<string>;
  readonly addresses: Set<string>;
  /** Domains this module answers for: an unknown address there does not exist. */
  readonly responsible: Set<string>;
  /** The first domain of all. */
  first: string | undefined;

  constructor(base?: Directory) {
    this.domains = new Set(base?.domains);
    this.addresses = new Set(base?.addresses);
    this.responsible = new Set(base?.responsible);
    this.first = base?.first;
  }

  addDomain(domain: string): void {
    this.domains.add(domain);
    this.#answerFor(domain);
  }

  addAddress(address: Address): void {
    this.addresses.add(address.key);
    this.#answerFor(address.domainKey);
  }

  #answerFor(domain: string): void {
    this.first ??= domain;
    if (this.responsible.has(domain)) return;
    this.responsible.add(domain);
    this.addresses.add(`postmaster@${domain}`); // RFC 5321 §4.5.1
  }
}

function judge(
  event: RcptEvent,
  directory: Directory,
  separator: string | undefined,
): Verdict<"accept"> | Verdict<"reject"> | undefined {
  const { recipient } = event;
  // As written first: most clients write domains in lower case, which spares the comparison form
  if (directory.domains.has(recipient.domain)) return accept();
  if (recipient.domain === "") {
    if (directory.first === undefined) return undefined;
    event.rewrite(new Address("postmaster", directory.first)); // RFC 5321 §4.5.1: the domain is ours to add
    return accept();
  }
  const domain = recipient.domainKey;
  if (directory.domains.has(domain)) return accept();
  if (!directory.responsible.has(domain)) return undefined;
  if (directory.addresses.has(recipient.key)) return accept();
  if (separator !== undefined) {
    const at = recipient.local.indexOf(separator);
    if (at > 0 && directory.addresses.has(new Address(recipient.local.slice(0, at), domain).key))
      return accept();
  }
  return noSuchUser;
}

function acceptAny(event: RcptEvent): Verdict<"accept"> {
  // RFC 5321 §4.5.1: without a domain only <postmaster>, which no delivery could place
  if (event.recipient.domain === "") event.rewrite(new Address("postmaster", event.session.hostname));
  return accept();
}

function readInline({ list, domains }: RecipientsOptions): Directory {
  const directory = new Directory();
  for (const [index, text] of checkStrings("recipients.domains", domains, "example.org").entries()) {
    const path = `recipients.domains[${index}]`;
    const domain = domainKey(text);
    if (domain === undefined) {
      throw optionError(path, `${describe(text)} is no domain; want a name such as example.org`);
    }
    directory.addDomain(domain);
  }
  for (const [index, text] of checkStrings("recipients.list", list, "user@example.org").entries()) {
    const address = parseMailbox(text, { utf8: true });
    if (isFault(address)) {
      throw optionError(`recipients.list[${index}]`, `${describe(text)} is no address; ${wantAddress}`);
    }
    directory.addAddress(address);
  }
  return directory;
}

function readLines(lines: readonly Line[], inline: Directory): Directory | LineProblem {
  const directory = new Directory(inline);
  for (const { number: line, text } of lines) {
    const entry = text.replace(/\s#.*$/, "").trimEnd();
    if (entry.startsWith("@")) {
      const domain = domainKey(entry.slice(1));
      if (domain === undefined) {
        return { line, problem: `${describe(entry)} names no domain; want one such as @example.org` };
      }
      directory.addDomain(domain);
    } else {
      const address = parseMailbox(entry, { utf8: true });
      if (isFault(address)) {
        return {
          line,
          problem: `${describe(entry)} is no address; ${wantAddress}, or @example.org for all of it`,
        };
      }
      directory.addAddress(address);
    }
  }
  return directory;
}

/** The comparison form of a domain or an address literal; undefined when the text is neither. */
function domainKey(text: string): string | undefined {
  return isDomain(text, { utf8: true }) || isAddressLiteral(text)
    ? new Address("", text).domainKey
    : undefined;
}

function checkSeparator(separator: unknown): string | undefined {
  // atext of RFC 5322 §3.2.3 without letters and digits, which would cut ordinary names
  if (separator === undefined) return undefined;
  if (typeof separator === "string" && /^[!#$%&'*+/=?^_`{|}~-]+$/.test(separator)) return separator;
  throw optionError("recipients.subaddress", `want a separator such as "+", found ${describe(separator)}`);
}
