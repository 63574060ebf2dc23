// RCPT TO (RFC 5321 §4.1.1.3): the forward-path, its parameters, the hooks. Every recipient is refused by default: a
// server without modules is never an open relay.

import type { HookCall } from "../hooks/run.ts";
import { RcptEvent } from "../session/events.ts";
import type { RcptDraft } from "../session/events.ts";
import { AcceptedRecipient } from "../session/recipient.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Address } from "../wire/address.ts";
import type { Command } from "../wire/command.ts";
import { fault, isFault } from "../wire/fault.ts";
import type { Fault } from "../wire/fault.ts";
import type { Params } from "../wire/params.ts";
import { parsePath } from "../wire/path.ts";
import { fixedReply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { checkParameters, pathStart } from "./mail.ts";
import { consents, verdictOf } from "./outcome.ts";
import { place } from "./place.ts";

const accepted = fixedReply(250, "2.1.5", "Recipient ok");
const refused = { code: 550, enhanced: "5.7.1", text: "Recipient refused: no module vouches for it" };
const tooMany = { code: 452, enhanced: "4.5.3", text: "Too many recipients" }; // RFC 5321 §4.5.3.1.10
const tooManyDomains = {
  code: 452,
  enhanced: "4.5.3",
  text: "Too many domains, send the others in a message of their own",
};

export function runRcpt(talk: Conversation, command: Command): void {
  const { argument } = command;
  const transaction = talk.session.transaction as Transaction;
  const from = pathStart(argument, "TO:");
  if (from === -1) {
    talk.invalid("syntax", command, fault(501, "5.5.4", "Syntax: RCPT TO:<address>"));
    return;
  }
  const path = parsePath(argument, from, { utf8: transaction.smtpUtf8, null: false, postmaster: true });
  const parameters = isFault(path)
    ? path
    : checkParameters(argument, path.end, talk, talk.protocol.rcptParameters);
  if (isFault(path) || isFault(parameters)) {
    talk.invalid("syntax", command, isFault(path) ? path : (parameters as Fault));
    return;
  }
  const { address } = path;
  if (talk.virtualHosts === undefined) judge(talk, transaction, address, parameters, argument);
  else place(talk, address, argument, () => judge(talk, transaction, address, parameters, argument));
}

/**
 * Whether the domain may be one more of this message. Deviation from RFC 9422 §4.3, which counts by session: each message
 * begins anew, so that a client that does not know the limit can send what was put off; one that counts stays below.
 */
function hasRoomFor(transaction: Transaction, { domain, domainKey }: Address, limit: number): boolean {
  if (limit === 0 || domain === "") return true;
  transaction.domains ??= new Set();
  const { domains } = transaction;
  return domains.size < limit || domains.has(domainKey);
}

function judge(
  talk: Conversation,
  transaction: Transaction,
  recipient: Address,
  parameters: Params,
  argument: string,
): void {
  const { session, settings } = talk;
  if (transaction.acceptedRecipients >= settings.limits.recipients) {
    session.limitReached("limits.recipients", talk.reply(tooMany));
    return;
  }
  if (!hasRoomFor(transaction, recipient, settings.limits.recipientDomains)) {
    session.limitReached("limits.recipientDomains", talk.reply(tooManyDomains));
    return;
  }
  const remembered = session.setup.refusals?.recall(session, transaction, recipient.key);
  if (remembered !== undefined) {
    // The message was deferred for all because of this recipient; here it has a reply of its own
    const { module, verdict } = remembered;
    const outcome = { said: { module, answer: verdict, fault: false }, ms: 0 };
    talk.answer("rcpt", outcome, argument, refused, accepted);
    talk.countRefused();
    return;
  }
  const draft: RcptDraft = { addresses: [recipient], route: undefined };
  talk.stage(
    "rcpt",
    { event: (call: HookCall) => new RcptEvent(call, session, draft, parameters) },
    (outcome) => {
      const consented = outcome.said !== undefined && consents(outcome);
      if (outcome.said !== undefined && consented) {
        const taken = verdictOf(outcome)?.kind === "accept";
        transaction.acceptedRecipients += 1;
        if (recipient.domain !== "") transaction.domains?.add(recipient.domainKey);
        if (talk.protocol.answersEach || transaction.parameters.has("PRDR")) {
          transaction.accepted.push(taken ? draft.addresses.map(({ key }) => key) : []);
        }
        if (taken) {
          const { module } = outcome.said;
          for (const address of draft.addresses) {
            transaction.addRecipient(
              new AcceptedRecipient(address, recipient, parameters, draft.route, module),
            );
          }
        }
      }
      talk.answer("rcpt", outcome, argument, refused, accepted);
      if (!consented) talk.countRefused();
    },
  );
}
