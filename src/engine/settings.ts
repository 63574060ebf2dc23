// What the engine can be told, with the defaults. The server's configuration has the same names; a setting that only a
// host understands (addresses, certificates) is not here.

import { maxAuthLineBytes, maxCommandBytes } from "../wire/command.ts";

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
  /** Milliseconds from MAIL to the end of the message; past it 421 4.4.2. */
  readonly transactionMs: number;
}

/** RFC minima where the RFCs have one, the habits of Postfix elsewhere. */
export const defaultLimits: Limits = {
  commandBytes: maxCommandBytes,
  authLineBytes: maxAuthLineBytes,
  messageBytes: 52_428_800,
  headerBytes: 262_144,
  recipients: 1000,
  hops: 100,
  errors: 20,
  refusedRecipients: 100,
  idleCommands: 2000,
  commandMs: 300_000,
  dataMs: 180_000,
  transactionMs: 3_600_000,
};

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
  /** Whether the host can start TLS. */
  readonly tlsAvailable: boolean;
}

export const defaultSettings: EngineSettings = {
  limits: defaultLimits,
  bareNewline: "reject",
  mixedVerdicts: "safe",
  authWithoutTls: false,
  tlsAvailable: false,
};
