// The event objects that hooks get. One per call of a hook, its costly parts made when they are first read; methods are
// getters that return closures, so that a hook may take them out of the event. What each stage knows: hooks/stages.ts.

import type { Clock, Dns, Fetch, Log, LogLevel, State } from "../hooks/environment.ts";
import type { Facts } from "../hooks/facts.ts";
import { boundTo } from "../hooks/run.ts";
import type { HookCall } from "../hooks/run.ts";
import type * as stages from "../hooks/stages.ts";
import type { Address } from "../wire/address.ts";
import type { QueueRequest } from "../wire/etrn.ts";
import type { HeaderBlock } from "../wire/header.ts";
import { refuseLate, toAddress } from "./edits.ts";
import type { EditDraft, MessageEditor } from "./edits.ts";
import { abortedBy } from "./module-fetch.ts";
import { moduleState } from "./module-state.ts";
import { recipientDsn, validSinceOf } from "./requests.ts";
import type { Session } from "./session.ts";
import type { Transaction } from "./transaction.ts";

type Params = ReadonlyMap<string, string | undefined>;

export class BaseEvent implements stages.HookEvent {
  readonly session: Session;
  readonly #call: HookCall;
  /** The one under way at the call: a hook that is late must not reach into the next. */
  readonly #transaction: Transaction | undefined;

  constructor(call: HookCall, session: Session) {
    this.#call = call;
    this.session = session;
    this.#transaction = session.transaction;
  }

  get client(): stages.Client {
    return this.session.client;
  }

