// Counts failed logins by client network and by account, and says when there were too many: guessing passwords must not
// pay, however many connections it is spread over. Bounded; in memory only, so a restart forgives. Checks are made before
// the hooks are asked and counts after: connections that try at the same moment all get their one try.

import { ipToOctets, parseIPv6 } from "../wire/ip.ts";

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

interface Count {
  failures: number;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export class AuthThrottle {
  readonly #networks = new Map<string, Count>();
  readonly #accounts = new Map<string, Count>();

  /** The limit that this login is over, at `now` (monotonic milliseconds); undefined when it may be tried. */
  over(address: string, account: string, limits: ThrottleLimits, now: number): ThrottleLimit | undefined {
    const { authFailuresPerAddress, authFailuresPerAccount } = limits;
    if (isOver(this.#networks, networkOf(address), authFailuresPerAddress, now))
      return "authFailuresPerAddress";
    if (isOver(this.#accounts, accountKey(account), authFailuresPerAccount, now))
      return "authFailuresPerAccount";
    return undefined;
  }

  /** Counts a failure; the time to wait begins with the first. An empty `account` counts for the address only. */
  failed(address: string, account: string, limits: ThrottleLimits, now: number): void {
    count(this.#networks, networkOf(address), limits.authFailureWindowMs, now);
    if (account !== "") count(this.#accounts, accountKey(account), limits.authFailureWindowMs, now);
  }

  /** The account has shown that it knows its password. */
  succeeded(account: string): void {
    this.#accounts.delete(accountKey(account));
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
  counts.delete(key);
  counts.set(key, { failures: 1, until: now + windowMs });
  if (counts.size <= maxRemembered) return;
  const [oldest] = counts.keys();
  if (oldest !== undefined) counts.delete(oldest);
}

/** What counts as one client: an IPv4 address, or the /64 that an IPv6 client has for itself (RFC 4291 §2.5.1). */
export function networkOf(address: string): string {
  const isIPv6 = address.includes(":") && parseIPv6(address) !== undefined;
  return isIPv6 ? Buffer.from(ipToOctets(address).subarray(0, 8)).toString("hex") : address;
}

/** Names that differ in case or form are one account to most back ends, so to an attacker they must be one too. */
function accountKey(account: string): string {
  return account.slice(0, maxNameLength).normalize("NFKC").toLowerCase();
}
