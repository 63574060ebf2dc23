// What a hook knows at each stage: the one argument of a hook. Interfaces only; session/events.ts makes the objects.
// Every property is read only; what a hook may do is a method.

import type { Address } from "../wire/address.ts";
import type { HeaderBlock } from "../wire/header.ts";
import type { Clock, Dns, Log } from "./environment.ts";
import type { Facts } from "./facts.ts";
import type { Stage } from "./table.ts";
import type { Verdict } from "./verdict.ts";

/** The other end of the connection. */
export interface Client {
  /** IP address without brackets or zone; IPv4-mapped IPv6 addresses are given as IPv4. */
  readonly address: string;
  /** Version of IP. */
  readonly family: 4 | 6;
  /** TCP port; 0 when the host does not know it. */
  readonly port: number;
}

/** The TLS layer, once there is one. */
export interface TlsInfo {
  /** For instance `TLSv1.3`. */
  readonly version: string;
  /** IANA name of the cipher suite, for instance `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Name the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** Subject of the client certificate and whether it was verified; undefined when none was sent. */
  readonly clientCertificate: { readonly subject: string; readonly verified: boolean } | undefined;
}

/** Who has logged in. */
export interface AuthInfo {
  /** The user whom a module vouched for. */
  readonly username: string;
  /** `PLAIN` or `LOGIN`. */
  readonly mechanism: string;
}

/** The latest HELO or EHLO. */
export interface Helo {
  /** `EHLO` offers extensions. */
  readonly verb: "HELO" | "EHLO" | "LHLO";
  /** The name the client gave: a domain or an address literal, as written. */
  readonly name: string;
}

/** What a milter cannot see: counts since the connection began. */
export interface Counts {
  /** Commands, their verbs known or not. */
  readonly commands: number;
  /** Commands that were answered with an error of the protocol, and failed AUTH. */
  readonly errors: number;
  /** NOOP commands. */
  readonly noops: number;
  /** RSET commands. */
  readonly resets: number;
  /** Transactions begun by an accepted MAIL. */
  readonly transactions: number;
  /** Recipients refused at RCPT. */
  readonly refusedRecipients: number;
  /** Octets received, TLS layer not counted. */
  readonly bytesReceived: number;
  /** Times the client sent on where it had to wait (RFC 2920 §3.1, RFC 5321 §4.3.1). */
  readonly pipeliningErrors: number;
}

/** The connection. */
export interface SessionInfo {
  /** Unique within this process and unlikely to repeat over restarts; letters and digits. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The other end. */
  readonly client: Client;
  /** Own address and port of the connection. */
  readonly local: { readonly address: string; readonly port: number };
  /** The name this server goes by. */
  readonly hostname: string;
  /** Undefined before HELO or EHLO, and after STARTTLS until the next. */
  readonly helo: Helo | undefined;
  /** Undefined without TLS. */
  readonly tls: TlsInfo | undefined;
  /** Undefined before a module has vouched for the user. */
  readonly auth: AuthInfo | undefined;
  /** Counts so far. */
  readonly counts: Counts;
  /** Whether the client spoke before the greeting was sent. */
  readonly earlyTalker: boolean;
}

/** An accepted recipient. */
export interface Recipient {
  /** Whom the message is for now. */
  readonly address: Address;
  /** As the client gave it; differs from `address` when a rcpt hook rewrote or expanded it. */
  readonly original: Address;
  /** ESMTP parameters of RCPT, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** Set by a rcpt hook for the queue hook; the server itself does not read it. */
  readonly route: string | undefined;
  /** Name of the module that accepted the recipient. */
  readonly acceptedBy: string;
}

/** Sender and recipients of the present transaction. */
export interface Envelope {
  /** The null sender has `isNull`. */
  readonly sender: Address;
  /** ESMTP parameters of MAIL, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** Accepted recipients, in the order of RCPT. */
  readonly recipients: readonly Recipient[];
}