  get facts(): Facts {
    return (this.#transaction ?? this.session).facts;
  }

  get dns(): Dns {
    return this.session.setup.environment.dns;
  }

  get state(): State {
    return moduleState(this.session.setup.environment.state, this.#call.tap.module);
  }

  get fetch(): Fetch {
    return abortedBy(this.#call, this.session.setup.environment.fetch);
  }

  get clock(): Clock {
    const { clock } = this.session;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, boundTo(this.#call, callback)),
    };
  }

  get log(): Log {
    return new ModuleLog(this.session, this.#call);
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get deadline(): number {
    return this.#call.left;
  }
}

class ModuleLog implements Log {
  readonly #session: Session;
  readonly #call: HookCall;

  constructor(session: Session, call: HookCall) {
    this.#session = session;
    this.#call = call;
  }

  readonly debug = (message: string, data?: Readonly<Record<string, unknown>>): void =>
    this.#write("debug", message, data);
  readonly info = (message: string, data?: Readonly<Record<string, unknown>>): void =>
    this.#write("info", message, data);
  readonly warn = (message: string, data?: Readonly<Record<string, unknown>>): void =>
    this.#write("warn", message, data);
  readonly error = (message: string, data?: Readonly<Record<string, unknown>>): void =>
    this.#write("error", message, data);

  #write(level: LogLevel, message: string, data: Readonly<Record<string, unknown>> | undefined): void {
    if (!this.#session.observed) return;
    const { module, stage } = this.#call.tap;
    this.#session.report({ ...this.#session.reportBase(), type: "log", module, stage, level, message, data });
  }
}

/** Milliseconds that a delay leaves of the hook's time, so that the hook can still answer. */
const answerRoomMs = 100;

/** Wakes a hook that delays the greeting when the client speaks before its turn. */
export interface EarlyTalk {
  onEarlyTalk(wake: () => void): void;
}

export class ConnectEvent extends BaseEvent implements stages.ConnectEvent {
  readonly #talk: EarlyTalk;

  constructor(call: HookCall, session: Session, talk: EarlyTalk) {
    super(call, session);
    this.#talk = talk;
  }

  get delay(): (ms: number) => Promise<{ readonly early: boolean }> {
    return (ms) =>
      new Promise((resolve) => {
        const end = (): void => {
          cancel();
          resolve({ early: this.session.earlyTalker });
        };
        const longest = Math.max(0, this.deadline - answerRoomMs);
        const cancel = this.session.clock.after(this.session.earlyTalker ? 0 : Math.min(ms, longest), end);
        this.#talk.onEarlyTalk(end);
      });
  }
}

export class HeloEvent extends BaseEvent implements stages.HeloEvent {
  readonly helo: stages.Helo;
  readonly keywords: stages.Keywords;

  /** A new HELO ends the transaction: what is learnt here belongs to the session. */
  override get facts(): Facts {
    return this.session.facts;
  }

  constructor(call: HookCall, session: Session, helo: stages.Helo, keywords: stages.Keywords) {
    super(call, session);
    this.helo = helo;
    this.keywords = new KeywordsDraft(call, keywords);
  }
}

/** The EHLO list as one hook sees it: its changes are taken back when the call turns out a fault. */
class KeywordsDraft implements stages.Keywords {
  readonly #call: HookCall;
  readonly #keywords: stages.Keywords;

  constructor(call: HookCall, keywords: stages.Keywords) {
    this.#call = call;
    this.#keywords = keywords;
  }

  has(keyword: string): boolean {
    return this.#keywords.has(keyword);
  }

  list(): readonly string[] {
    return this.#keywords.list();
  }

  add(keyword: string, parameters?: string): void {
    this.#changes().add(keyword, parameters);
  }

  remove(keyword: string): void {
    this.#changes().remove(keyword);
  }

  #changes(): stages.Keywords {
    refuseLate(this.#call);
    const keywords = this.#keywords;
    const before = keywords.list();
    this.#call.undo ??= () => {
      for (const line of keywords.list()) keywords.remove(line.split(" ", 1)[0] ?? "");
      for (const line of before) {
        const [keyword = "", ...parameters] = line.split(" ");
        keywords.add(keyword, parameters.join(" "));
      }
    };
    return keywords;
  }
}

export class MailEvent extends BaseEvent implements stages.MailEvent {
  readonly sender: Address;
  readonly parameters: Params;
  readonly envelope: Transaction;
  readonly #call: HookCall;

  constructor(call: HookCall, session: Session, sender: Address, parameters: Params) {
    super(call, session);
    this.#call = call;
    this.sender = sender;
    this.parameters = parameters;
    this.envelope = session.transaction as Transaction;
  }

  get setPriority(): (priority: number) => void {
    return (priority) => {
      if (!Number.isInteger(priority) || priority < -9 || priority > 9) {
        throw new RangeError(`${priority} is no priority: want a whole number from -9 to 9`);
      }
      refuseLate(this.#call);
      const { envelope } = this;
      const before = envelope.assignedPriority;
      this.#call.undo ??= () => {
        envelope.assignedPriority = before;
      };
      envelope.assignedPriority = priority;
    };
  }
}

/** What rcpt hooks make of one recipient. */
export interface RcptDraft {
  /** The recipient, or what it was expanded to. */
  addresses: readonly Address[];
  route: string | undefined;
}

export class RcptEvent extends BaseEvent implements stages.RcptEvent {
  readonly parameters: Params;
  readonly envelope: stages.Envelope;
  readonly #call: HookCall;
  readonly #draft: RcptDraft;

  constructor(call: HookCall, session: Session, draft: RcptDraft, parameters: Params) {
    super(call, session);
    this.#call = call;
    this.#draft = draft;
    this.parameters = parameters;
    this.envelope = session.transaction as Transaction;
  }

  get dsn(): stages.RecipientDsn {
    return recipientDsn(this.parameters);
  }

  get validSince(): ReturnType<typeof validSinceOf> {
    return validSinceOf(this.recipient, this.parameters);
  }

  get recipient(): Address {
    return this.#draft.addresses[0] as Address;
  }

  get rewrite(): (address: string | Address) => void {
    return (address) => {
      this.#change({ addresses: [toAddress(address)] });
    };
  }

  get expand(): (addresses: readonly (string | Address)[]) => void {
    return (addresses) => {
      if (addresses.length === 0)
        throw new TypeError("expand() wants at least one address; discard() drops a recipient");
      this.#change({ addresses: addresses.map(toAddress) });
    };
  }

  get route(): (route: string) => void {
    return (route) => {
      this.#change({ route });
    };
  }

  #change(change: Partial<RcptDraft>): void {
    refuseLate(this.#call);
    const draft = this.#draft;
    const before = { ...draft };
    this.#call.undo ??= () => Object.assign(draft, before);
    Object.assign(draft, change);
  }
}

export class TransactionEvent extends BaseEvent implements stages.TransactionEvent {
  /** Kept, since a hook that is late may look when the session is already at the next message. */
  readonly envelope: Transaction;

  constructor(call: HookCall, session: Session) {
    super(call, session);
    this.envelope = session.transaction as Transaction;
  }

  get id(): string {
    return this.envelope.id;
  }
}

export class HeadersEvent extends TransactionEvent implements stages.HeadersEvent {
  readonly headers: HeaderBlock;

  constructor(call: HookCall, session: Session, headers: HeaderBlock) {
    super(call, session);
    this.headers = headers;
  }
}

export class BodyEvent extends HeadersEvent implements stages.BodyEvent {
  readonly chunks: AsyncIterable<Uint8Array>;

  constructor(call: HookCall, session: Session, headers: HeaderBlock, chunks: AsyncIterable<Uint8Array>) {
    super(call, session, headers);
    this.chunks = chunks;
  }
}

export class MessageEvent extends TransactionEvent implements stages.MessageEvent {
  readonly edit: EditDraft;
  readonly message: stages.MessageContent;
  readonly #editor: MessageEditor;

  constructor(call: HookCall, session: Session, editor: MessageEditor) {
    super(call, session);
    this.edit = editor.draft(call);
    this.message = editor.view;
    this.#editor = editor;
  }

  get original(): stages.MessageContent {
    return this.#editor.original;
  }

  get refuse(): stages.MessageEvent["refuse"] {
    return (recipient, verdict) => this.edit.refuse(this.envelope, recipient, verdict);
  }

  get edits(): readonly stages.EditRecord[] {
    return this.#editor.records;
  }
}

export class QueueEvent extends TransactionEvent implements stages.QueueEvent {
  readonly message: stages.MessageContent;

  constructor(call: HookCall, session: Session, message: stages.MessageContent) {
    super(call, session);
    this.message = message;
  }

  get quarantine(): { readonly reason: string; readonly module: string } | undefined {
    return this.envelope.quarantine;
  }
}

export class CommandEvent extends BaseEvent implements stages.CommandEvent {
  readonly argument: string;

  constructor(call: HookCall, session: Session, argument: string) {
    super(call, session);
    this.argument = argument;
  }
}

export class EtrnEvent extends CommandEvent implements stages.EtrnEvent {
  readonly kind: QueueRequest["kind"];
  readonly node: string;

  constructor(call: HookCall, session: Session, argument: string, { kind, node }: QueueRequest) {
    super(call, session, argument);
    this.kind = kind;
    this.node = node;
  }
}

export class InvalidEvent extends CommandEvent implements stages.InvalidEvent {
  readonly reason: stages.InvalidReason;
  readonly verb: string;
  readonly reply: stages.InvalidEvent["reply"];

  constructor(
    call: HookCall,
    session: Session,
    invalid: { reason: stages.InvalidReason; verb: string; argument: string },
    reply: stages.InvalidEvent["reply"],
  ) {
    super(call, session, invalid.argument);
    this.reason = invalid.reason;
    this.verb = invalid.verb;
    this.reply = reply;
  }
}
