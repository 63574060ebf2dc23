// One mail transaction: from an accepted MAIL to the reply to the message. Holds the envelope as the hooks leave it
// and what has been decided so far. No protocol.

import { Facts } from "../hooks/facts.ts";
import type { HookState } from "../hooks/run.ts";
import type { AuthInfo, DeliverBy, Envelope, MessageDsn, Recipient } from "../hooks/stages.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { Address } from "../wire/address.ts";
import { deliverBy, grantedPriority, holdUntil, messageDsn, soliciting } from "./requests.ts";

/** What a transaction needs of its session. */
export interface TransactionOwner {
  readonly facts: Facts;
  readonly auth: AuthInfo | undefined;
  readonly clock: { now(): number };
  readonly setup: { readonly environment: { newId(): string } };
}

/** A recipient that a message hook refused. */
export interface RefusedRecipient {
  readonly recipient: Recipient;
  readonly verdict: Verdict<"reject"> | Verdict<"defer">;
  readonly module: string;
}

export class Transaction implements Envelope {
  sender: Address;
  /** As the client gave it; edits do not change it. */
  readonly givenSender: Address;
  readonly parameters: ReadonlyMap<string, string | undefined>;
  state: HookState = [];
  /** RCPT commands answered 250, discarded recipients included: what a client may call DATA for. */
  acceptedRecipients = 0;
  /** For each of these, where each has a reply of its own: the keys of the addresses it became; none if discarded. */
  readonly accepted: (readonly string[])[] = [];
  /** Domains of the accepted recipients as the client gave them, where their number is limited. */
  domains: Set<string> | undefined;
  /** Recipients for which a message hook refused the message. */
  readonly refused: RefusedRecipient[] = [];
  /** The module that threw the whole message away at an early stage. */
  discardedBy: string | undefined;
  quarantine: { readonly reason: string; readonly module: string } | undefined;
  /** The priority that a mail hook has set, in place of what the client asked for. */
  assignedPriority: number | undefined;
  readonly #authenticated: boolean;
  /** When MAIL came, where a parameter counts from it; milliseconds since the epoch. */
  readonly #begunAt: number;
  readonly #session: TransactionOwner;
  #id: string | undefined;
  #facts: Facts | undefined;
  #onAbort: { dispose(): void } | undefined;
  #owned: { dispose(): void }[] | undefined;
  /** As they were added, in the order of RCPT; repeated ones are taken out when somebody looks. */
  #recipients: Recipient[] = [];
  #repeated: Recipient[] | undefined;
  #mayRepeat = false;

  constructor(
    session: TransactionOwner,
    sender: Address,
    parameters: ReadonlyMap<string, string | undefined>,
  ) {
    this.#session = session;
    this.sender = sender;
    this.givenSender = sender;
    this.parameters = parameters;
    this.#authenticated = session.auth !== undefined;
    const counts = parameters.has("BY") || parameters.has("HOLDFOR");
    this.#begunAt = counts ? session.clock.now() : 0;
  }

  /** Each once: RFC 5321 leaves repeated RCPT open; one copy is delivered. */
  get recipients(): readonly Recipient[] {
    if (this.#mayRepeat) {
      const seen = new Set<string>();
      const all = this.#recipients;
      this.#recipients = all.filter(({ address: { key } }) => !seen.has(key) && seen.add(key));
      if (this.#recipients.length < all.length) this.#keepRepeated(all);
      this.#mayRepeat = false;
    }
    return this.#recipients;
  }

  #keepRepeated(all: readonly Recipient[]): void {
    const kept = new Set(this.#recipients);
    this.#repeated ??= [];
    this.#repeated.push(...all.filter((recipient) => !kept.has(recipient)));
  }

  /** Recipients that were left out because there was one of that comparison key already: other names for it. */
  repeatedOf(key: string): readonly Recipient[] {
    return this.#repeated?.filter(({ address }) => address.key === key) ?? [];
  }

  get hasRecipients(): boolean {
    return this.#recipients.length > 0;
  }

  /** Adds a recipient; one that is there already stays as it is. */
  addRecipient(recipient: Recipient): void {
    this.#mayRepeat = this.#recipients.push(recipient) > 1;
  }

  /** A message hook refuses the message for this recipient: it moves from the recipients to the refused. */
  refuse(key: string, verdict: RefusedRecipient["verdict"], module: string): void {
    const recipient = this.recipients.find(({ address }) => address.key === key);
    if (recipient === undefined) return;
    this.removeRecipient(key);
    this.refused.push({ recipient, verdict, module });
  }

  /** Removes the recipient of that comparison key. */
  removeRecipient(key: string): void {
    this.#recipients = this.#recipients.filter(({ address }) => address.key !== key);
  }

  /**
   * Begins anew for the modules of another chain: state, and what mail hooks have decided. Returns what gives it back to the
   * present ones as they have left it.
   */
  handOver(): () => void {
    const { state, discardedBy, assignedPriority } = this;
    this.state = [];
    return () => Object.assign(this, { state, discardedBy, assignedPriority });
  }

  get id(): string {
    this.#id ??= this.#session.setup.environment.newId();
    return this.#id;
  }

  get facts(): Facts {
    this.#facts ??= new Facts(this.#session.facts);
    return this.#facts;
  }

  /** Declares the message to need UTF-8 addresses and headers (RFC 6531 §3.4). */
  get smtpUtf8(): boolean {
    return this.parameters.has("SMTPUTF8");
  }

  /** What the client declared of the body, in upper case (RFC 6152 §2, RFC 3030 §3). */
  get bodyType(): string {
    return this.parameters.get("BODY")?.toUpperCase() ?? "7BIT";
  }

  get dsn(): MessageDsn {
    return messageDsn(this.parameters);
  }

  get requireTls(): boolean {
    return this.parameters.has("REQUIRETLS");
  }

  get priority(): number | undefined {
    return this.assignedPriority ?? grantedPriority(this.parameters, this.#authenticated);
  }

  get deliverBy(): DeliverBy | undefined {
    return deliverBy(this.parameters, this.#begunAt);
  }

  get holdUntil(): number | undefined {
    return holdUntil(this.parameters, this.#begunAt);
  }

  get soliciting(): readonly string[] {
    return soliciting(this.parameters);
  }

  /** Sets what is to be disposed of when the client goes away in mid-message. */
  onAbort(owner: { dispose(): void } | undefined): void {
    this.#onAbort = owner;
  }

  /** Has something disposed of too when the client goes away in mid-message. */
  own(thing: { dispose(): void }): void {
    this.#owned ??= [];
    this.#owned.push(thing);
  }

  abort(): void {
    this.#onAbort?.dispose();
    for (const thing of this.#owned ?? []) thing.dispose();
  }
}