/** Known at every stage. */
export interface HookEvent {
  /** The connection: its names, TLS, user and counts. */
  readonly session: SessionInfo;
  /** `session.client`. */
  readonly client: Client;
  /** Typed values that modules leave for each other. */
  readonly facts: Facts;
  /** Look-ups that can be replaced in tests; pass them `signal`. */
  readonly dns: Dns;
  /** Time that can be moved in tests. */
  readonly clock: Clock;
  /** Lines for observers, marked with module, stage and session. */
  readonly log: Log;
  /** Aborts when the hook's deadline passes or the client goes away. */
  readonly signal: AbortSignal;
  /** Milliseconds left until the hook's deadline. */
  readonly deadline: number;
}

/** What is known at `connect`. */
export interface ConnectEvent extends HookEvent {
  /**
   * Resolves after `ms` milliseconds: the greeting waits. Resolves early with `early: true` when the client speaks in
   * the meantime. Bounded by the stage's budget.
   */
  delay(ms: number): Promise<{ readonly early: boolean }>;
}

/** What is known at `helo`. */
export interface HeloEvent extends HookEvent {
  /** What the client said. */
  readonly helo: Helo;
  /** What the EHLO reply will list; changes hold for this session. HELO lists nothing. */
  readonly keywords: Keywords;
}

/** The extension lines of the EHLO reply (RFC 5321 §4.1.1.1). */
export interface Keywords {
  /** Whether a line of this keyword is there, in any case. */
  has(keyword: string): boolean;
  /** Adds a line, or replaces the one of the same keyword. Throws TypeError on characters that EHLO forbids. */
  add(keyword: string, parameters?: string): void;
  /** Removes a line; the server then also refuses the extension's parameters and verbs. */
  remove(keyword: string): void;
  /** The lines as EHLO will show them. */
  list(): readonly string[];
}

/** What is known at `auth`. Never log the password. */
export interface AuthEvent extends HookEvent {
  /** How the credentials came. */
  readonly mechanism: "PLAIN" | "LOGIN";
  /** The user whose password it is: the authentication identity. */
  readonly username: string;
  /** As sent. */
  readonly password: string;
  /** The identity to act as (RFC 4616 §2); empty when the client gave none. */
  readonly authorizationId: string;
}

