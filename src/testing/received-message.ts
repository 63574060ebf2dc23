// A message that the server has taken, as tests look at it: envelope, headers, text, bytes. A copy: it stays as
// it is when the session goes on.

import type { AuthInfo, Client, Envelope, Helo, QueueEvent, TlsInfo } from "../hooks/stages.ts";
import { findHeaderEnd, HeaderBlock } from "../wire/header.ts";
import { textOf } from "./message-text.ts";

/** From whom a message came. */
export interface MessageOrigin {
  readonly client: Client;
  readonly helo: Helo | undefined;
  readonly tls: TlsInfo | undefined;
  readonly auth: AuthInfo | undefined;
}

/** A message that the test server has taken. */
export class ReceivedMessage {
  /** The one in `queued as`. */
  readonly id: string;
  /** Sender of the envelope; "" is the null sender. */
  readonly sender: string;
  /** Recipients of the envelope, as the modules left them. */
  readonly recipients: readonly string[];
  /** The same with ESMTP parameters, routes and who accepted. */
  readonly envelope: Envelope;
  readonly origin: MessageOrigin;
  /** Why and by whom the message is to be kept apart. */
  readonly quarantine: { readonly reason: string; readonly module: string } | undefined;
  readonly #raw: Uint8Array | undefined;
  #headers: HeaderBlock | undefined;

  /** `raw` is undefined when no module of the chain reads messages, so that the server kept none. */
  constructor({ id, envelope, session, quarantine }: QueueEvent, raw: Uint8Array | undefined) {
    const { sender, parameters, recipients, dsn, requireTls, priority } = envelope;
    const { deliverBy, holdUntil, soliciting } = envelope;
    this.id = id;
    const asked = { dsn, requireTls, priority, deliverBy, holdUntil, soliciting };
    this.envelope = { sender, parameters, recipients: [...recipients], ...asked };
    this.sender = sender.toString();
    this.recipients = recipients.map(({ address }) => address.toString());
    const { client, helo, tls, auth } = session;
    this.origin = { client, helo, tls, auth };
    this.quarantine = quarantine;
    this.#raw = raw;
  }

  /** All octets, edits made, our Received field on top. Throws when no module of the chain reads messages. */
  get raw(): Uint8Array {
    if (this.#raw !== undefined) return this.#raw;
    const cure = "end the chain with takesAll()";
    throw new Error(
      `The message was not kept, since no module of the chain reads it (content: false); ${cure}`,
    );
  }

  /** The header block, our Received field on top: `headers.text("subject")` is decoded, `headers.get("subject")` is not. */
  get headers(): HeaderBlock {
    const end = findHeaderEnd(this.raw, 0);
    this.#headers ??= new HeaderBlock(end === -1 ? this.raw : this.raw.subarray(0, end - 2));
    return this.#headers;
  }

  /** The Subject field, decoded; "" when there is none. */
  get subject(): string {
    return this.headers.text("subject") ?? "";
  }

  /** The octets after the empty line, undecoded. */
  get body(): Uint8Array {
    const end = findHeaderEnd(this.raw, 0);
    return end === -1 ? new Uint8Array() : this.raw.subarray(end);
  }

  /** The first text/plain part, decoded, lines ending in LF; undefined when there is none. */
  get text(): string | undefined {
    return textOf(this.raw, "text/plain");
  }

  /** The first text/html part, decoded, lines ending in LF; undefined when there is none. */
  get html(): string | undefined {
    return textOf(this.raw, "text/html");
  }
}

/** Copies what a queue hook gets. `kept`: whether the server keeps the message. */
export async function receive(event: QueueEvent, kept: boolean): Promise<ReceivedMessage> {
  return new ReceivedMessage(event, kept ? await event.message.bytes() : undefined);
}
