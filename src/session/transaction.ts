// One mail transaction: from an accepted MAIL to the reply to the message. Holds the envelope as the hooks leave it
// and what has been decided so far. No protocol.

import { Facts } from "../hooks/facts.ts";
import type { HookState } from "../hooks/run.ts";
import type { Envelope, Recipient } from "../hooks/stages.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { Address } from "../wire/address.ts";

/** What a transaction needs of its session. */
export interface TransactionOwner {
  readonly facts: Facts;
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
  readonly parameters: ReadonlyMap<string, string | undefined>;
  readonly state: HookState = [];
  /** RCPT commands answered 250, discarded recipients included: what a client may call DATA for. */
  acceptedRecipients = 0;
  /** Recipients for which a message hook refused the message. */
  readonly refused: RefusedRecipient[] = [];
  /** The module that threw the whole message away at an early stage. */
  discardedBy: string | undefined;
  quarantine: { readonly reason: string; readonly module: string } | undefined;
  readonly #session: TransactionOwner;
  #id: string | undefined;
  #facts: Facts | undefined;
  #onAbort: { dispose(): void } | undefined;
  #owned: { dispose(): void }[] | undefined;
  /** As they were added, in the order of RCPT; repeated ones are taken out when somebody looks. */
  #recipients: Recipient[] = [];
  #mayRepeat = false;

  constructor(
    session: TransactionOwner,
    sender: Address,
    parameters: ReadonlyMap<string, string | undefined>,
  ) {
    this.#session = session;
    this.sender = sender;
    this.parameters = parameters;
  }

  /** Each once: RFC 5321 leaves repeated RCPT open; one copy is delivered. */
  get recipients(): readonly Recipient[] {
    if (this.#mayRepeat) {
      const seen = new Set<string>();
      this.#recipients = this.#recipients.filter(({ address: { key } }) => !seen.has(key) && seen.add(key));
      this.#mayRepeat = false;
    }
    return this.#recipients;
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
