// What is mended in a submitted message, as edits: fields that are missing are added, those that must not go out are
// removed. Only where the remedy is clear (RFC 6409 §8); the body and all other fields stay as they are.

import type { MessageEvent } from "../../hooks/stages.ts";
import type { Address } from "../../wire/address.ts";
import { formatDate, isDate, isMessageId, makeMessageId } from "./fields.ts";

/** Mends the message; gives what was done, in words for the log. `sender`: what Sender must be, where it must be changed. */
export function mend(
  event: MessageEvent,
  { keepBcc, sender }: { readonly keepBcc: boolean; readonly sender: Address | undefined },
): readonly string[] {
  const { message, edit, clock, session, id } = event;
  const { headers } = message;
  const done: string[] = [];
  const remove = (name: string): void => {
    if (headers.count(name) === 0) return;
    edit.removeHeader(name);
    done.push(`removed ${name}`);
  };
  const set = (name: string, value: string): void => {
    done.push(`${headers.count(name) === 0 ? "added" : "replaced"} ${name}`);
    edit.changeHeader(name, value);
  };

  remove("Return-Path"); // RFC 5321 §4.4: a message that sets out has none
  if (!keepBcc) {
    remove("Bcc"); // RFC 5322 §3.6.3
    remove("Resent-Bcc"); // RFC 5322 §3.6.6
  }
  if (sender !== undefined) set("Sender", String(sender)); // RFC 6409 §8.1
  const date = headers.get("Date");
  if (date === undefined || !isDate(date)) set("Date", formatDate(clock.now())); // RFC 6409 §8.2
  const messageId = headers.get("Message-ID");
  if (messageId === undefined || !isMessageId(messageId)) {
    set("Message-ID", makeMessageId(clock.now(), id, session.hostname)); // RFC 6409 §8.3
  }
  return done;
}
