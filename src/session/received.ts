// The trace field that the server puts on top of each message it takes (RFC 5321 §4.4), and the count of those that are
// there already. Pure.

import type { Session } from "./session.ts";
import type { Transaction } from "./transaction.ts";

/** The Received field with its folds and final CRLF. */
export function receivedField(session: Session, transaction: Transaction, now: number): Buffer {
  const { helo, client, tls, hostname } = session;
  const address = client.family === 6 ? `IPv6:${client.address}` : client.address; // RFC 5321 §4.1.3
  const lines = [
    `Received: from ${safeName(helo?.name ?? "unknown")} (unknown [${address}])`,
    `\tby ${hostname} with ${withKeyword(session, transaction)}${solicited(transaction)} id ${transaction.id}`,
  ];
  // RFC 5321 §7.2: one recipient or none, so that nobody learns of blind copies
  const only = transaction.recipients.length === 1 ? transaction.recipients[0] : undefined;
  // RFC 6531 §3.7.3: no UTF-8 in a trace field unless the message was declared so
  if (only !== undefined && (only.address.isAscii || transaction.smtpUtf8))
    lines.push(`\tfor <${only.address.toString()}>`);
  if (tls !== undefined) lines.push(`\ttls ${tls.cipher}`); // RFC 8314 §4.3; RFC 5321 §4.4: such clauses come last
  const priority = transaction.parameters.get("MT-PRIORITY");
  if (priority !== undefined) lines.push(`\tpriority ${priority}`); // RFC 6710 §4.1, §7: what the client asked for
  return Buffer.from(`${lines.join("\r\n")}; ${formatDate(now)}\r\n`, "utf8");
}

/** RFC 3865 §2.6: the classes as a comment. They may be too long for a line (RFC 5322 §2.1.1), and cannot be folded. */
function solicited({ soliciting }: Transaction): string {
  const classes = soliciting.join(",");
  return classes === "" || classes.length > 500 ? "" : ` (SOLICIT=${classes})`;
}

/** The protocol keyword (RFC 3848, RFC 6531 §3.7.3). */
export function withKeyword(session: Session, transaction: Transaction): string {
  const { helo, tls, auth } = session;
  if (helo?.verb === "HELO") return "SMTP";
  const base = helo?.verb === "LHLO" ? "LMTP" : "ESMTP";
  const name = transaction.smtpUtf8 ? `UTF8${base.replace("ESMTP", "SMTP")}` : base;
  return name + (tls === undefined ? "" : "S") + (auth === undefined ? "" : "A");
}

const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A date-time of RFC 5322 §3.3, in UTC. `now` is milliseconds since the epoch. */
export function formatDate(now: number): string {
  const date = new Date(now);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${dayNames[date.getUTCDay()]}, ${date.getUTCDate()} ${monthNames[date.getUTCMonth()]}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}

// The HELO name has been checked against the grammar; an address literal is written as it came.
function safeName(name: string): string {
  return name.replaceAll(/[^\x21-\x27\x2a-\x7e]/g, "?");
}
