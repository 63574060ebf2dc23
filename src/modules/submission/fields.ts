// What the message format says of Date and Message-ID: whether a value is one, and new ones (RFC 5322 §3.3, §3.6.4).
// Clock and ids are the caller's.

import { withoutComments } from "./comments.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const dateTime = new RegExp(
  "^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ?, ?)?" +
    `(\\d{1,2}) ?(${months.join("|")}) ?(\\d{2,}) ` + // RFC 5322 §4.3: years of two and three digits
    "(\\d\\d) ?: ?(\\d\\d)(?: ?: ?(\\d\\d))? ?" +
    "(?:[+-]\\d\\d[0-5]\\d|UT|GMT|[ECMP][SD]T|[A-IK-Z])$", // RFC 5322 §4.3: zones by name
  "i",
);

/** Whether the value of a Date field is one (RFC 5322 §3.3, §4.3). Does not compare the day of the week. */
export function isDate(value: string): boolean {
  const match = dateTime.exec(
    withoutComments(value)
      ?.trim()
      .replaceAll(/[ \t]+/g, " ") ?? "",
  );
  if (match === null) return false;
  const [, day, month = "", , hour, minute, second = "0"] = match;
  const last = monthDays[months.findIndex((name) => name.toLowerCase() === month.toLowerCase())] ?? 0;
  // RFC 5322 §3.3: 60 is a leap second
  return (
    Number(day) >= 1 &&
    Number(day) <= last &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 60
  );
}

/** A Date in UTC, as RFC 5322 §3.3 wants it. `now`: milliseconds since the epoch. */
export function formatDate(now: number): string {
  return new Date(now).toUTCString().replace("GMT", "+0000"); // "GMT" is obsolete (RFC 5322 §4.3)
}

const atoms = '[^\\0- "(),.:;<>@[\\\\\\]\\x7f]+';
const dotAtom = `${atoms}(?:\\.${atoms})*`;
// RFC 5322 §3.6.4; §4.5.4: the left side may be a quoted string, which some old clients send
const messageId = new RegExp(
  `^<(?:${dotAtom}|"(?:[^"\\\\\\0-\\x1f]|\\\\[^\\0-\\x1f])*")@(?:${dotAtom}|\\[[^[\\]\\\\\\0- ]*\\])>$`,
);

/** Whether the value of a Message-ID field is one (RFC 5322 §3.6.4, widened by RFC 6532 §3.3). */
export function isMessageId(value: string): boolean {
  return messageId.test(withoutComments(value)?.trim() ?? "");
}

/**
 * A Message-ID that no other message has (RFC 5322 §3.6.4): `id` is unique on this machine for a while, the time makes it so
 * for good, the host name everywhere.
 */
export function makeMessageId(now: number, id: string, hostname: string): string {
  return `<${Math.trunc(now).toString(36)}.${id}@${hostname}>`;
}
