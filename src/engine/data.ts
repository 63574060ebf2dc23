// DATA (RFC 5321 §4.1.1.4): the command itself. What follows 354 is receive.ts, what comes of it finish.ts.

import type { HookCall } from "../hooks/run.ts";
import { TransactionEvent } from "../session/events.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Command } from "../wire/command.ts";
import { fault } from "../wire/fault.ts";
import { fixedReply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { consents, verdictOf } from "./outcome.ts";

const goAhead = fixedReply(354, "", "End data with <CR><LF>.<CR><LF>");

export function runData(talk: Conversation, command: Command): void {
  const { session } = talk;
  const transaction = session.transaction as Transaction;
  if (transaction.acceptedRecipients === 0) {
    // RFC 2920 §3.1: a pipelining client sends DATA before it knows that all recipients were refused
    talk.invalid("sequence", command, fault(554, "5.5.1", "No valid recipients"));
    return;
  }
  talk.stage("data", { event: (call: HookCall) => new TransactionEvent(call, session) }, (outcome) => {
    if (verdictOf(outcome)?.kind === "discard") transaction.discardedBy = outcome.said?.module;
    const goesOn = consents(outcome);
    if (goesOn) talk.startData();
    talk.answer("data", outcome, "", goAhead);
  });
}
