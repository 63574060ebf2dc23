// The reply to a message: one for all recipients, or one for each, where the protocol (LMTP, RFC 2033 §4.2) or the client
// (PRDR, draft-hall-prdr) wants that. What each recipient is told comes from the message hooks and the final outcome.

import type { Outcome } from "../hooks/run.ts";
import type { Stage } from "../hooks/table.ts";
import type { RefusedRecipient, Transaction } from "../session/transaction.ts";
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
  const own = refusalsByKey(transaction);
  return transaction.accepted
    .map((keys) => {
      const refusal = isRefused(keys, own) ? own.get(keys[0] ?? "") : undefined;
      return refusal === undefined ? common : formatReply(refusalReply("message", refusal.verdict));
    })
    .join("");
}

/**
 * Refused recipients of which no reply of their own tells: that of a RCPT is a refusal only when all that it became have
 * refused, and what an edit added has none.
 */
export function untoldRefusals(transaction: Transaction): readonly RefusedRecipient[] {
  const own = refusalsByKey(transaction);
  const told = new Set(transaction.accepted.filter((keys) => isRefused(keys, own)).flat());
  return transaction.refused.filter(({ recipient }) => !told.has(recipient.address.key));
}

/** Whether some RCPT hears what becomes of the message, and not a refusal of its own. */
export function hearsOfMessage(transaction: Transaction): boolean {
  const own = refusalsByKey(transaction);
  return transaction.accepted.some((keys) => !isRefused(keys, own));
}

function refusalsByKey({ refused }: Transaction): ReadonlyMap<string, RefusedRecipient> {
  return new Map(refused.map((one) => [one.recipient.address.key, one]));
}

function isRefused(keys: readonly string[], own: ReadonlyMap<string, unknown>): boolean {
  return keys.length > 0 && keys.every((key) => own.has(key));
}
