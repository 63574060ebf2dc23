// A whole transaction over a dialogue, as a well-behaved client does it: each command waits for its reply, and the client
// stops where nothing is left to send. What came of it is one result.

import type { Facts } from "../hooks/facts.ts";
import type { LogReport, ModuleFault } from "../hooks/report.ts";
import type { EditRecord } from "../hooks/stages.ts";
import { composeMessage } from "./compose.ts";
import type { MessageParts } from "./compose.ts";
import { explainDecisions, explainFault } from "./explain.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { silence } from "./reply.ts";
import type { Reply } from "./reply.ts";
import type { SessionRecord, StageDecision } from "./watch.ts";

/** What `mail()` sends; all parts have defaults. */
export interface MailOptions extends MessageParts {
  /** Name in EHLO, which is sent when the session has none yet; default `client.test`. */
  readonly helo?: string;
  /**
   * Sender; "" is the null sender. What begins with `<` is sent as it is, so parameters fit in:
   * `<anna@client.test> SIZE=1000`. Default `sender@client.test`.
   */
  readonly from?: string;
  /** Recipient or recipients, in the same forms; default `user@example.test`. */
  readonly to?: string | readonly string[];
  /**
   * The whole message instead of `headers` and `text`. A string is UTF-8 and gets CRLF at each line end; bytes are sent
   * as they are. Dots are doubled in both.
   */
  readonly data?: string | Uint8Array;
}

/** What came of a transaction. */
export interface MailResult {
  /** The reply that ended it: to the message, or to the command at which it ended. */
  readonly reply: Reply;
  /** All replies to the message: one; for each accepted recipient one in LMTP, and one more around those with PRDR. */
  readonly each: readonly Reply[];
  readonly mail: Reply | undefined;
  /** In the order of `to`. */
  readonly rcpt: readonly Reply[];
  readonly data: Reply | undefined;
  /** Recipients that were answered 2xx, as they were given. */
  readonly accepted: readonly string[];
  /** The message as a module has taken it; undefined when none has. */
  readonly delivered: ReceivedMessage | undefined;
  /** What the server itself sent on the way: notifications to the sender, taken by a module too (`mixedVerdicts`). */
  readonly notifications: readonly ReceivedMessage[];
  readonly edits: readonly EditRecord[];
  /** Those of the transaction and of its session. */
  readonly facts: Facts;
  /** Each stage that was passed, in order: verdict, who decided, milliseconds. */
  readonly decisions: readonly StageDecision[];
  /** Only with `faults: "collect"`. */
  readonly faults: readonly ModuleFault[];
  /** What modules logged. */
  readonly log: readonly Pick<LogReport, "module" | "stage" | "level" | "message" | "data">[];
  /** The decisions and faults in lines, for people. */
  explain(): string;
}

/** What a transaction needs of its dialogue. */
export interface MailTalk {
  readonly greeting: Reply;
  readonly record: SessionRecord;
  /** Those of the session. */
  readonly facts: Facts;
  /** Where the session stands. */
  closed(): boolean;
  hasHelo(): boolean;
  inTransaction(): boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  command(line: string): Promise<Reply>;
  /** All replies to a message: several in LMTP and with PRDR. */
  message(data: string | Uint8Array): Promise<readonly Reply[]>;
  /** `EHLO`, or `LHLO` in LMTP. */
  readonly hello: string;
}

interface Replies {
  reply: Reply;
  mail: Reply | undefined;
  data: Reply | undefined;
  readonly rcpt: Reply[];
  readonly accepted: string[];
  each: readonly Reply[];
}

/** Does the transaction; what is left open at its end is reset. */
export async function runMail(talk: MailTalk, options: MailOptions): Promise<MailResult> {
  const { record } = talk;
  const { decisions, edits, faults, log, messages } = record;
  const from = [decisions.length, edits.length, faults.length, log.length, messages.length] as const;
  const transactionBefore = record.transaction;
  const replies: Replies = {
    reply: talk.greeting,
    mail: undefined,
    data: undefined,
    rcpt: [],
    accepted: [],
    each: [],
  };
  await exchange(talk, options, replies);
  // A MAIL that was refused for its syntax began none
  const transaction = record.transaction === transactionBefore ? undefined : record.transaction;
  const taken = messages.slice(from[4]);
  const result = {
    ...replies,
    decisions: decisions.slice(from[0]),
    edits: edits.slice(from[1]),
    faults: faults.slice(from[2]),
    log: log.slice(from[3]),
    delivered: taken.find(({ id }) => id === transaction?.id),
    notifications: taken.filter(({ id }) => id !== transaction?.id),
    facts: (transaction ?? talk).facts,
  };
  if (talk.inTransaction() && !talk.closed()) await talk.command("RSET");
  const explain = (): string =>
    [explainDecisions(result.decisions), ...result.faults.map(explainFault)].filter(Boolean).join("\n");
  return { ...result, explain };
}

async function exchange(talk: MailTalk, options: MailOptions, replies: Replies): Promise<void> {
  const { from = "sender@client.test", to = "user@example.test", helo = "client.test" } = options;
  const recipients = typeof to === "string" ? [to] : to;
  const goesOn = (reply: Reply, hundreds: number): boolean => {
    replies.reply = reply;
    return Math.floor(reply.code / 100) === hundreds && !talk.closed();
  };
  if (!goesOn(talk.greeting, 2)) return;
  if (!talk.hasHelo() && !goesOn(await talk.command(`${talk.hello} ${helo}`), 2)) return;
  replies.mail = await talk.command(`MAIL FROM:${pathOf(from)}`);
  if (!goesOn(replies.mail, 2)) return;
  for (const recipient of recipients) {
    const reply = await talk.command(`RCPT TO:${pathOf(recipient)}`);
    replies.rcpt.push(reply);
    if (goesOn(reply, 2)) replies.accepted.push(recipient);
    if (talk.closed()) return;
  }
  if (replies.accepted.length === 0) return;
  replies.data = await talk.command("DATA");
  if (!goesOn(replies.data, 3)) return;
  const usual = { sender: addressOf(from), recipients: recipients.map(addressOf), now: talk.now() };
  replies.each = await talk.message(options.data ?? composeMessage(options, usual));
  replies.reply = replies.each.at(-1) ?? silence("the message");
}

function pathOf(address: string): string {
  return address.startsWith("<") ? address : `<${address}>`;
}

function addressOf(given: string): string {
  return /^<([^>]*)>/.exec(given)?.[1] ?? given;
}
