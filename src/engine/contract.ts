// The contracts within the engine: what a command row and an extension are, and what the dialogue offers them. Types
// only. A new verb is a row, a new ESMTP extension a file in extensions/; the dialogue itself knows none of them.

import type { CloseReason } from "../hooks/report.ts";
import type { AuthMechanism } from "../hooks/mechanisms.ts";
import type { Outcome, StageRun } from "../hooks/run.ts";
import type { InvalidReason } from "../hooks/stages.ts";
import type { Stage } from "../hooks/table.ts";
import type { Session, SessionSetup } from "../session/session.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Command } from "../wire/command.ts";
import type { Fault } from "../wire/fault.ts";
import type { Params } from "../wire/params.ts";
import type { Reply } from "../wire/reply.ts";
import type { EngineSettings, ExtensionKeyword, ProfileName } from "./settings.ts";

/** A command as a row: check by flags, then `run`, which asks the hooks and gives the default. */
export interface CommandRow {
  readonly verb: string;
  /** `none`: an argument is 501 5.5.4 (RFC 5321 §4.1.1). */
  readonly argument: "none" | "optional" | "required";
  /**
   * When the command is legal; otherwise 503 5.5.1. `always`; `greeted`: after HELO or EHLO; `idle`: greeted and in no
   * transaction; `envelope`: after MAIL, as long as no part of the message has come; `itself`: the command checks its
   * place and whether it is offered, since it has to take in its data in any case.
   */
  readonly when: "always" | "greeted" | "idle" | "envelope" | "itself";
  /** Whether a client must wait for the reply before it sends on (RFC 2920 §3.1). */
  readonly endsGroup: boolean;
  /** Whether HELP lists it. */
  readonly listed: boolean;
  /** In an extension: the reply where it is configured but not offered now; without it 500. */
  readonly unoffered?: Fault;
  run(talk: Conversation, command: Command): void;
}

/** Checks the value of a parameter of MAIL or RCPT, perhaps against the others of the command; a fault is the reply. */
export type ParameterCheck = (
  value: string | undefined,
  talk: Conversation,
  parameters: Params,
) => Fault | undefined;

/** Takes bytes that are no command lines: message data. */
export interface Intake {
  /** All bytes that belong to it have come. */
  readonly done: boolean;
  /** Takes bytes `from` to `end`, which are valid only now; returns the index just past what belongs to it. */
  feed(bytes: Buffer, from: number, end: number): number;
  /** Works on what has come; a promise when the client has to wait for a hook or for the store. */
  settle(): void | Promise<void>;
  /** Called once when it is `done` and settled: replies. */
  finish(talk: Conversation): void;
  /** Frees everything; safe to call twice. */
  dispose(): void;
}

/** A message that comes in several commands, with others between them (BDAT). It ends with the transaction. */
export interface Series {
  dispose(): void;
}

/** An ESMTP extension (RFC 5321 §2.2). */
export interface Extension {
  /** Has a row in `extensionProfiles`: where it may be on at all. */
  readonly keyword: ExtensionKeyword;
  /** Where it is defined. */
  readonly source: string;
  /** What it gives, in one sentence for people. */
  readonly doc: string;
  /** Profiles in which it is on unless the configuration says otherwise. */
  readonly profiles: readonly ProfileName[];
  /** Keywords of the extensions without which it is of no use: it is off where one of them is. */
  readonly needs?: readonly string[];
  /** The line tells a time, so it is made anew for each EHLO. */
  readonly timed?: boolean;
  /** The line of the EHLO reply, or undefined when it is not offered now. Depends on nothing but `offer`. */
  line(offer: OfferFacts): string | undefined;
  /** Parameters that it adds to MAIL and RCPT, keyword in upper case. */
  readonly mail?: Readonly<Record<string, ParameterCheck>>;
  readonly rcpt?: Readonly<Record<string, ParameterCheck>>;
  readonly commands?: readonly CommandRow[];
  /** The reply to a MAIL that is accepted, where there is more to say than the usual. */
  mailReply?(transaction: Transaction, offered: Offer): Reply | undefined;
}

/** What the EHLO list depends on; answers are cached by it. */
export interface OfferFacts {
  readonly settings: EngineSettings;
  readonly secure: boolean;
  readonly authenticated: boolean;
  /** SASL mechanisms that can be used. */
  readonly mechanisms: readonly AuthMechanism[];
  /** Whether the client may use XCLIENT, XFORWARD. */
  readonly xclient: boolean;
  readonly xforward: boolean;
  /** Whether a module answers ETRN. */
  readonly etrn: boolean;
  /** Milliseconds since the epoch; for lines that are `timed`. */
  readonly now: number;
}

/** The EHLO list of a session. */
export interface Offer {
  /** Keywords in upper case. */
  readonly keywords: ReadonlySet<string>;
  readonly lines: readonly string[];
  /** The lines as they stand in the reply, after its first. */
  readonly wire: string;
}

