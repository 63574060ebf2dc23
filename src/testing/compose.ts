// A message from the few things a test wants to say about it, and message data as it goes on the wire. Pure.

import { formatDate } from "../session/received.ts";
import { formatHeader } from "../wire/header.ts";

export interface MessageParts {
  /** Fields in order, beside or instead of the usual ones (From, To, Subject, Date, Message-ID); undefined: without. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The body; each line end becomes CRLF. Default `Hello.` and a line end. */
  readonly text?: string;
}

/** A message with the usual fields. Throws TypeError when a header name is none, or a value holds another field. */
export function composeMessage(
  { headers = {}, text = "Hello.\n" }: MessageParts,
  usual: { readonly sender: string; readonly recipients: readonly string[]; readonly now: number },
): Buffer {
  const fields = new Map<string, { name: string; value: string | undefined }>();
  const set = (name: string, value: string | undefined): void => {
    fields.set(name.toLowerCase(), { name, value });
  };
  set("From", usual.sender === "" ? "MAILER-DAEMON@client.test" : usual.sender);
  set("To", usual.recipients.join(", "));
  set("Subject", "Test");
  set("Date", formatDate(usual.now));
  set("Message-ID", `<${usual.now}@client.test>`);
  for (const [name, value] of Object.entries(headers)) set(name, value);
  const lines = [...fields.values()].flatMap(({ name, value }) =>
    value === undefined ? [] : [formatHeader(name, value)],
  );
  return Buffer.concat([...lines, Buffer.from(`\r\n${withCrlf(text)}`)]);
}

/** The octets between 354 and the reply: dots doubled, the final dot added (RFC 5321 §4.5.2, §4.1.1.4). */
export function toWire(data: string | Uint8Array): Buffer {
  const text = Buffer.from(typeof data === "string" ? withCrlf(data) : data).toString("latin1");
  const stuffed = text.replaceAll(/(^|\r\n)\./g, "$1..");
  const end = stuffed === "" || stuffed.endsWith("\r\n") ? ".\r\n" : "\r\n.\r\n";
  return Buffer.from(stuffed + end, "latin1");
}

function withCrlf(text: string): string {
  return text.replaceAll(/\r?\n/g, "\r\n");
}
