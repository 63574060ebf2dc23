// DATA (RFC 5321 §4.1.1.4): the command, and the message data up to the final dot. What is done with the message is
// receive.ts, what comes of it finish.ts.

import type { HookCall } from "../hooks/run.ts";
import { TransactionEvent } from "../session/events.ts";
import type { Session } from "../session/session.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Command } from "../wire/command.ts";
import { DataDecoder } from "../wire/data.ts";
import { fault } from "../wire/fault.ts";
import { fixedReply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { finishMessage } from "./finish.ts";
import { consents, verdictOf } from "./outcome.ts";
import { Receiver } from "./receive.ts";
import type { EngineSettings } from "./settings.ts";

const goAhead = fixedReply(354, "", "End data with <CR><LF>.<CR><LF>");
/** RFC 2920 §3.1: a pipelining client sends DATA before it knows that all recipients were refused. */
export const noRecipients = fault(554, "5.5.1", "No valid recipients");

export function runData(talk: Conversation, command: Command): void {
  const { session } = talk;
  const transaction = session.transaction as Transaction;
  if (transaction.acceptedRecipients === 0) {
    talk.invalid("sequence", command, noRecipients);
    return;
  }
  if (transaction.bodyType === "BINARYMIME") {
    talk.invalid("sequence", command, fault(503, "5.5.1", "Send BDAT: the message is BINARYMIME")); // RFC 3030 §3
    return;
  }
  askData(talk, transaction, (outcome) => {
    if (consents(outcome)) talk.takeBytes(new DataReceiver(session, transaction, talk.settings));
    talk.answer("data", outcome, "", goAhead);
  });
}

/** Asks the data hooks: before the first byte of the message. */
export function askData(
  talk: Conversation,
  transaction: Transaction,
  then: (outcome: Parameters<typeof consents>[0]) => void,
): void {
  const { session } = talk;
  talk.stage("data", { event: (call: HookCall) => new TransactionEvent(call, session) }, (outcome) => {
    if (verdictOf(outcome)?.kind === "discard") transaction.discardedBy = outcome.said?.module;
    then(outcome);
  });
}

/** A message that ends with a dot on a line of its own. */
class DataReceiver extends Receiver {
  readonly #decoder: DataDecoder;

  constructor(session: Session, transaction: Transaction, settings: EngineSettings) {
    super(session, transaction, settings);
    this.#decoder = new DataDecoder(settings.bareNewline);
  }

  get size(): number {
    return this.#decoder.size;
  }

  get done(): boolean {
    return this.#decoder.done;
  }

  get complete(): boolean {
    return this.#decoder.done;
  }

  feed(bytes: Buffer, from: number, end: number): number {
    const next = this.#decoder.decode(bytes, from, end, this);
    this.checkWhole(this.#decoder.bareNewline);
    return next;
  }

  finish(talk: Conversation): void {
    finishMessage(talk, this);
  }
}
