// The envelope as hooks see it: sender and recipients, and what the client asked for them in the parameters of MAIL and
// RCPT, as values. Interfaces only; session/ makes the objects. A server that relays passes all of it on.

import type { Address } from "../wire/address.ts";
import type { Notify, OriginalRecipient } from "../wire/dsn-params.ts";
import type { ValidSince } from "../wire/rrvs.ts";

/** What the sender wants of notifications (DSN, RFC 3461 §4.3 and §4.4). */
export interface MessageDsn {
  /** What of the message comes back with a failure: RET. Undefined: as the server likes. */
  readonly return: "full" | "headers" | undefined;
  /** What the sender knows the message by: ENVID, decoded; printable ASCII, 100 characters at most. */
  readonly envelopeId: string | undefined;
}

/** What the sender wants to hear of one recipient (DSN, RFC 3461 §4.1 and §4.2). */
export interface RecipientDsn {
  /** NOTIFY. Undefined: of failures, and of delays where the server likes. */
  readonly notify: Notify | undefined;
  /** Whom the sender first wrote to: ORCPT, decoded. */
  readonly originalRecipient: OriginalRecipient | undefined;
}

/** When a message is to be delivered by (DELIVERBY, RFC 2852 §4). */
export interface DeliverBy {
  /** Milliseconds since the epoch; may have passed when the mode is `notify`. */
  readonly by: number;
  /** What is to be done at that time: notify the sender of the delay and go on, or stop and return the message. */
  readonly mode: "notify" | "return";
  /** Whether the sender wants to hear of each hop (RFC 2852 §4.1.4). */
  readonly trace: boolean;
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
  /** What the sender wants to hear of it. */
  readonly dsn: RecipientDsn;
  /** Since when it must have been the same person (RRVS, RFC 7293): for who delivers to check, or to pass on. */
  readonly validSince: ValidSince | undefined;
}

/** Sender and recipients of the present transaction, and what the client asked for the message. */
export interface Envelope {
  /** The null sender has `isNull`. */
  readonly sender: Address;
  /** ESMTP parameters of MAIL, keyword in upper case. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** Accepted recipients, in the order of RCPT. */
  readonly recipients: readonly Recipient[];
  /** What the sender wants of notifications. */
  readonly dsn: MessageDsn;
  /** The message may only be relayed under verified TLS, to servers that offer REQUIRETLS too (RFC 8689 §4.2.1). */
  readonly requireTls: boolean;
  /**
   * -9 to 9, more being sooner (MT-PRIORITY, RFC 6710). What the server grants: above 0 only to clients that have logged
   * in, or what a mail hook has set. Undefined: nobody said anything, which is as good as 0.
   */
  readonly priority: number | undefined;
  /** When the message is to be delivered by. */
  readonly deliverBy: DeliverBy | undefined;
  /** When it may go on at the earliest, in milliseconds since the epoch (FUTURERELEASE, RFC 4865). */
  readonly holdUntil: number | undefined;
  /** Solicitation class keywords (NO-SOLICITING, RFC 3865), as written; their case has no meaning. */
  readonly soliciting: readonly string[];
}
