// Counts failed logins by client network and by account, and says when there were too many: guessing passwords must not
// pay, however many connections it is spread over, and must not lock out the owner of an account either. So networks from
// which an account has logged in count for themselves (the idea of OWASP's device cookies). Bounded; in memory only, so a
// restart forgives. Checks are made before the hooks are asked and counts after: connections that try at the same moment
// all get their one try.

import { ipToOctets, parseIPv6 } from "../wire/ip.ts";
import { saslPrep } from "../wire/saslprep.ts";

/** How many failures are too many, and for how long. */
export interface ThrottleLimits {
  readonly authFailuresPerAddress: number;
  readonly authFailuresPerAccount: number;
  readonly authFailureWindowMs: number;
}

/** The limit that a login is over. */
export type ThrottleLimit = "authFailuresPerAddress" | "authFailuresPerAccount";

/** Networks and accounts remembered at once, of each; the oldest go first. */
const maxRemembered = 10_000;
/** Characters of an account name that count: names may be as long as a line. */
const maxNameLength = 255;
/** Networks remembered from which one account has logged in; the one that was used longest ago goes first. */
const maxHomes = 16;

interface Count {
  failures: number;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export class AuthThrottle {
  readonly #networks = new Map<string, Count>();
  readonly #accounts = new Map<string, Count>();
  /** By account, the networks from which it has logged in. */
  readonly #homes = new Map<string, Set<string>>();

  /** The limit that this login is over, at `now` (monotonic milliseconds); undefined when it may be tried. */
  over(address: string, account: string, limits: ThrottleLimits, now: number): ThrottleLimit | undefined {
    const { authFailuresPerAddress, authFailuresPerAccount } = limits;
    const network = networkOf(address);
    if (isOver(this.#networks, network, authFailuresPerAddress, now)) return "authFailuresPerAddress";
    if (isOver(this.#accounts, this.#key(network, account), authFailuresPerAccount, now))
      return "authFailuresPerAccount";
    return undefined;
  }

  /** Counts a failure; the time to wait begins with the first. An empty `account` counts for the address only. */
  failed(address: string, account: string, limits: ThrottleLimits, now: number): void {
    const network = networkOf(address);
    count(this.#networks, network, limits.authFailureWindowMs, now);
    if (account !== "") count(this.#accounts, this.#key(network, account), limits.authFailureWindowMs, now);
  }

  /** The account has shown that it knows its password: what counts against it there is forgotten. */
  succeeded(address: string, account: string): void {
    const network = networkOf(address);
    this.#accounts.delete(this.#key(network, account));
    const name = accountKey(account);
    const homes = this.#homes.get(name) ?? new Set();
    keepLatest(this.#homes, name, maxRemembered, () => this.#homes.set(name, homes));
    keepLatest(homes, network, maxHomes, () => homes.add(network));
  }

  /** What failures count for: the account as seen from one of its own networks, or from all others together. */
  #key(network: string, account: string): string {
    const name = accountKey(account);
    return this.#homes.get(name)?.has(network) === true ? `${name} ${network}` : name;
  }
}

function isOver(counts: Map<string, Count>, key: string, limit: number, now: number): boolean {
  const known = counts.get(key);
  if (known === undefined || limit === 0) return false;
  if (known.until > now) return known.failures >= limit;
  counts.delete(key);
  return false;
}

function count(counts: Map<string, Count>, key: string, windowMs: number, now: number): void {
  const known = counts.get(key);
  if (known !== undefined && known.until > now) {
    known.failures += 1;
    return;
  }
  keepLatest(counts, key, maxRemembered, () => counts.set(key, { failures: 1, until: now + windowMs }));
}

/** Puts the key at the end, and drops the first past `most`. */
function keepLatest(
  kept: Pick<Map<string, unknown>, "delete" | "keys" | "size">,
  key: string,
  most: number,
  add: () => void,
): void {
  kept.delete(key);
  add();
  if (kept.size <= most) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

/** What counts as one client: an IPv4 address, or the /64 that an IPv6 client has for itself (RFC 4291 §2.5.1). */
export function networkOf(address: string): string {
  const isIPv6 = address.includes(":") && parseIPv6(address) !== undefined;
  return isIPv6 ? Buffer.from(ipToOctets(address).subarray(0, 8)).toString("hex") : address;
}

/**
 * Names that differ in case or form are one account to most back ends, so to an attacker they must be one too: among them
 * those with characters that SASLprep and LDAP (RFC 4013 §2.1, RFC 4518 §2.2) take away or do not tell apart.
 */
function accountKey(account: string): string {
  const name = (saslPrep(account) ?? account).normalize("NFKC").toUpperCase().toLowerCase();
  return name.replaceAll(unseen, "").slice(0, maxNameLength);
}

/** Controls, blanks, and what is not shown. */
const unseen = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u1806]/gu;
