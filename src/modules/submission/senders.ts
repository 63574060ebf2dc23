// Which addresses belong to which user: the option `senders` as one question, whatever form it has. Knows no message and
// no reply.

import { Address, parseMailbox } from "../../wire/address.ts";
import { isFault } from "../../wire/fault.ts";
import { isDomain } from "../../wire/path.ts";
import { checkStrings, describe, optionError } from "../shared/options.ts";

/** Says whether the user may send from the address. Only `true` allows; to throw is a module fault, which defers. */
export type MaySend = (username: string, sender: Address) => boolean | Promise<boolean>;

/** Addresses by user: `anna@example.org`, or `@example.org` for any local part. */
export type SenderTable =
  | Readonly<Record<string, readonly string[]>>
  | ReadonlyMap<string, readonly string[]>;

/** What is known of users and their addresses. */
export interface Senders {
  /** Undefined: it is not known who may send from which address. */
  readonly owns: MaySend | undefined;
  /** An address that surely is the user's, to be shown to others; undefined when none is known. */
  readonly addressOf: (username: string) => Address | undefined;
}

/** The option `senders`. Throws TypeError naming what is wrong in it. */
export function readSenders(value: unknown): Senders {
  if (value === undefined) return { owns: undefined, addressOf: asAddress };
  if (value === "same") {
    return {
      owns: (username, sender) => asAddress(username)?.key === sender.key,
      addressOf: asAddress,
    };
  }
  if (typeof value === "function") {
    return { owns: (username, sender) => onlyTrue(value(username, sender)), addressOf: () => undefined };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const want = 'want "same", an object such as { anna: ["anna@example.org"] }, a Map, or a function';
    throw optionError("submission.senders", `${want}; found ${describe(value)}`);
  }
  return fromTable(value instanceof Map ? [...value] : Object.entries(value));
}

/** Users without a compiler may answer anything: but for true it is no. A promise only where one was given. */
function onlyTrue(answer: unknown): boolean | Promise<boolean> {
  if (typeof answer === "boolean") return answer;
  return Promise.resolve(answer).then((settled) => settled === true);
}

interface Entry {
  readonly addresses: ReadonlySet<string>;
  readonly domains: ReadonlySet<string>;
  /** The first full address. */
  readonly own: Address | undefined;
}

function fromTable(rows: readonly (readonly [unknown, unknown])[]): Senders {
  const users = new Map(
    rows.map(([username, list]) => [String(username), readEntry(String(username), list)] as const),
  );
  return {
    owns(username, sender) {
      const entry = users.get(username);
      return entry !== undefined && (entry.addresses.has(sender.key) || entry.domains.has(sender.domainKey));
    },
    addressOf(username) {
      const entry = users.get(username);
      if (entry?.own !== undefined) return entry.own;
      const address = asAddress(username);
      return address !== undefined && entry?.domains.has(address.domainKey) === true ? address : undefined;
    },
  };
}

function readEntry(username: string, list: unknown): Entry {
  const path = `submission.senders[${describe(username)}]`;
  const addresses = new Set<string>();
  const domains = new Set<string>();
  let own: Address | undefined;
  // `undefined` would be an empty list there
  for (const [index, text] of checkStrings(path, list ?? null, "user@example.org").entries()) {
    const domain = text.startsWith("@") ? text.slice(1) : undefined;
    if (domain !== undefined && isDomain(domain, { utf8: true })) {
      domains.add(new Address("", domain).domainKey);
      continue;
    }
    const address = parseMailbox(text, { utf8: true });
    if (isFault(address)) {
      const want = "want one such as user@example.org, or @example.org for all of it";
      throw optionError(`${path}[${index}]`, `${describe(text)} is no address; ${want}`);
    }
    addresses.add(address.key);
    own ??= address;
  }
  return { addresses, domains, own };
}

/** The address that a user name is, where it is one. */
function asAddress(username: string): Address | undefined {
  const address = parseMailbox(username, { utf8: true });
  return isFault(address) || !isQualified(address) ? undefined : address;
}

/** Whether the domain is fully qualified (RFC 5321 §2.3.5), or an address literal. */
export function isQualified(address: Address): boolean {
  return address.domain.includes(".") || address.literal !== undefined;
}
