// A mail submission agent (RFC 6409): what users send is checked and mended before it sets out. Senders, header and
// numbers of each user who has logged in; mail of others passes untouched, so it may stand in the chain of a public
// server. Who may log in is asked elsewhere: auth-file.ts and its like, and the listener's profile. Parts: submission/.

import type { Module } from "../hooks/module.ts";
import type {
  HeadersEvent,
  MailEvent,
  MessageEvent,
  RcptEvent,
  SessionInfo,
  TransactionEvent,
} from "../hooks/stages.ts";
import { accept, defer, reject } from "../hooks/verdict.ts";
import type { Verdict } from "../hooks/verdict.ts";
import type { Address } from "../wire/address.ts";
import type { HeaderBlock } from "../wire/header.ts";
import { parseAddressList } from "./submission/address-list.ts";
import { authorsOf, headerProblem, unqualified } from "./submission/check.ts";
import { mend } from "./submission/mend.ts";
import { readOptions } from "./submission/options.ts";
import type { Rules, SubmissionOptions } from "./submission/options.ts";
import { count, countMessage } from "./submission/quota.ts";
import { isQualified } from "./submission/senders.ts";
import type { MaySend } from "./submission/senders.ts";

export type { SubmissionOptions } from "./submission/options.ts";
export type { PerUser } from "./submission/quota.ts";
export type { MaySend, SenderTable } from "./submission/senders.ts";

/** Checks and mends what users submit. Throws TypeError naming the option that is wrong. */
export function submission(options: SubmissionOptions = {}): Module {
  const rules = readOptions(options);
  const { perUser, relay } = rules;
  const vouch = ({ session }: RcptEvent) => (session.auth === undefined ? undefined : accept());
  return {
    name: "submission",
    // First: another module's accept() must not spare a user these questions
    mail: { order: "first", handler: (event) => judgeSender(event, rules) },
    rcpt: { order: "first", handler: (event) => judgeRecipient(event, rules) },
    ...(perUser !== undefined && {
      data: (event) => {
        const { auth } = event.session;
        return auth === undefined ? undefined : countMessage(event, auth.username, perUser);
      },
    }),
    headers: (event) => judgeHeaders(event, rules),
    message: (event) => mendMessage(event, rules),
    // In the module's own place, unlike the other rcpt hook: who knows the local users comes before and has its say
    ...(relay && { session: () => ({ rcpt: vouch }) }),
  };
}

function isSubmission({ auth }: SessionInfo, { everyone }: Rules): boolean {
  return everyone || auth !== undefined;
}

function judgeSender(
  { sender, session }: MailEvent,
  rules: Rules,
): undefined | Verdict<"reject"> | Promise<Verdict<"reject"> | undefined> {
  if (!isSubmission(session, rules) || sender.isNull) return undefined; // RFC 6409 §3.2: `<>` is nobody's
  // RFC 6409 §4.2; RFC 3463 §3.2: X.1.8
  if (!isQualified(sender)) return reject("5.1.8", unqualified("MAIL", sender), { code: 554 });
  const { auth } = session;
  const { owns } = rules.senders;
  if (auth === undefined || owns === undefined) return undefined;
  const answer = (yes: boolean) => (yes ? undefined : notYours(sender));
  const owned = owns(auth.username, sender);
  return owned instanceof Promise ? owned.then(answer) : answer(owned);
}

function notYours(sender: Address): Verdict<"reject"> {
  return reject("5.7.1", `You may not send from ${String(sender)}`, { code: 550 }); // RFC 6409 §6.1, §6.3
}

function judgeRecipient(
  { recipient, session, envelope }: RcptEvent,
  rules: Rules,
): Verdict<"reject"> | Verdict<"defer"> | undefined {
  if (!isSubmission(session, rules)) return undefined;
  // <Postmaster> has no domain, and need not (RFC 5321 §4.5.1)
  if (recipient.domain !== "" && !isQualified(recipient)) {
    return reject("5.1.2", unqualified("RCPT", recipient), { code: 554 }); // RFC 6409 §4.2; RFC 3463 §3.2: X.1.2
  }
  const most = rules.perUser?.recipients;
  if (session.auth === undefined || most === undefined || envelope.recipients.length < most) return undefined;
  return defer("4.5.3", `You may send to ${count(most, "recipient")} at once`, { code: 452 }); // RFC 5321 §4.5.3.1.10
}

function judgeHeaders(
  event: HeadersEvent,
  rules: Rules,
): undefined | Verdict<"reject"> | Promise<Verdict<"reject"> | undefined> {
  const { headers, session, envelope } = event;
  if (!isSubmission(session, rules)) return undefined;
  const { senders, sender, strict } = rules;
  const problem = headerProblem(headers, {
    strict,
    utf8: envelope.parameters.has("SMTPUTF8"),
    canAddSender: sender === "add" && ownAddress(event, rules) !== undefined,
  });
  if (problem !== undefined) return reject("5.6.0", problem, { code: 554 }); // RFC 6409 §6.3; RFC 3463 §3.7: X.6.0
  if (sender !== "reject" || session.auth === undefined || senders.owns === undefined) return undefined;
  return judgeAuthors(headers, session.auth.username, senders.owns);
}

/** Every address that readers take for the origin must be the user's. */
async function judgeAuthors(
  headers: HeaderBlock,
  username: string,
  owns: MaySend,
): Promise<Verdict<"reject"> | undefined> {
  for (const address of [...authorsOf(headers), ...senderOf(headers)]) {
    if (!(await owns(username, address))) return notYours(address);
  }
  return undefined;
}

async function mendMessage(event: MessageEvent, rules: Rules): Promise<void> {
  if (!isSubmission(event.session, rules)) return;
  const done = mend(event, { keepBcc: rules.keepBcc, sender: await missingSender(event, rules) });
  if (done.length > 0) event.log.info(`mended: ${done.join(", ")}`); // RFC 6409 §5.2
}

/**
 * What Sender has to be, where it is not: with it, the only author or the Sender is an address of the user (RFC 6409 §8.1),
 * and several authors are never without a Sender (RFC 5322 §3.6.2).
 */
async function missingSender(event: MessageEvent, rules: Rules): Promise<Address | undefined> {
  const { headers } = event.message;
  const { auth } = event.session;
  const authors = authorsOf(headers);
  if (rules.sender !== "add" || auth === undefined || authors.length === 0) return undefined;
  const shown = [...(authors.length === 1 ? authors : []), ...senderOf(headers)];
  const { owns } = rules.senders;
  if (owns === undefined) {
    if (shown.length > 0) return undefined;
  } else {
    for (const address of shown) if (await owns(auth.username, address)) return undefined;
  }
  return ownAddress(event, rules);
}

function senderOf(headers: HeaderBlock): readonly Address[] {
  return parseAddressList(headers.get("Sender") ?? "")?.mailboxes ?? [];
}

/** An address that is the user's, as far as can be known (RFC 6409 §8.1: Sender must be a valid one). */
function ownAddress(
  { session: { auth }, envelope: { sender, parameters } }: TransactionEvent,
  { senders }: Rules,
): Address | undefined {
  if (auth === undefined) return undefined;
  // Where senders are known, that of the envelope has been judged at MAIL
  const judged = senders.owns === undefined || sender.isNull ? undefined : sender;
  const own = senders.addressOf(auth.username) ?? judged;
  // RFC 6531 §3.4: no such address in a message that was not declared so
  return own?.isAscii === true || parameters.has("SMTPUTF8") ? own : undefined;
}
