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
  const { session } = talk;
  const transaction = session.transaction as Transaction;
  const mayChange = transaction.acceptedRecipients === 0;
  // RFC 5321 §4.5.1: each host has a postmaster
  const service = recipient.domain === "" ? undefined : talk.virtualHosts?.byDomain(recipient.domainKey);
  const stays = (service?.setup ?? talk.ownSetup) === session.setup;
  if (stays || (recipient.domain === "" && !mayChange)) {
    then();
  } else if (!mayChange) {
    session.limitReached("virtualHosts", talk.reply(another));
  } else {
    talk.serveOwn();
    const { chain } = session.setup;
    if (service !== undefined) talk.serveTransaction(service);
    if (session.setup.chain === chain) then();
    else askMail(talk, transaction, subject, then);
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
      talk.answer("mail", outcome, subject, refused);
      talk.countRefused();
      talk.serveOwn();
    }
  });
}
