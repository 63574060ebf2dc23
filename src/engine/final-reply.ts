// The reply to a message: one for all recipients, or one for each, where the protocol (LMTP, RFC 2033 §4.2) or the client
// (PRDR, draft-hall-prdr) wants that. What each recipient is told comes from the message hooks and the final outcome.

import type { Outcome } from "../hooks/run.ts";
import type { Stage } from "../hooks/table.ts";
import type { Transaction } from "../session/transaction.ts";
import { fixedReply, formatReply, replyForLog } from "../wire/reply.ts";
import type { Reply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { refusalReply, replyTo, verdictOf } from "./outcome.ts";

const eachFollows = fixedReply(353, "", "A reply for each recipient follows");

/** Whether recipients are told apart; otherwise refusals of single ones are settled by policy. */
export function answersEach({ protocol }: Conversation, transaction: Transaction): boolean {
  return protocol.answersEach || (transaction.parameters.has("PRDR") && transaction.acceptedRecipients > 1);
}

/** Replies to the message as the outcome of a stage calls for, and closes when the verdict says so. */
export function answerMessage(
  talk: Conversation,
  stage: Stage,
  outcome: Outcome,
  subject: string,
  replies: { readonly standard: Reply; readonly done?: Reply },
): void {
  const transaction = talk.session.transaction as Transaction;
  const { standard, done = standard } = replies;
  const wire = finalWire(talk, transaction, replyTo(stage, outcome, standard, done));
  talk.answerWith(stage, outcome, subject, wire);
  if (verdictOf(outcome)?.kind === "disconnect") talk.close("module");
}

/** Replies to the message without a stage; returns the reply for reports. */
export function replyToMessage(talk: Conversation, reply: Reply): string {
  const wire = finalWire(talk, talk.session.transaction as Transaction, reply);
  talk.send(wire);
  return replyForLog(wire);
}

function finalWire(talk: Conversation, transaction: Transaction, reply: Reply): string {
  if (talk.protocol.answersEach) return eachReply(transaction, reply);
  if (transaction.refused.length === 0 || !answersEach(talk, transaction)) return formatReply(reply);
  // draft-hall-prdr-00 §3: the replies for the recipients, then one for the message
  return formatReply(eachFollows) + eachReply(transaction, reply) + formatReply(reply);
}

// RFC 2033 §4.2: in the order of the RCPT commands, repeated ones included
function eachReply(transaction: Transaction, reply: Reply): string {
  const common = formatReply(reply);
  if (transaction.refused.length === 0) return common.repeat(transaction.accepted.length);
  const own = new Map(
    transaction.refused.map(({ recipient, verdict }) => [
      recipient.address.key,
      formatReply(refusalReply("message", verdict)),
    ]),
  );
  return transaction.accepted
    .map((keys) => {
      // A recipient that was expanded is refused when all it became are
      const refused = keys.length > 0 && keys.every((key) => own.has(key));
      return refused ? (own.get(keys[0] as string) as string) : common;
    })
    .join("");
}
