// The end of a message: message hooks with their edits, then the queue hooks, then the one reply. 250 is sent only when
// a module says that it keeps the message (RFC 5321 §4.2.5); if none does, 451.

import type { HookCall, Outcome, StageRun } from "../hooks/run.ts";
import { UnkeptMessage } from "../session/content.ts";
import type { KeptOrNot, StoredMessage } from "../session/content.ts";
import { MessageEditor } from "../session/edits.ts";
import { MessageEvent, QueueEvent } from "../session/events.ts";
import { receivedField } from "../session/received.ts";
import type { Session } from "../session/session.ts";
import type { Transaction } from "../session/transaction.ts";
import type { Reply } from "../wire/reply.ts";
import type { Conversation } from "./contract.ts";
import { answerMessage, replyToMessage } from "./final-reply.ts";
import { consents, verdictOf } from "./outcome.ts";
import { settleRefused } from "./refused.ts";
import type { Receiver, Refusal } from "./receive.ts";

const notTaken = { code: 451, enhanced: "4.3.0", text: "Message not taken: no module keeps it" };

/** Decides on a message that has arrived, sends the reply and ends the transaction. */
export function finishMessage(talk: Conversation, receiver: Receiver): void {
  const { session } = talk;
  const transaction = session.transaction as Transaction;
  talk.messageCame();
  const end = (): void => {
    receiver.dispose();
    talk.endTransaction();
  };
  const { refusal } = receiver;
  if (refusal !== undefined) {
    answerRefusal(talk, refusal);
    end();
  } else if (transaction.discardedBy !== undefined || !transaction.hasRecipients) {
    discard(talk, transaction.discardedBy ?? "default", receiver.size);
    end();
  } else {
    judge(talk, transaction, receiver, end);
  }
}

/** Replies to a message that a limit, or a module before the message stage, refused. */
export function answerRefusal(talk: Conversation, refusal: Refusal): void {
  if ("limit" in refusal) talk.session.limitReached(refusal.limit, replyToMessage(talk, refusal.reply));
  else answerMessage(talk, refusal.stage, refusal.outcome, "", { standard: notTaken });
}

/** The client hears what it would hear if the message had been taken. */
function discard(talk: Conversation, module: string, size: number): void {
  const wire = replyToMessage(talk, taken(talk.session.transaction as Transaction));
  const decision = { stage: "message", verdict: "discard", module, ms: 0 } as const;
  talk.session.decided({ ...decision, subject: `${size} octets`, reply: wire });
}

function taken(transaction: Transaction): Reply {
  return { code: 250, enhanced: "2.0.0", text: `Ok: queued as ${transaction.id}` };
}

function judge(talk: Conversation, transaction: Transaction, receiver: Receiver, end: () => void): void {
  const { session } = talk;
  const original = receiver.message as KeptOrNot;
  if (session.setup.chain.taps.message.length === 0) {
    reportPassed(session, { said: undefined, ms: 0 }, receiver.size);
    queue(talk, transaction, original, end);
    return;
  }
  const editor = new MessageEditor(original, transaction, session.setup.environment);
  const finish = (): void => {
    editor.dispose();
    end();
  };
  const run: StageRun<"message"> = {
    event: (call) => new MessageEvent(call, session, editor),
    commit: (event) => editor.commit((event as MessageEvent).edit),
  };
  talk.stage("message", run, (outcome) => {
    if (session.observed && editor.records.length > 0) {
      session.report({ ...session.reportBase(), type: "edits", edits: editor.records });
    }
    const verdict = verdictOf(outcome);
    if (!consents(outcome)) {
      answerMessage(talk, "message", outcome, `${receiver.size} octets`, { standard: notTaken });
      finish();
    } else if (
      verdict?.kind === "discard" ||
      !(transaction.hasRecipients || transaction.refused.length > 0)
    ) {
      discard(talk, outcome.said?.module ?? "default", receiver.size);
      finish();
    } else {
      if (verdict?.kind === "quarantine") {
        transaction.quarantine ??= { reason: String(verdict.text ?? ""), module: outcome.said?.module ?? "" };
      }
      settleRefused(talk, transaction, editor.view, (refusal) => {
        if (refusal !== undefined) {
          answerMessage(talk, "message", refusal, `${receiver.size} octets`, { standard: notTaken });
          finish();
        } else if (transaction.hasRecipients) {
          reportPassed(session, outcome, receiver.size);
          queue(talk, transaction, editor.view, finish);
        } else {
          discard(talk, "default", receiver.size); // RCPTs that refused hear that, the discarded ones nothing
          finish();
        }
      });
    }
  });
}

function reportPassed(session: Session, outcome: Outcome, size: number): void {
  if (!session.observed) return;
  const { said, ms } = outcome;
  const verdict = said === undefined ? "default" : "quarantine";
  const module = said?.module ?? "default";
  session.decided({ stage: "message", verdict, module, ms, subject: `${size} octets`, reply: undefined });
}

function queue(talk: Conversation, transaction: Transaction, message: KeptOrNot, end: () => void): void {
  const { session } = talk;
  // RFC 5321 §4.4: the trace field goes on top, whatever else was changed
  const finished = message instanceof UnkeptMessage ? message : withReceived(message, session, transaction);
  const run = { event: (call: HookCall) => new QueueEvent(call, session, finished) };
  talk.stage("queue", run, (outcome) => {
    if (verdictOf(outcome)?.kind === "queued") session.setup.onAccepted?.();
    const replies = { standard: notTaken, done: taken(transaction) };
    answerMessage(talk, "queue", outcome, `${message.size} octets`, replies);
    end();
  });
}

function withReceived(message: StoredMessage, session: Session, transaction: Transaction): StoredMessage {
  const field = receivedField(session, transaction, session.clock.now());
  return message.withHeaders(Buffer.concat([field, message.headers.bytes]));
}
