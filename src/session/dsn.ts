// The delivery status notification for recipients that refused a message which the others got (RFC 3464, RFC 6522).
// Makes the message; who carries it is for the queue hooks. Never made for a null sender (RFC 3461 §6.1).

import { sanitize } from "../wire/reply.ts";
import { formatDate } from "./received.ts";
import type { RefusedRecipient, Transaction } from "./transaction.ts";

export interface DsnFacts {
  /** Own name: Reporting-MTA. */
  readonly hostname: string;
  readonly transaction: Transaction;
  readonly refused: readonly RefusedRecipient[];
  /** Header block of the message, without the empty line. */
  readonly headers: Uint8Array;
  /** Id of the notification itself. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A whole message, CRLF line ends, from the first header to the end. */
export function makeDsn({ hostname, transaction, refused, headers, id, now }: DsnFacts): Buffer {
  const boundary = `=_${id}_dsn`;
  const reasons = refused.map((one) => `  <${String(one.recipient.address)}>: ${textOf(one)}`);
  const head = [
    `Date: ${formatDate(now)}`,
    `From: Mail Delivery System <postmaster@${hostname}>`,
    `To: <${String(transaction.sender)}>`,
    "Subject: Undelivered mail returned to sender",
    `Message-ID: <${id}@${hostname}>`,
    "Auto-Submitted: auto-replied", // RFC 3834 §5
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`, // RFC 6522 §3
    "",
    `--${boundary}`,
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    `This is the mail system at ${hostname}.`,
    "Your message was not delivered to these recipients; all others have got it.",
    "",
    ...reasons,
    "",
    `--${boundary}`,
    "Content-Type: message/delivery-status",
    "",
    `Reporting-MTA: dns; ${hostname}`, // RFC 3464 §2.2.2
    ...envelopeId(transaction),
    `Arrival-Date: ${formatDate(now)}`,
    "",
    ...refused.flatMap((one) => [
      `Final-Recipient: rfc822; ${String(one.recipient.address)}`, // RFC 3464 §2.3.2
      "Action: failed",
      `Status: 5${(one.verdict.enhanced ?? "5.0.0").slice(1)}`, // RFC 3464 §2.3.4
      `Diagnostic-Code: smtp; ${textOf(one)}`,
      "",
    ]),
    `--${boundary}`,
    "Content-Type: text/rfc822-headers", // RFC 6522 §4
    "Content-Transfer-Encoding: 8bit",
    "",
    "",
  ];
  const body = [Buffer.from(head.join("\r\n"), "utf8"), headers, Buffer.from(`\r\n--${boundary}--\r\n`)];
  return Buffer.concat(body);
}

/** ENVID comes back to the sender (RFC 3464 §2.2.1). */
function envelopeId(transaction: Transaction): string[] {
  const id = transaction.parameters.get("ENVID");
  return id === undefined ? [] : [`Original-Envelope-Id: ${sanitize(id)}`];
}

function textOf({ verdict }: RefusedRecipient): string {
  const { enhanced = "", text = "" } = verdict;
  return sanitize(`${enhanced} ${typeof text === "string" ? text : text.join(" ")}`.trim());
}
