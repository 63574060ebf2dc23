// Makes what clients and modules said fit for a log: no control characters, bounded, no credentials. Used by every log.

import { isUtf8 } from "node:buffer";
import type { Decision } from "../hooks/report.ts";
import type { SessionInfo } from "../hooks/stages.ts";

// C0, DEL and C1 can steer a terminal; the others reorder or break a line (Unicode TR36 §3.1, TR9)
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;

/** Bounded, on one line, nothing that could steer a terminal. */
export function clean(text: string, longest: number): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replaceAll(unsafe, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Sessions in which an AUTH command went wrong: what follows may be a user name or a password. */
const afterFailedAuth = new WeakSet<SessionInfo>();

/**
 * What a decision was about, without credentials: the arguments of a malformed AUTH, and whatever a client sends after
 * it that is no command (it may believe to be in the exchange), are left out.
 */
export function safeSubject({ stage, subject: bytes, session }: Decision): string {
  const subject = decode(bytes);
  if (stage !== "invalid") return subject;
  const [verb = "", mechanism = ""] = subject.split(" ");
  if (verb === "AUTH") {
    afterFailedAuth.add(session);
    return `AUTH ${/^[A-Za-z0-9-]{1,20}$/.test(mechanism) ? mechanism : ""}`.trimEnd();
  }
  const looksEncoded = /^[A-Z0-9+/]{4,}=*$/i.test(subject) && /[0-9+/=]/.test(subject);
  if (!looksEncoded && !afterFailedAuth.has(session)) return subject;
  return /^(?:EHLO|HELO|MAIL|RCPT|DATA|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS|BDAT)$/.test(verb)
    ? subject
    : `(${subject.length} characters)`;
}

/** Commands come as a character per byte; addresses may be UTF-8 (RFC 6531 §3.3). */
function decode(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return text;
  const bytes = Buffer.from(text, "latin1");
  return isUtf8(bytes) ? bytes.toString() : text;
}

const secretName = /^(?:password|passwd|secret|token|authorization|credentials?|key)$/i;

/** A module's data as JSON of bounded length, values under telling names left out. */
export function safeData(data: Readonly<Record<string, unknown>>, longest: number): string {
  try {
    const text = JSON.stringify(data, (name, value: unknown) => {
      if (secretName.test(name)) return "***";
      return typeof value === "bigint" ? String(value) : value;
    });
    return text.length > longest ? `${text.slice(0, longest)}…` : text;
  } catch {
    return "(not shown: cannot be written as JSON)"; // it holds itself
  }
}

/** The message of something thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
