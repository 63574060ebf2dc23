// The delivery status notification for recipients that refused a message which the others got (RFC 3464, RFC 6522; RFC 6533
// where the message is SMTPUTF8). Makes the message; who carries it is for the queue hooks. Never made for a null sender
// (RFC 3461 §6.1), nor for recipients whose NOTIFY does not want it.

import type { Notify, Recipient } from "../hooks/stages.ts";
import { stageRow } from "../hooks/table.ts";
import type { Address } from "../wire/address.ts";
import { formatOriginalRecipient } from "../wire/dsn-params.ts";
import { sanitize } from "../wire/reply.ts";
import { StoredMessage } from "./content.ts";
import type { KeptOrNot } from "./content.ts";
import { formatDate } from "./received.ts";
import type { RefusedRecipient, Transaction } from "./transaction.ts";

export interface DsnFacts {
  /** Own name: Reporting-MTA. */
  readonly hostname: string;
  readonly transaction: Transaction;
  /** Those of whom the sender wants to hear. */
  readonly refused: readonly RefusedRecipient[];
  /** What comes back: its headers, or all of it where the sender asked for that. */
  readonly message: KeptOrNot;
  /** Id of the notification itself. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Characters of a reason, so that its line keeps to the 998 of RFC 5322 §2.1.1. */
const longestReason = 900;

/** Whether a failure is to be told (RFC 3461 §4.1). */
export function wantsFailures(notify: Notify | undefined): boolean {
  return notify === undefined || (typeof notify !== "string" && notify.includes("failure"));
}

/** A whole message with CRLF line ends. It reads the one that was refused when it is read itself. */
export function makeDsn(facts: DsnFacts): StoredMessage {
  const { hostname, transaction, id, now } = facts;
  const boundary = `=_${id}_dsn`;
  const returned = returnedPart(facts);
  const fields = [
    `Date: ${formatDate(now)}`,
    `From: Mail Delivery System <postmaster@${hostname}>`,
    `To: <${String(transaction.sender)}>`,
    "Subject: Undelivered mail returned to sender",
    `Message-ID: <${id}@${hostname}>`,
    "Auto-Submitted: auto-replied", // RFC 3834 §5
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`, // RFC 6522 §3
    `Content-Transfer-Encoding: ${returned.encoding}`,
    "",
  ];
  const parts = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ...explanation(facts),
    `--${boundary}`,
    `Content-Type: message/${transaction.smtpUtf8 ? "global-delivery-status" : "delivery-status"}`, // RFC 6533 §4
    ...(transaction.smtpUtf8 ? ["Content-Transfer-Encoding: 8bit"] : []),
    "",
    ...status(facts),
    `--${boundary}`,
    `Content-Type: ${returned.type}`,
    `Content-Transfer-Encoding: ${returned.encoding}`,
    "",
    "",
  ];
  const body = around(Buffer.from(parts.join("\r\n")), returned, Buffer.from(`\r\n--${boundary}--\r\n`));
  return new StoredMessage(Buffer.from(fields.join("\r\n")), body, true);
}

function explanation({ hostname, refused }: DsnFacts): string[] {
  return [
    `This is the mail system at ${hostname}.`,
    "Your message was not delivered to these recipients; all others have got it.",
    "",
    ...refused.map((one) => `  <${String(one.recipient.address)}>: ${reasonOf(one)}`),
    "",
  ];
}

/** RFC 3464 §2.2, §2.3: fields of the message, then those of each recipient. */
function status({ hostname, transaction, refused, now }: DsnFacts): string[] {
  const { smtpUtf8, dsn, deliverBy } = transaction;
  return [
    ...(dsn.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${sanitize(dsn.envelopeId)}`]), // RFC 3464 §2.2.1
    `Reporting-MTA: dns; ${hostname}`, // RFC 3464 §2.2.2
    `Arrival-Date: ${formatDate(now)}`, // RFC 3464 §2.2.5
    ...(deliverBy === undefined ? [] : [`Deliver-By-Date: ${formatDate(deliverBy.by)}`]), // RFC 2852 §5
    ...holdRequest(transaction),
    "",
    ...refused.flatMap((one) => [
      ...originalRecipient(one.recipient, smtpUtf8),
      `Final-Recipient: ${typedAddress(one.recipient.address, smtpUtf8)}`, // RFC 3464 §2.3.2
      "Action: failed",
      `Status: 5${(one.verdict.enhanced ?? "5.0.0").slice(1)}`, // RFC 3464 §2.3.4
      `Diagnostic-Code: smtp; ${one.verdict.code ?? stageRow("message").reject} ${reasonOf(one)}`, // RFC 3464 §2.3.6
      "",
    ]),
  ];
}

/** RFC 4865 §5.1.2: the value of the parameter as it came. */
function holdRequest({ parameters }: Transaction): string[] {
  const seconds = parameters.get("HOLDFOR");
  const until = parameters.get("HOLDUNTIL");
  if (seconds !== undefined) return [`Future-Release-Request: for;${seconds}`];
  return until === undefined ? [] : [`Future-Release-Request: until;${until}`];
}

/** RFC 3464 §2.3.1: as ORCPT gave it, without its xtext; type utf-8 in the forms of RFC 6533 §3. */
function originalRecipient({ dsn }: Recipient, utf8: boolean): string[] {
  const original = dsn.originalRecipient;
  if (original === undefined) return [];
  const { type, address } = original;
  const text =
    type === "utf-8" ? formatOriginalRecipient(original, { utf8 }) : `${type};${sanitize(address)}`;
  return [`Original-Recipient: ${text.replace(";", "; ")}`];
}

function typedAddress(address: Address, utf8: boolean): string {
  if (address.isAscii) return `rfc822; ${String(address)}`;
  const text = formatOriginalRecipient({ type: "utf-8", address: String(address) }, { utf8 });
  return text.replace(";", "; ");
}

function reasonOf({ verdict }: RefusedRecipient): string {
  const { enhanced = "", text = "" } = verdict;
  const reason = `${enhanced} ${typeof text === "string" ? text : text.join(" ")}`.trim();
  return sanitize(reason).slice(0, longestReason);
}

// ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────

interface ReturnedPart {
  readonly type: string;
  readonly encoding: "8bit" | "binary";
  readonly size: number;
  readonly read: () => AsyncIterable<Uint8Array>;
}

function returnedPart({ transaction, message }: DsnFacts): ReturnedPart {
  const { dsn, requireTls, smtpUtf8, bodyType } = transaction;
  // RFC 3461 §4.3: all of it only on demand; RFC 8689 §5: never where REQUIRETLS guards it
  if (message instanceof StoredMessage && dsn.return === "full" && !requireTls) {
    return {
      type: smtpUtf8 ? "message/global" : "message/rfc822", // RFC 6532 §3.7
      encoding: bodyType === "BINARYMIME" ? "binary" : "8bit",
      size: message.size,
      read: () => message.stream(),
    };
  }
  const headers = message instanceof StoredMessage ? message.headers.bytes : Buffer.alloc(0);
  return {
    type: smtpUtf8 ? "message/global-headers" : "text/rfc822-headers", // RFC 6533 §5, RFC 6522 §4
    encoding: "8bit",
    size: headers.length,
    read: () => each(headers),
  };
}

function around(
  before: Uint8Array,
  part: ReturnedPart,
  after: Uint8Array,
): { readonly size: number; read(): AsyncIterable<Uint8Array> } {
  return {
    size: before.length + part.size + after.length,
    async *read() {
      yield before;
      yield* part.read();
      yield after;
    },
  };
}

async function* each(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* chunks;
}
