// Names and mail addresses with a value each: the pattern given first wins. A look-up costs one map access for each
// label of the domain, however many patterns there are. Pure.

import { Address, parseMailbox } from "../../wire/address.ts";
import { isFault } from "../../wire/fault.ts";
import { isAddressLiteral, isDomain } from "../../wire/path.ts";

interface Ranked<T> {
  readonly rank: number;
  readonly value: T;
}

class RankedMap<T> {
  readonly #values = new Map<string, Ranked<T>>();

  add(key: string, value: T): undefined {
    if (!this.#values.has(key)) this.#values.set(key, { rank: this.#values.size, value });
  }

  /** The value of the one of these keys that was added first. */
  find(keys: Iterable<string>): T | undefined {
    let best: Ranked<T> | undefined;
    for (const key of keys) {
      const found = this.#values.get(key);
      if (found !== undefined && (best === undefined || found.rank < best.rank)) best = found;
    }
    return best?.value;
  }
}

// A control character stands in no address and no name (RFC 5321 §4.1.2): these keys are never taken for one
const anything = "\0*";
const within = (domain: string): string => `\0@${domain}`;
const below = (domain: string): string => `\0.${domain}`;

/** For `mx.example.org`: below it, below `example.org`, below `org`. */
function* belowAll(domain: string): Iterable<string> {
  yield below(domain);
  for (let dot = domain.indexOf("."); dot !== -1; dot = domain.indexOf(".", dot + 1)) {
    yield below(domain.slice(dot + 1));
  }
}

/** Patterns of HELO names: `mail.example.org`, `.example.org`, `[192.0.2.1]`, `*`. */
export class HeloTable<T> {
  readonly #map = new RankedMap<T>();

  /** Gives back what is wrong with the pattern, if anything. */
  add(pattern: string, value: T): string | undefined {
    if (pattern === "*") return this.#map.add(anything, value);
    const name = pattern.toLowerCase();
    if (name.startsWith(".") && isHeloDomain(name.slice(1)))
      return this.#map.add(below(name.slice(1)), value);
    if (isHeloDomain(name) || isAddressLiteral(name)) return this.#map.add(name, value);
    return `"${pattern}" is no HELO name; want a name such as mail.example.org, .example.org for it and all below, [192.0.2.1] or *`;
  }

  find(heloName: string): T | undefined {
    const name = heloName.toLowerCase();
    return this.#map.find([name, ...belowAll(name), anything]);
  }
}

/** Underscores stand in names of clients, if not in the grammar. */
function isHeloDomain(name: string): boolean {
  return isDomain(name.replaceAll("_", "-"));
}

/**
 * Patterns of addresses: `user@example.org`, `@example.org`, `.example.org`, `*`, and one special address: `<>` for
 * senders, `<postmaster>` for recipients.
 */
export class AddressTable<T> {
  readonly #map = new RankedMap<T>();
  readonly #special: "<>" | "<postmaster>";

  constructor(special: "<>" | "<postmaster>") {
    this.#special = special;
  }

  /** Gives back what is wrong with the pattern, if anything. */
  add(pattern: string, value: T): string | undefined {
    if (pattern === "*") return this.#map.add(anything, value);
    if (pattern.toLowerCase() === this.#special) return this.#map.add(this.#special.slice(1, -1), value);
    const domain = domainKey(pattern.slice(1));
    if (domain !== undefined && pattern.startsWith("@")) return this.#map.add(within(domain), value);
    if (domain !== undefined && pattern.startsWith(".")) return this.#map.add(below(domain), value);
    const address = parseMailbox(pattern, { utf8: true });
    if (!isFault(address)) return this.#map.add(address.key, value);
    return `"${pattern}" is no address pattern; want user@example.org, @example.org, .example.org for it and all below, ${this.#special} or *`;
  }

  find(address: Address): T | undefined {
    const { key, domain, domainKey } = address;
    if (domain === "") return this.#map.find([key, anything]);
    return this.#map.find([key, within(domainKey), ...belowAll(domainKey), anything]);
  }
}

function domainKey(text: string): string | undefined {
  return isDomain(text, { utf8: true }) || isAddressLiteral(text)
    ? new Address("", text).domainKey
    : undefined;
}
