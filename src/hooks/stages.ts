// What a hook knows at each stage: the one argument of a hook. Interfaces only; session/events.ts makes the objects.
// Every property is read only; what a hook may do is a method. What all events have in common: event.ts; auth: auth.ts.

import type { Address } from "../wire/address.ts";
import type { HeaderBlock } from "../wire/header.ts";
import type { ValidSince } from "../wire/rrvs.ts";
import type { AuthEvent } from "./auth.ts";
import type { Envelope, RecipientDsn } from "./envelope.ts";
import type { Helo, HookEvent } from "./event.ts";
import type { Stage } from "./table.ts";
import type { Verdict } from "./verdict.ts";

export type * from "./auth.ts";
export type * from "./envelope.ts";
export type { Notify, NotifyEvent, OriginalRecipient } from "../wire/dsn-params.ts";
export type { ValidSince } from "../wire/rrvs.ts";
export type * from "./event.ts";
export type { ProxyInfo, ProxyProtocolInfo, XclientInfo } from "./proxy.ts";

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

/** What is known at `mail`. */
export interface MailEvent extends HookEvent {
  /** The address in MAIL FROM; the null sender has `isNull`. */
  readonly sender: Address;
  /** ESMTP parameters, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** The sender again, and what the client asked for the message; no recipients yet. */
  readonly envelope: Envelope;
  /**
   * Sets the priority of the message, -9 to 9, whatever the client asked for; where it offered MT-PRIORITY the server says
   * so in its reply (RFC 6710 §4.1). For our own queue hooks: another host's MTA hears nothing of it. Throws RangeError for
   * any other number.
   */
  setPriority(priority: number): void;
}

/** What is known at `rcpt`; called once for each recipient. */
export interface RcptEvent extends HookEvent {
  /** As the client gave it, or as an earlier module rewrote it. */
  readonly recipient: Address;
  /** ESMTP parameters of RCPT, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** Sender and the recipients accepted so far. */
  readonly envelope: Envelope;
  /** What the sender wants to hear of this recipient (DSN). */
  readonly dsn: RecipientDsn;
  /**
   * Since when it must have been the same person: a mailbox that has changed hands is refused with 5.7.17, a domain with
   * 5.7.18, one of unknown past with 5.7.19 (RRVS, RFC 7293 §5.1). Undefined also for roles such as postmaster.
   */
  readonly validSince: ValidSince | undefined;
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

/** What is known at `etrn`. */
export interface EtrnEvent extends CommandEvent {
  /** `host`: mail for `node` is wanted; `domain`: for it and all below it (`@`); `queue`: a queue of that name (`#`). */
  readonly kind: "host" | "domain" | "queue";
  /** A domain name as written; with `queue` any printable text. */
  readonly node: string;
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
  etrn: EtrnEvent;
  invalid: InvalidEvent;
}

/** The event of one stage. */
export type EventOf<S extends Stage> = StageEvents[S];
