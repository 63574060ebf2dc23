// THE table of limits: bounds and default of each, and what client, log and modules notice when it is reached. The
// checks of the configuration, docs/limits.md and docs/configuration.md come from it; enforcing them is the engine's
// and the listeners'.

import { defaultLimits } from "../engine/settings.ts";
import type { Limits } from "../engine/settings.ts";
import type { ServerLimits } from "./options.ts";

export type LimitName = keyof Limits | keyof ServerLimits;

export interface LimitRow {
  readonly standard: number;
  readonly least: number;
  readonly most: number;
  readonly unit: "octets" | "ms" | "";
  readonly doc: string;
  /** Code and enhanced code as the client hears them. */
  readonly reply: string;
  /** What becomes of the command, the message or the connection. */
  readonly effect: string;
  /** What the log has: a `limit` line, or the line of a stage. */
  readonly log: string;
  /** What a module can notice. */
  readonly module: string;
  readonly source: string;
  /** Less than this breaks a rule of a standard; allowed all the same. */
  readonly shouldBe?: { readonly least: number; readonly source: string };
}

const longestTimer = 2_147_483_647; // setTimeout takes no more
const limitLine = "`limit` line with the setting";
const invalidLine = "`invalid` stage";
const closes = "the connection is closed";
const sees421 = "nothing; hooks under way are aborted, `closed` is reported";

export const serverLimits: ServerLimits = {
  connections: 10_000,
  connectionsPerAddress: 100,
  memoryBytes: 134_217_728,
};

