// What the engine can be told, with the defaults. The server's configuration has the same names; a setting that only a
// host understands (addresses, certificates) is not here.

import type { NetworkSet } from "../wire/networks.ts";
import type { AuthMechanism } from "../hooks/mechanisms.ts";
import { maxAuthLineBytes, maxCommandBytes } from "../wire/command.ts";
import { standardMechanisms } from "./sasl/table.ts";

/** Bounds on everything that a client can make grow. What the client hears past each: docs/limits.md. */
export interface Limits {
  /** Longest command line in octets with CRLF; past it 500 5.5.2. RFC 5321 §4.5.3.1.4 wants 512 at least. */
  readonly commandBytes: number;
  /** Longest line of an AUTH exchange in octets; past it 500 5.5.6. RFC 4954 §4 wants 12,288 at least. */
  readonly authLineBytes: number;
  /** Octets of one message; past it 552 5.3.4. 0: no limit. RFC 5321 §4.5.3.1.7 wants 65,536 at least. */
  readonly messageBytes: number;
  /** Octets of a header block, where a module reads it; past it 552 5.3.4. */
  readonly headerBytes: number;
  /** Recipients of one message; past it 452 4.5.3 for each. RFC 5321 §4.5.3.1.8 wants 100 at least. */
  readonly recipients: number;
  /** Domains among the recipients of one message; past it 452 4.5.3 for each of another. 0: no limit. */
  readonly recipientDomains: number;
  /** Messages of one session, by accepted MAIL; past it 421 4.7.0 and the end. 0: no limit. */
  readonly transactions: number;
  /** Seconds that a message may ask to be held back (FUTURERELEASE); past it 501 5.5.4. 0: the extension is not offered. */
  readonly holdSeconds: number;
  /** Least seconds of BY with mode R (DELIVERBY, RFC 2852 §3); below it 555 5.5.4. 0: any. */
  readonly deliverBySeconds: number;
  /** Received fields, where a module reads the headers; past it 554 5.4.6. RFC 5321 §6.3 wants 100 at least. */
  readonly hops: number;
  /** Protocol errors and failed AUTH of one session; at it 421 4.7.0 and the end. */
  readonly errors: number;
  /** Refused recipients of one session; at it 421 4.7.0 and the end. */
  readonly refusedRecipients: number;
  /** Commands since the last message; past it 421 4.7.0 and the end. */
  readonly idleCommands: number;
  /** Milliseconds to wait for the next command; past it 421 4.4.2. RFC 5321 §4.5.3.2.7 wants 5 min. */
  readonly commandMs: number;
  /** Milliseconds to wait for the next piece of a message; past it 421 4.4.2. RFC 5321 §4.5.3.2.5: 3 min. */
  readonly dataMs: number;
  /** Octets of message data per second, on average after the first 30 s; below it 421 4.4.2. 0: no limit. */
  readonly dataRate: number;
  /** Milliseconds from MAIL to the end of the message; past it 421 4.4.2. */
  readonly transactionMs: number;
  /** Failed logins of one client network (IPv4 address, IPv6 /64) in a while; past it 454 4.7.0. 0: no limit. */
  readonly authFailuresPerAddress: number;
  /**
   * Failed logins of one account in a while, from all networks together but for those from which it has logged in, each of
   * which counts for itself; past it 454 4.7.0 there, right or wrong. 0: no limit.
   */
  readonly authFailuresPerAccount: number;
  /** The while, in milliseconds from the first of the failures. */
  readonly authFailureWindowMs: number;
  /** Milliseconds before the first 535; doubled with each in the session up to 8,000 (or this, if more). 0: none. */
  readonly authFailureDelayMs: number;
}

/** RFC minima where the RFCs have one, the habits of Postfix elsewhere. */
export const defaultLimits: Limits = {
  commandBytes: maxCommandBytes,
  authLineBytes: maxAuthLineBytes,
  messageBytes: 52_428_800,
  headerBytes: 262_144,
  recipients: 1000,
  recipientDomains: 0,
  transactions: 0,
  holdSeconds: 0,
  deliverBySeconds: 0,
  hops: 100,
  errors: 20,
  refusedRecipients: 100,
  idleCommands: 2000,
  commandMs: 300_000,
  dataMs: 180_000,
  dataRate: 100,
  transactionMs: 3_600_000,
  authFailuresPerAddress: 30,
  authFailuresPerAccount: 10,
  authFailureWindowMs: 900_000,
  authFailureDelayMs: 1_000,
};