/** A parameter of MAIL or RCPT. */
export interface Parameter {
  /** The extension that must have been offered. */
  readonly keyword: string;
  readonly check: ParameterCheck;
}

/** The verbs, parameters and EHLO list of one configuration; protocol.ts composes it. */
export interface Protocol {
  readonly commands: ReadonlyMap<
    string,
    { readonly row: CommandRow; readonly extension: string | undefined }
  >;
  readonly mailParameters: ReadonlyMap<string, Parameter>;
  readonly rcptParameters: ReadonlyMap<string, Parameter>;
  readonly mailReplies: readonly NonNullable<Extension["mailReply"]>[];
  /** Whether each accepted recipient has a reply of its own after the message (RFC 2033 §4.2). */
  readonly answersEach: boolean;
  /** The EHLO list for these facts; the settings must be the same at all calls. */
  offer(facts: OfferFacts): Offer;
}

/**
 * What a dialogue serves with: a listener's own ways, or those of a virtual host, which has a chain, limits and a name of
 * its own.
 */
export interface Service {
  readonly setup: SessionSetup;
  readonly settings: EngineSettings;
  readonly protocol: Protocol;
}

/** Where a session or a message may come to be served by other ways. */
export interface VirtualHosts {
  /** By the server name of TLS (SNI, RFC 6066 §3), any case; undefined: the listener's own. */
  byServerName(name: string): Service | undefined;
  /** By the domain of a recipient, as `Address.domainKey` has it; undefined: the listener's own. */
  byDomain(domain: string): Service | undefined;
}

/** What the dialogue offers to commands and extensions. */
export interface Conversation {
  readonly session: Session;
  readonly settings: EngineSettings;
  readonly protocol: Protocol;
  /** Where it may come to serve by other ways; without: never. */
  readonly virtualHosts: VirtualHosts | undefined;
  /** Serves the transaction under way, until it ends, as a virtual host does. */
  serveTransaction(service: Service): void;
  /** Goes back to how the session is served, with what its own modules have made of the transaction. */
  serveOwn(): void;
  /** Serves as a virtual host (default: as the session is served) until the function that it returns is called. */
  serveMeanwhile(service?: Service): () => void;
  /** How the session is served outside of transactions. */
  readonly ownSetup: SessionSetup;
  /** What EHLO offered in this session; nothing after HELO. */
  offered: Offer;

  /** Sends a reply that was formatted before. */
  send(wire: string): void;
  /** Sends a reply; returns it as sent. */
  reply(reply: Reply): string;
  /**
   * The command is unknown, malformed or out of sequence: asks the `invalid` hooks, else sends the fault; `then` comes
   * after the reply.
   */
  invalid(reason: InvalidReason, command: Command, fault: Fault, then?: () => void): void;
  /** Runs the hooks of a stage; `then` is called at once unless a hook has to be waited for. */
  stage<S extends Stage>(stage: S, run: StageRun<S>, then: (outcome: Outcome) => void): void;
  /** Runs `then` when `pending` has settled; input waits. */
  wait(pending: Promise<unknown>, then: () => void): void;
  /**
   * Sends the reply that the outcome of a stage calls for (`standard` when no module had an opinion, `done` being the
   * reply of a module's consent), reports it, and closes when the verdict says so.
   */
  answer(stage: Stage, outcome: Outcome, subject: string, standard: Reply, done?: Reply): void;
  /** The same for a reply that the caller makes itself. */
  answerWith(stage: Stage, outcome: Outcome, subject: string, wire: string): void;
  /** Reports a stage that has no reply of its own, or whose reply is not sent here. */
  passed(stage: Stage, outcome: Outcome, subject: string, wire?: string): void;
  /** Counts an error and closes at the limit. */
  countError(): void;
  /** The same for a refused recipient. */
  countRefused(): void;
  /** Says 421 and closes, because of the setting `limit`. */
  endAtLimit(limit: string, text: string): void;

  /** Takes whole lines from now on (AUTH), until called with undefined. */
  takeLines(handler: ((line: string) => void) | undefined): void;
  /** The next bytes are no command lines, until the intake is done. */
  takeBytes(intake: Intake): void;
  /** The message that has begun to come in several commands, if any. */
  series: Series | undefined;
  /** A message has come, or a part of one, whatever becomes of it: the commands so far were for something. */
  messageCame(): void;
  /** The transaction is over, whatever came of it. */
  endTransaction(): void;
  beginTransaction(transaction: Transaction): void;
  /** Asks the connect hooks and greets. */
  readonly gate: { open(): void };
  /** Sends what is waiting and starts the handshake; input before it is dropped (RFC 3207 §4.2). */
  startTls(): void;
  /** Closes when what is waiting has been sent. */
  close(reason: CloseReason): void;
}
