// What the lists said of a client: the fact that the module dnsbl leaves for other modules and for explanations.

import type { DnsError } from "../../hooks/environment.ts";
import { fact } from "../../hooks/facts.ts";

/** A list that has the client. */
export interface DnsblHit {
  /** The name of the list: its `name` option, or its zone. */
  readonly list: string;
  /** Whether the list speaks against or for the client. */
  readonly type: "deny" | "allow";
  /** What it added to the score; 0 for an allow list. */
  readonly weight: number;
  /** The answers that counted, for instance `127.0.0.2`. */
  readonly codes: readonly string[];
  /** The list's own words (TXT), at most 255 characters; only with `reasons: true`. */
  readonly reason: string | undefined;
}

/** A list that was asked in vain. */
export interface DnsblFailure {
  /** The name of the list: its `name` option, or its zone. */
  readonly list: string;
  /**
   * A failed look-up; `not-served`: the list refuses to answer us (127.255.255.x); `bad-answer`: it answered what no
   * list answers; `error`: anything else.
   */
  readonly reason: DnsError["code"] | "not-served" | "bad-answer" | "error";
}

/** The outcome of one inquiry. */
export interface DnsblResult {
  /** The client address that was asked about. */
  readonly address: string;
  /** Sum of the weights of all deny hits. */
  readonly score: number;
  /** Whether the score reached the threshold and no allow list has the client. */
  readonly listed: boolean;
  /** In the order of the configuration. */
  readonly hits: readonly DnsblHit[];
  /** Lists that were asked in vain. */
  readonly failures: readonly DnsblFailure[];
  /** Lists that were not waited for, since the outcome was settled without them. */
  readonly unheard: readonly string[];
}

/**
 * The key of the result. Set at connect for the session; with `stage: "rcpt"` for each transaction. Missing when the
 * client was not looked up.
 */
export const dnsblResult = fact<DnsblResult>("dnsbl");
