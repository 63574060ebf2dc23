// Verdicts per recipient: SMTP has one reply for a message, so what several recipients decided differently becomes one
// outcome by policy. The default neither guesses nor makes backscatter: for an authenticated sender the others get the
// message and the sender a notification; otherwise the whole is deferred and the next try hears the refusals at RCPT.

import type { HookCall, Outcome } from "../hooks/run.ts";
import { defer } from "../hooks/verdict.ts";
import type { KeptOrNot } from "../session/content.ts";
import { makeDsn, wantsFailures } from "../session/dsn.ts";
import { QueueEvent, RcptEvent } from "../session/events.ts";
import type { RcptDraft } from "../session/events.ts";
import { AcceptedRecipient } from "../session/recipient.ts";
import type { RefusedRecipient } from "../session/transaction.ts";
import { Transaction } from "../session/transaction.ts";
import { nullSender } from "../wire/address.ts";
import type { Params } from "../wire/params.ts";
import type { Conversation } from "./contract.ts";
import { answersEach, hearsOfMessage, untoldRefusals } from "./final-reply.ts";
import { verdictOf } from "./outcome.ts";

/** A message, and the recipients that the sender is to hear of. */
interface Failure {
  readonly transaction: Transaction;
  readonly refused: readonly RefusedRecipient[];
  readonly message: KeptOrNot;
}

/** Settles refused recipients: `then` gets the outcome that the whole message must have, or none: go on. */
export function settleRefused(
  talk: Conversation,
  transaction: Transaction,
  message: KeptOrNot,
  then: (outcome: Outcome | undefined) => void,
): void {
  const { refused } = transaction;
  const [first] = refused;
  const each = answersEach(talk, transaction);
  const untold = each ? untoldRefusals(transaction) : refused;
  if (first === undefined) {
    then(undefined);
  } else if (!transaction.hasRecipients && !(each && hearsOfMessage(transaction))) {
    // All agree to refuse; if one of them may change its mind, the client is to try again
    then(outcomeOf(refused.find(({ verdict }) => verdict.kind === "defer") ?? first));
  } else if (untold.length === 0) {
    then(undefined);
  } else if (mayBounce(talk, transaction, untold)) {
    // RFC 3461 §4.1: of those with another NOTIFY the sender does not want to hear
    const told = untold.filter(({ recipient }) => wantsFailures(recipient.dsn.notify));
    if (told.length === 0) then(undefined);
    else {
      bounce(talk, { transaction, refused: told, message }, (taken) =>
        then(taken ? undefined : deferAll(talk, transaction, untold)),
      );
    }
  } else {
    then(deferAll(talk, transaction, untold));
  }
}

/** Whether a notification is allowed: never to a null sender, nor where the sender may be forged. */
function mayBounce(
  { session, settings }: Conversation,
  { sender }: Transaction,
  refused: readonly RefusedRecipient[],
): boolean {
  if (sender.isNull) return false; // RFC 3461 §6.1
  if (refused.some(({ verdict }) => verdict.kind === "defer")) return false; // not refused for good
  return (
    settings.mixedVerdicts === "bounce" || (settings.mixedVerdicts === "safe" && session.auth !== undefined)
  );
}

function deferAll(
  { session }: Conversation,
  transaction: Transaction,
  refused: readonly RefusedRecipient[],
): Outcome {
  const { refusals } = session.setup;
  for (const one of refused) {
    refusals?.remember(session, transaction, one);
    // Else the next try would be deferred because of the other names, and the one after that because of this one
    for (const recipient of transaction.repeatedOf(one.recipient.address.key))
      refusals?.remember(session, transaction, { ...one, recipient });
  }
  const answer = defer("4.5.0", "Refused for some recipients, please try again");
  return { said: { module: refused[0]?.module ?? "", answer, fault: false }, ms: 0 };
}

function outcomeOf({ module, verdict }: RefusedRecipient): Outcome {
  return { said: { module, answer: verdict, fault: false }, ms: 0 };
}

/**
 * Hands the notification to the queue hooks; `then` hears whether one of them took it. A rcpt hook must vouch for its
 * recipient, as for any other: a queue hook may be one that keeps all mail in one place, where the sender never sees it.
 */
function bounce(talk: Conversation, failure: Failure, then: (taken: boolean) => void): void {
  const { session } = talk;
  const { transaction } = failure;
  const original = transaction.sender;
  const envelope = new Transaction(session, nullSender, notificationParameters(transaction));
  envelope.assignedPriority = transaction.priority; // RFC 6710 §4.6
  const end = beginNotification(talk, transaction, envelope);
  const parameters = new Map<string, string | undefined>();
  const draft: RcptDraft = { addresses: [original], route: undefined };
  const run = { event: (call: HookCall) => new RcptEvent(call, session, draft, parameters) };
  talk.stage("rcpt", run, (outcome) => {
    talk.passed("rcpt", outcome, `notification to <${String(original)}>`);
    if (outcome.said === undefined || verdictOf(outcome)?.kind !== "accept") {
      end();
      then(false);
      return;
    }
    const { module } = outcome.said;
    for (const address of draft.addresses) {
      envelope.addRecipient(new AcceptedRecipient(address, original, parameters, draft.route, module));
    }
    queueDsn(talk, failure, envelope, (taken) => {
      end();
      then(taken);
    });
  });
}

/**
 * To the hooks a notification is a message of its own, with facts and state of its own, and for the host of its recipient.
 * Returns what goes back to the message; until then whoever aborts the session aborts both.
 */
function beginNotification(talk: Conversation, transaction: Transaction, envelope: Transaction): () => void {
  const { session } = talk;
  const goBack = talk.serveMeanwhile(talk.virtualHosts?.byDomain(transaction.sender.domainKey));
  envelope.own({ dispose: () => transaction.abort() });
  session.transaction = envelope;
  return () => {
    session.transaction = transaction;
    goBack();
  };
}

/** The notification needs what the message needed: UTF-8, all eight bits, and TLS on its way (RFC 8689 §5). */
function notificationParameters({ smtpUtf8, requireTls, bodyType }: Transaction): Params {
  return new Map<string, string | undefined>([
    ["BODY", bodyType === "BINARYMIME" ? bodyType : "8BITMIME"],
    ...(smtpUtf8 ? ([["SMTPUTF8", undefined]] as const) : []),
    ...(requireTls ? ([["REQUIRETLS", undefined]] as const) : []),
  ]);
}

function queueDsn(
  talk: Conversation,
  failure: Failure,
  envelope: Transaction,
  then: (taken: boolean) => void,
): void {
  const { session } = talk;
  const { sender } = failure.transaction;
  const { hostname } = session;
  const content = makeDsn({ hostname, ...failure, id: envelope.id, now: session.clock.now() });
  talk.stage("queue", { event: (call) => new QueueEvent(call, session, content) }, (outcome) => {
    talk.passed("queue", outcome, `notification to <${String(sender)}>`);
    then(verdictOf(outcome)?.kind === "queued");
  });
}
