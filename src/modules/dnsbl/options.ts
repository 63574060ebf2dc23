// Options of the module dnsbl, and the settings they are compiled to by read-options.ts. Types and defaults only.

import type { BlockList } from "node:net";
import type { OnError } from "../../hooks/module.ts";
import type { Text } from "../../hooks/verdict.ts";
import type { CodeTest } from "./codes.ts";

/** One list. A string in its place is its zone, everything else default. */
export interface DnsblZone {
  /** Domain below which the list answers, without a trailing dot: `zen.example.org`. */
  readonly zone: string;
  /**
   * What replies, logs and facts call the list; default: the zone. Needed where the zone holds a key of yours, which
   * clients must not see.
   */
  readonly name?: string;
  /**
   * Default `deny`: a hit adds `weight` to the score. `allow`: a hit ends it; the module has no opinion on the client.
   */
  readonly type?: "deny" | "allow";
  /** Added to the score by a hit; default 1. Negative: speaks for the client. Not for `type: "allow"`. */
  readonly weight?: number;
  /**
   * Answers that count: `127.0.0.2`, `127.0.0.[2..11]`, `127.0.[0;3..5].1`, or a list of such patterns. Default: every
   * answer in 127.0.0.0/8. Never counted: 127.0.0.1 and 127.255.255.x.
   */
  readonly codes?: string | readonly string[];
  /** Text of the reply when this list weighs most; default: the `text` of the module. */
  readonly text?: Text;
}

/** Options of `dnsbl`; `zones` must be there. */
export interface DnsblOptions {
  /** The lists, at least one. A zone may appear several times, with other codes; it is asked once. */
  readonly zones: readonly (string | DnsblZone)[];
  /** Score from which a client is refused; default 1. `Infinity`: never refused, only looked up and noted. */
  readonly threshold?: number;
  /** Networks (`192.0.2.0/24`) and addresses that are not looked up. Default: `localNetworks`, which it replaces. */
  readonly allow?: readonly string[];
  /** Milliseconds for all look-ups together, 1 to 60,000; default 3,000. What came in time is counted. */
  readonly timeout?: number;
  /** Whether to ask the lists for their reason (TXT) too, once they have listed the client; default false. */
  readonly reasons?: boolean;
  /** Text of the reply with `{address}`, `{zone}` and `{reason}`. Default: `{address} is listed by {zone}`. */
  readonly text?: Text;
  /** Refuses for now (4.7.1) instead of for good (5.7.1); default false. */
  readonly defer?: boolean;
  /** When to ask. Default `connect`; `rcpt`: at the first recipient, so that `exempt` can be reached. */
  readonly stage?: "connect" | "rcpt";
  /**
   * With `stage: "rcpt"`: recipients that are never refused: `abuse` (in any domain), `abuse@example.org` or
   * `@example.org`. Default `["postmaster"]`, which it replaces (RFC 5321 §4.5.1 wants postmaster reachable).
   */
  readonly exempt?: readonly string[];
  /** What it means that not one list could be asked; default `continue`. Single failures are logged only. */
  readonly onError?: OnError;
}

/** Addresses that no public list can have: loopback, link-local, private (RFC 6890 §2.2.2, §2.2.3). */
export const localNetworks: readonly string[] = [
  "127.0.0.0/8",
  "10.0.0.0/8", // RFC 1918 §3
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16", // RFC 3927
  "::1",
  "fc00::/7", // RFC 4193
  "fe80::/10", // RFC 4291 §2.5.6
];

/** One entry of `zones`. */
export interface Rule {
  /** In lower case. */
  readonly zone: string;
  readonly name: string;
  readonly type: "deny" | "allow";
  readonly weight: number;
  readonly matches: CodeTest;
  readonly text: readonly string[] | undefined;
}

/** One query and those who judge its answer. */
export interface List {
  readonly zone: string;
  readonly rules: readonly Rule[];
}

export interface Settings {
  readonly lists: readonly List[];
  /** All rules, in the order of the configuration. */
  readonly rules: readonly Rule[];
  readonly threshold: number;
  readonly allow: BlockList;
  readonly timeoutMs: number;
  readonly reasons: boolean;
  readonly text: readonly string[] | undefined;
  readonly defer: boolean;
  readonly stage: "connect" | "rcpt";
  /** Keys of addresses, `local@` for any domain, `@domain` for any local part. */
  readonly exempt: ReadonlySet<string>;
  readonly onError: OnError;
}