export const limitRows: { readonly [K in LimitName]: LimitRow } = {
  commandBytes: {
    standard: defaultLimits.commandBytes,
    least: 64,
    most: 1_048_576,
    unit: "octets",
    doc: "Longest command line, CRLF included.",
    reply: "500 5.5.2",
    effect: "the line is skipped to its end and counts as an error",
    log: invalidLine,
    module: '`invalid` with reason `"too-long"`',
    source: "RFC 5321 §4.5.3.1.4 (512 at least); Postfix line_length_limit",
    shouldBe: { least: 512, source: "RFC 5321 §4.5.3.1.4" },
  },
  authLineBytes: {
    standard: defaultLimits.authLineBytes,
    least: 64,
    most: 1_048_576,
    unit: "octets",
    doc: "Longest line of an AUTH exchange, CRLF included.",
    reply: "500 5.5.6",
    effect: "the exchange ends; counts as an error",
    log: invalidLine,
    module: '`invalid` with reason `"too-long"`',
    source: "RFC 4954 §4",
    shouldBe: { least: 12_288, source: "RFC 4954 §4" },
  },
  messageBytes: {
    standard: defaultLimits.messageBytes,
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    unit: "octets",
    doc: "Longest message, as transferred without stuffed dots. 0: no limit. Told in EHLO (SIZE).",
    reply: "552 5.3.4",
    effect: "at MAIL when the size is declared, else after the final dot, the rest being read and dropped",
    log: limitLine,
    module: "`body` streams end early; no `message` and `queue`",
    source: "RFC 1870 §6; size: 50 MiB, more than most senders allow",
    shouldBe: { least: 65_536, source: "RFC 5321 §4.5.3.1.7" },
  },
  headerBytes: {
    standard: defaultLimits.headerBytes,
    least: 1_000,
    most: 67_108_864,
    unit: "octets",
    doc: "Longest header block. Looked at where a module reads the message.",
    reply: "552 5.3.4",
    effect: "after the final dot, the rest being read and dropped",
    log: limitLine,
    module: "no `headers` and later stages",
    source: "Postfix header_size_limit (102,400), with room for long DKIM and ARC sets",
  },
  recipients: {
    standard: defaultLimits.recipients,
    least: 1,
    most: 1_000_000,
    unit: "",
    doc: "Accepted recipients of one message.",
    reply: "452 4.5.3",
    effect: "for each RCPT past it; the message goes to those accepted",
    log: limitLine,
    module: "no `rcpt` for them",
    source: "RFC 5321 §4.5.3.1.8, §4.5.3.1.10; Postfix smtpd_recipient_limit",
    shouldBe: { least: 100, source: "RFC 5321 §4.5.3.1.8" },
  },
  hops: {
    standard: defaultLimits.hops,
    least: 1,
    most: 10_000,
    unit: "",
    doc: "Received fields of a message: more mean a loop. Looked at where a module reads the message.",
    reply: "554 5.4.6",
    effect: "after the final dot, the rest being read and dropped",
    log: limitLine,
    module: "no `headers` and later stages",
    source: "RFC 5321 §6.3",
    shouldBe: { least: 100, source: "RFC 5321 §6.3" },
  },
  errors: {
    standard: defaultLimits.errors,
    least: 1,
    most: 1_000_000,
    unit: "",
    doc: "Protocol errors and failed AUTH of one session.",
    reply: "421 4.7.0",
    effect: `after the reply to the last of them; ${closes}`,
    log: limitLine,
    module: sees421,
    source: "Postfix smtpd_hard_error_limit; RFC 5321 §7.8",
  },
  refusedRecipients: {
    standard: defaultLimits.refusedRecipients,
    least: 1,
    most: 1_000_000,
    unit: "",
    doc: "Refused recipients of one session: a client that guesses addresses.",
    reply: "421 4.7.0",
    effect: `after the reply to the last of them; ${closes}`,
    log: limitLine,
    module: sees421,
    source: "own choice; RFC 5321 §7.8",
  },
  idleCommands: {
    standard: defaultLimits.idleCommands,
    least: 10,
    most: 1_000_000_000,
    unit: "",
    doc: "Commands without a message among them.",
    reply: "421 4.7.0",
    effect: closes,
    log: limitLine,
    module: sees421,
    source: "own choice, above the default of recipients; RFC 5321 §7.8",
  },
  commandMs: {
    standard: defaultLimits.commandMs,
    least: 1,
    most: longestTimer,
    unit: "ms",
    doc: "Wait for the next command; also for a TLS handshake and for a client that reads no replies.",
    reply: "421 4.4.2",
    effect: closes,
    log: limitLine,
    module: sees421,
    source: "RFC 5321 §4.5.3.2.7",
    shouldBe: { least: 300_000, source: "RFC 5321 §4.5.3.2.7" },
  },
  dataMs: {
    standard: defaultLimits.dataMs,
    least: 1,
    most: longestTimer,
    unit: "ms",
    doc: "Wait for the next piece of a message.",
    reply: "421 4.4.2",
    effect: `the message is dropped; ${closes}`,
    log: limitLine,
    module: "`body` streams fail; `signal` aborts",
    source: "RFC 5321 §4.5.3.2.5 (the client's side)",
    shouldBe: { least: 180_000, source: "RFC 5321 §4.5.3.2.5" },
  },
  transactionMs: {
    standard: defaultLimits.transactionMs,
    least: 1,
    most: longestTimer,
    unit: "ms",
    doc: "From MAIL to the end of the message: a client that sends a byte now and then.",
    reply: "421 4.4.2",
    effect: `the message is dropped; ${closes}`,
    log: limitLine,
    module: "`body` streams fail; `signal` aborts",
    source: "own choice: 50 MiB in an hour are 14 KiB per second",
  },
  connections: {
    standard: serverLimits.connections,
    least: 1,
    most: 10_000_000,
    unit: "",
    doc: "Open connections in all.",
    reply: "421",
    effect: `in place of the greeting; ${closes}`,
    log: limitLine,
    module: "nothing: no `connect`",
    source: "own choice: about 100 MB at 10 KB each; RFC 5321 §3.8",
  },
  connectionsPerAddress: {
    standard: serverLimits.connectionsPerAddress,
    least: 1,
    most: 10_000_000,
    unit: "",
    doc: "Open connections of one client address.",
    reply: "421",
    effect: `in place of the greeting; ${closes}`,
    log: limitLine,
    module: "nothing: no `connect`",
    source: "own choice: twice Postfix smtpd_client_connection_count_limit; RFC 5321 §3.8",
  },
  memoryBytes: {
    standard: serverLimits.memoryBytes,
    least: 1_048_576,
    most: Number.MAX_SAFE_INTEGER,
    unit: "octets",
    doc: "Messages held in memory over all sessions; what is more goes to files in `spoolDirectory`.",
    reply: "452 4.3.1",
    effect: "only when the file cannot be written either; after the final dot",
    log: "`limit` line with `storage`",
    module: "no `message` and `queue`",
    source: "own choice: 128 MiB; RFC 5321 §4.2.3",
  },
};
