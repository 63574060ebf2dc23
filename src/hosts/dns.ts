// The real DNS for hosts, over Node's resolver (c-ares). Adds what modules are promised: "nothing there" is empty, a
// failure is a DnsError, equal look-ups under way are one, answers are kept a while. The hosts file is not read.

import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock, Dns } from "../hooks/environment.ts";
import { systemClock } from "./clock.ts";
import { Lookups } from "./dns-cache.ts";
import type { Found } from "./dns-cache.ts";

export interface SystemDnsOptions {
  /** Addresses, with a port where it is not 53: `192.0.2.1`, `[2001:db8::1]:5353`. Default: those of the system. */
  readonly servers?: readonly string[];
  /** Milliseconds to wait at each try, 1 to 60,000; default 2,000. */
  readonly timeoutMs?: number;
  /** How often each server is asked before a look-up fails, 1 to 10; default 2. */
  readonly tries?: number;
  /** Tells the age of kept answers; default the real time. */
  readonly clock?: Pick<Clock, "monotonic">;
}

interface Exchanger {
  readonly exchange: string;
  readonly priority: number;
}

/** Characters are bounded too: clients choose the names, and with them the size of the answers. */
const stringLimits = { entries: 9_000, characters: 8_388_608 };
const exchangerLimits = { entries: 1_000, characters: 1_048_576 };

// c-ares reads a backslash as an escape and a NUL as the end; either would ask for another name than the one given
const unaskable = /^$|[\0- \\\x7f]/;

/**
 * DNS by the servers given, or as the system is set up. The resolver is made at the first look-up. Answers are kept for
 * the TTL of A and AAAA records (at most a day), 60 s for others and where there is nothing; 10,000 at most. A name that
 * is no domain name is "nothing there". Throws TypeError that begins with the path of a wrong option (`dns.servers[0]`).
 */
export function systemDns(options: SystemDnsOptions = {}): Dns {
  checkOptions(options);
  const { servers, timeoutMs = 2_000, tries = 2, clock = systemClock } = options;
  let made: Resolver | undefined;
  const resolver = (): Resolver => {
    if (made !== undefined) return made;
    made = new Resolver({ timeout: timeoutMs, maxTimeout: timeoutMs, tries });
    if (servers !== undefined) made.setServers(servers);
    return made;
  };
  const strings = new Lookups<string>(clock, stringLimits, (text) => text.length);
  const exchangers = new Lookups<Exchanger>(clock, exchangerLimits, ({ exchange }) => exchange.length);

  return {
    resolve4: (name, options) =>
      find(strings, "A", name, options?.signal, async (name) =>
        addresses(await resolver().resolve4(name, { ttl: true })),
      ),
    resolve6: (name, options) =>
      find(strings, "AAAA", name, options?.signal, async (name) =>
        addresses(await resolver().resolve6(name, { ttl: true })),
      ),
    resolveTxt: (name, options) =>
      find(strings, "TXT", name, options?.signal, async (name) => {
        const records = await resolver().resolveTxt(name);
        return { answers: records.map((parts) => parts.join("")) }; // RFC 7208 §3.3: joined without spaces
      }),
    resolveMx: (name, options) =>
      find(exchangers, "MX", name, options?.signal, async (name) => {
        const records = await resolver().resolveMx(name);
        records.sort((a, b) => a.priority - b.priority); // RFC 5321 §5.1: lower numbers are preferred
        return { answers: records.map(({ exchange, priority }) => Object.freeze({ exchange, priority })) };
      }),
    reverse: (address, options) =>
      find(strings, "PTR", isIP(address) === 0 ? "" : address, options?.signal, async (address) => ({
        answers: await resolver().reverse(address),
      })),
  };
}

function find<T>(
  lookups: Lookups<T>,
  type: string,
  given: string,
  signal: AbortSignal | undefined,
  ask: (name: string) => Promise<Found<T>>,
): Promise<readonly T[]> {
  if (unaskable.test(given)) return Promise.resolve([]);
  const name = given.toLowerCase(); // RFC 4343 §3: case makes no other name
  return lookups.find(`${type} ${name}`, () => ask(name), signal);
}

function addresses(records: readonly { address: string; ttl: number }[]): Found<string> {
  return {
    answers: records.map(({ address }) => address),
    ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
  };
}

function checkOptions({ servers, timeoutMs = 2_000, tries = 2 }: SystemDnsOptions): void {
  if (!(timeoutMs >= 1 && timeoutMs <= 60_000)) {
    throw new TypeError(`dns.timeoutMs: want milliseconds from 1 to 60000, found ${timeoutMs}`);
  }
  if (!(Number.isInteger(tries) && tries >= 1 && tries <= 10)) {
    throw new TypeError(`dns.tries: want a whole number from 1 to 10, found ${tries}`);
  }
  if (servers === undefined) return;
  if (!Array.isArray(servers) || servers.length === 0) {
    throw new TypeError("dns.servers: want at least one address, or leave it out for those of the system");
  }
  for (const [at, server] of servers.entries()) {
    const address: unknown = server;
    if (typeof address === "string" && isServer(address)) continue;
    const want = "want an IP address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353";
    throw new TypeError(`dns.servers[${at}]: ${want}, found ${JSON.stringify(address)}`);
  }
}

function isServer(text: string): boolean {
  const [, bracketed, plain, port = "53"] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isAddress = isIP(text) !== 0 || isIP(bracketed ?? "") === 6 || isIP(plain ?? "") === 4;
  return isAddress && Number(port) > 0 && Number(port) <= 65_535;
}
