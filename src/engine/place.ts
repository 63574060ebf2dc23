// Virtual hosts by recipient: the domain of the first accepted recipient says which host serves the transaction. A message
// has one chain, so recipients of another host are told to come in a message of their own (452 4.5.3, which a sending
// server answers at once with a new transaction; RFC 5321 §4.5.3.1.10).

import type { HookCall } from "../hooks/run.ts";
import { MailEvent } from "../session/events.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Address } from "../wire/address.ts";
import type { Conversation } from "./contract.ts";
import { consents, verdictOf } from "./outcome.ts";

const another = {
  code: 452,
  enhanced: "4.5.3",
  text: "Send recipients of this domain in a message of their own",
};
const refused = { code: 550, enhanced: "5.7.1", text: "Refused" };

/** Sees to it that the right host serves the transaction; calls `then` unless the recipient has been answered. */
export function place(talk: Conversation, recipient: Address, subject: string, then: () => void): void {
  const { virtualHosts, session } = talk;
  if (virtualHosts === undefined || recipient.domain === "") {
    then();
    return;
  }
  const transaction = session.transaction as Transaction;
  const service = virtualHosts.byDomain(recipient.domainKey);
  if ((service?.setup ?? talk.ownSetup) === session.setup) {
    then();
  } else if (transaction.acceptedRecipients > 0) {
    session.limitReached("virtualHosts", talk.reply(another));
  } else {
    talk.serveOwn();
    if (service === undefined) {
      then();
      return;
    }
    talk.serveTransaction(service);
    askMail(talk, transaction, subject, then);
  }
}

/** The mail hooks of the host have not seen the sender yet; what they refuse is refused here. */
function askMail(talk: Conversation, transaction: Transaction, subject: string, then: () => void): void {
  const { session } = talk;
  const { sender, parameters } = transaction;
  const event = (call: HookCall): MailEvent => new MailEvent(call, session, sender, parameters);
  talk.stage("mail", { event }, (outcome) => {
    if (consents(outcome)) {
      if (verdictOf(outcome)?.kind === "discard") transaction.discardedBy = outcome.said?.module;
      talk.passed("mail", outcome, subject);
      then();
    } else {
      session.counts.refusedRecipients += 1;
      talk.answer("mail", outcome, subject, refused);
      talk.serveOwn();
    }
  });
}