/** What a listener is for: `mx` takes mail from other servers, `submission` from users, `lmtp` and `internal` from one's own. */
export type ProfileName = "mx" | "submission" | "lmtp" | "internal";

export const everyProfile: readonly ProfileName[] = ["mx", "submission", "lmtp", "internal"];

/**
 * In which profiles each extension may be on, whatever the configuration says, by keyword in the order of the EHLO list. The
 * rest is in their files (smtp.ts has them all), which need not be loaded to check a configuration.
 */
export const extensionProfiles = {
  PIPELINING: everyProfile,
  SIZE: everyProfile,
  STARTTLS: everyProfile,
  AUTH: everyProfile,
  "8BITMIME": everyProfile,
  SMTPUTF8: everyProfile,
  CHUNKING: everyProfile,
  BINARYMIME: everyProfile,
  PRDR: everyProfile,
  DSN: everyProfile,
  REQUIRETLS: everyProfile,
  LIMITS: everyProfile,
  "MT-PRIORITY": everyProfile,
  DELIVERBY: everyProfile,
  FUTURERELEASE: ["submission"], // RFC 4865 §4.2 (2)
  RRVS: everyProfile,
  ETRN: ["mx", "internal"], // RFC 6409 §7: never in submission; LMTP has no queue (RFC 2033 §5)
  "NO-SOLICITING": everyProfile,
  XCLIENT: everyProfile,
  XFORWARD: everyProfile,
  ENHANCEDSTATUSCODES: everyProfile,
} as const satisfies Readonly<Record<string, readonly ProfileName[]>>;

export type ExtensionKeyword = keyof typeof extensionProfiles;

/** Whether a profile may have the extension at all. */
export function mayHave(profile: ProfileName, keyword: ExtensionKeyword): boolean {
  const profiles: readonly ProfileName[] = extensionProfiles[keyword];
  return profiles.includes(profile);
}

export interface EngineSettings {
  readonly limits: Limits;
  /**
   * What a CR or LF alone in a message means: `reject`: 550 5.5.2 after the real end; `normalize`: it becomes CRLF. It
   * never ends a line or a message (RFC 5321 §2.3.8).
   */
  readonly bareNewline: "reject" | "normalize";
  /**
   * What becomes of a message that some recipients refuse and others take, where each cannot be answered: `safe`: for an
   * authenticated sender as `bounce`, else as `defer`; `bounce`: the others get it, the sender a notification (RFC 3464);
   * `defer`: 451 for all, and the next try hears the refusals at RCPT.
   */
  readonly mixedVerdicts: "safe" | "bounce" | "defer";
  /** Offers and takes AUTH PLAIN and LOGIN without TLS too (RFC 4954 §9 forbids it on open networks). */
  readonly authWithoutTls: boolean;
  /** SASL mechanisms that may be offered, where hooks, TLS and the client allow it. */
  readonly authMechanisms: readonly AuthMechanism[];
  /** MAIL is 530 5.7.0 before AUTH (RFC 4954 §6, RFC 6409 §4.3). */
  readonly requireAuth: boolean;
  /** All but NOOP, EHLO, STARTTLS, RSET and QUIT is 530 5.7.0 before STARTTLS (RFC 3207 §4; not for public MX hosts). */
  readonly requireTls: boolean;
  /** Whether the host can start TLS. */
  readonly tlsAvailable: boolean;
  /** Classes of soliciting that MAIL may not declare (RFC 3865); undefined: NO-SOLICITING is not offered. */
  readonly noSoliciting: readonly string[] | undefined;
  /** Clients that may introduce others (XCLIENT); undefined: nobody may. */
  readonly xclient: NetworkSet | undefined;
  /** Clients that may say where a message comes from (XFORWARD); undefined: nobody may. */
  readonly xforward: NetworkSet | undefined;
}

export const defaultSettings: EngineSettings = {
  limits: defaultLimits,
  bareNewline: "reject",
  mixedVerdicts: "safe",
  authWithoutTls: false,
  authMechanisms: standardMechanisms,
  requireAuth: false,
  requireTls: false,
  tlsAvailable: false,
  noSoliciting: undefined,
  xclient: undefined,
  xforward: undefined,
};
