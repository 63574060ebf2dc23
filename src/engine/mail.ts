// MAIL FROM (RFC 5321 §4.1.1.2): the reverse-path, its parameters, the hooks. Any sender is accepted by default.

import type { HookCall } from "../hooks/run.ts";
import { MailEvent } from "../session/events.ts";
import { Transaction } from "../session/transaction.ts";
import type { Command } from "../wire/command.ts";
import { fault, isFault } from "../wire/fault.ts";
import type { Fault } from "../wire/fault.ts";
import { addressFault, problems } from "../wire/address.ts";
import { parseParams } from "../wire/params.ts";
import type { Params } from "../wire/params.ts";
import { parsePath } from "../wire/path.ts";
import { fixedReply, formatReply } from "../wire/reply.ts";
import type { Reply } from "../wire/reply.ts";
import type { Conversation, Parameter } from "./contract.ts";
import { consents, verdictOf } from "./outcome.ts";

const accepted = fixedReply(250, "2.1.0", "Sender ok");

export function runMail(talk: Conversation, command: Command): void {
  const { session, settings } = talk;
  const { argument } = command;
  const { transactions } = settings.limits;
  // RFC 9422 §4.1: a client that counts every MAIL against MAILMAX stays below, since only accepted ones count here. 421,
  // as Exim answers: by closing, the client knows that another session will be heard (RFC 5321 §3.8), which 452 would not say
  if (transactions > 0 && session.counts.transactions >= transactions) {
    talk.endAtLimit("limits.transactions", "Too many messages in one session");
    return;
  }
  const from = pathStart(argument, "FROM:");
  if (from === -1) {
    talk.invalid("syntax", command, fault(501, "5.5.4", "Syntax: MAIL FROM:<address>"));
    return;
  }
  // A UTF-8 address is read before the parameter that allows it is known (RFC 6531 §3.4)
  const utf8 = argument.includes("SMTPUTF8") || /SMTPUTF8/i.test(argument);
  const path = parsePath(argument, from, { utf8, null: true, postmaster: false });
  const parameters = isFault(path)
    ? path
    : checkParameters(argument, path.end, talk, talk.protocol.mailParameters);
  if (isFault(path) || isFault(parameters)) {
    talk.invalid("syntax", command, isFault(path) ? path : (parameters as Fault));
    return;
  }
  const sender = path.address;
  if (!sender.isAscii && !parameters.has("SMTPUTF8")) {
    talk.invalid("syntax", command, addressFault(problems.needsUtf8, true)); // RFC 6531 §3.5
    return;
  }
  // The transaction exists from here on, so that facts set by mail hooks last as long as it does
  const transaction = new Transaction(session, sender, parameters);
  talk.beginTransaction(transaction);
  talk.stage(
    "mail",
    { event: (call: HookCall) => new MailEvent(call, session, sender, parameters) },
    (outcome) => {
      if (consents(outcome)) {
        session.counts.transactions += 1;
        if (verdictOf(outcome)?.kind === "discard") transaction.discardedBy = outcome.said?.module;
        const own = ownReply(talk, transaction);
        if (own === undefined) talk.answer("mail", outcome, argument, accepted);
        else talk.answerWith("mail", outcome, argument, formatReply(own));
      } else {
        talk.answer("mail", outcome, argument, accepted);
        talk.endTransaction();
      }
    },
  );
}

/** What an extension has to say of a transaction that begins. */
function ownReply({ protocol, offered }: Conversation, transaction: Transaction): Reply | undefined {
  for (const mailReply of protocol.mailReplies) {
    const reply = mailReply(transaction, offered);
    if (reply !== undefined) return reply;
  }
  return undefined;
}

/** Index at which the path begins, or -1. RFC 5321 §3.3 allows no space after the colon; nearly all servers do. */
export function pathStart(argument: string, label: "FROM:" | "TO:"): number {
  if (argument.slice(0, label.length).toUpperCase() !== label) return -1;
  let at = label.length;
  while (argument.charCodeAt(at) === 0x20) at += 1;
  return at;
}

/** Parameters of MAIL or RCPT, each checked by its extension. */
export function checkParameters(
  argument: string,
  from: number,
  talk: Conversation,
  known: ReadonlyMap<string, Parameter>,
): Params | Fault {
  const parameters = parseParams(argument, from);
  if (isFault(parameters)) return parameters;
  for (const [name, value] of parameters) {
    const parameter = known.get(name);
    // RFC 5321 §4.1.1.11: 555 for what was not offered
    if (parameter === undefined || !talk.offered.keywords.has(parameter.keyword)) {
      return fault(555, "5.5.4", `Unknown parameter ${name}`);
    }
    const problem = parameter.check(value, talk, parameters);
    if (problem !== undefined) return problem;
  }
  return parameters;
}