/** What is known at `mail`. */
export interface MailEvent extends HookEvent {
  /** The address in MAIL FROM; the null sender has `isNull`. */
  readonly sender: Address;
  /** ESMTP parameters, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
}

/** What is known at `rcpt`; called once for each recipient. */
export interface RcptEvent extends HookEvent {
  /** As the client gave it, or as an earlier module rewrote it. */
  readonly recipient: Address;
  /** ESMTP parameters of RCPT, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** Sender and the recipients accepted so far. */
  readonly envelope: Envelope;
  /** Replaces the recipient; later modules of the stage see the new one. Throws TypeError when it is no address. */
  rewrite(address: string | Address): void;
  /** The recipient, once accepted, becomes these (at least one). Throws TypeError when one is no address. */
  expand(addresses: readonly (string | Address)[]): void;
  /** Leaves a word for the queue hook. */
  route(route: string): void;
}

/** What is known at `data`, and at each stage after it. */
export interface TransactionEvent extends HookEvent {
  /** Identifies the message in replies, logs and the Received field; upper-case letters and digits. */
  readonly id: string;
  /** Sender and recipients so far. */
  readonly envelope: Envelope;
}

/** What is known at `headers`. */
export interface HeadersEvent extends TransactionEvent {
  /** The header block as the client sent it. */
  readonly headers: HeaderBlock;
}

/** What is known at `body`. */
export interface BodyEvent extends HeadersEvent {
  /**
   * The body as it arrives, dots removed, in pieces of any size; may be read once. The slowest module sets the pace.
   * Leaving the loop, or never entering it, is fine: the server drains the rest itself. Ends early when the message
   * is refused in the meantime.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A whole message that can be read any number of times. */
export interface MessageContent {
  /** Header fields, byte for byte and decoded. */
  readonly headers: HeaderBlock;
  /** Octets of headers, empty line and body. */
  readonly size: number;
  /** The message from the first header to the end, in pieces. */
  stream(): AsyncIterable<Uint8Array>;
  /** The body without the headers, in pieces. */
  body(): AsyncIterable<Uint8Array>;
  /** The message in one piece: for small ones. */
  bytes(): Promise<Uint8Array>;
}

/** Bytes of a new body, or a function that makes them from the present body. */
export type BodySource =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array>
  | ((body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>);

/** Edits are recorded and shown to the later modules; the original stays as it came. */
export interface Edits {
  /** Adds a field below all others (milter: addheader). */
  addHeader(name: string, value: string): void;
  /** Adds a field so that it stands at `index`, 0 being the top (milter: insheader). */
  insertHeader(index: number, name: string, value: string): void;
  /** Changes the `occurrence`th field of that name, counted from 1; adds it when there is none. */
  changeHeader(name: string, value: string, occurrence?: number): void;
  /** Removes the `occurrence`th field of that name, or all when none is given. */
  removeHeader(name: string, occurrence?: number): void;
  /** Replaces the body, at any size; await it, or the server does when the hook has returned. */
  replaceBody(source: BodySource): Promise<void>;
  /** Adds a recipient to the envelope. Throws TypeError when it is no address. */
  addRecipient(address: string | Address): void;
  /** Removes a recipient from the envelope; the client does not hear of it. */
  removeRecipient(address: string | Address): void;
  /** The empty string makes it the null sender. */
  changeSender(address: string | Address): void;
}

/** One edit and who made it. */
export interface EditRecord {
  /** Name of the module. */
  readonly module: string;
  /** Which method. */
  readonly action: keyof Edits;
  /** In one line, for logs and explanations: `X-Spam: yes`. */
  readonly detail: string;
}

/** What is known at `message`: the last stage that may change or refuse, and the only one that may edit. */
export interface MessageEvent extends TransactionEvent {
  /** As the earlier modules left it. */
  readonly message: MessageContent;
  /** As the client sent it. */
  readonly original: MessageContent;
  /** Changes to headers, body and envelope; refused when the hook has answered or lost its time. */
  readonly edit: Edits;
  /** Edits of the earlier modules. */
  readonly edits: readonly EditRecord[];
  /**
   * Refuses the message for one recipient; later modules see the others only. When all refuse, the client hears it.
   * Otherwise see `mixedVerdicts`: SMTP has one reply for all. Throws TypeError when it is no recipient of the message.
   */
  refuse(recipient: string | Address, verdict: Verdict<"reject"> | Verdict<"defer">): void;
}

/** What is known at `queue`. */
export interface QueueEvent extends TransactionEvent {
  /** As it is to be kept: edits made, our Received field on top. */
  readonly message: MessageContent;
  /** Why and by whom the message is to be kept apart. */
  readonly quarantine: { readonly reason: string; readonly module: string } | undefined;
}

/** What is known at `vrfy`, `expn`, `help`, `noop`, `rset` and `quit`. */
export interface CommandEvent extends HookEvent {
  /** Everything after the verb and a space, undecoded by the grammar. */
  readonly argument: string;
}

/** Why a command was not taken: its verb is not known, its form, its place in the dialogue, its length. */
export type InvalidReason = "unknown" | "syntax" | "sequence" | "too-long";

/** What is known at `invalid`. */
export interface InvalidEvent extends HookEvent {
  /** Why it came here. */
  readonly reason: InvalidReason;
  /** First word of the line in upper case; empty when the line had none or was too long. */
  readonly verb: string;
  /** Everything after the verb and a space. */
  readonly argument: string;
  /** What the client hears when nobody has an opinion. */
  readonly reply: { readonly code: number; readonly enhanced: string; readonly text: string };
}

/** The event of each stage. */
export interface StageEvents {
  connect: ConnectEvent;
  greeting: HookEvent;
  helo: HeloEvent;
  starttls: HookEvent;
  auth: AuthEvent;
  mail: MailEvent;
  rcpt: RcptEvent;
  data: TransactionEvent;
  headers: HeadersEvent;
  body: BodyEvent;
  message: MessageEvent;
  queue: QueueEvent;
  vrfy: CommandEvent;
  expn: CommandEvent;
  help: CommandEvent;
  noop: CommandEvent;
  rset: CommandEvent;
  quit: CommandEvent;
  invalid: InvalidEvent;
}

/** The event of one stage. */
export type EventOf<S extends Stage> = StageEvents[S];
