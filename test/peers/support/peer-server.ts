// The server that real clients talk to: the real one, with modules of a few lines that know a user and some recipients
// and collect what is delivered. Mail for maildir.test goes to the shipped maildir module instead.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QueueEvent, Report, ServerModule } from "../../../src/index.ts";
import { accept, defer, queued } from "../../../src/index.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { maildir, recipients } from "../../../src/modules/index.ts";
import type { ListenAddress, Server, ServerOptions } from "../../../src/server/options.ts";
import { createServerReading } from "../../../src/server/server.ts";
import { certFile, keyFile, password, username } from "./fixtures.ts";

/** A message that the server has taken. */
export interface Delivered {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Parameters of MAIL: `BODY=8BITMIME`, `SMTPUTF8`; without SIZE, which not every client sends. */
  readonly parameters: readonly string[];
  /** Octets as declared with SIZE. */
  readonly declaredSize: number | undefined;
  /** The keyword of our Received field (RFC 3848); empty for a notification that the server made. */
  readonly protocol: string;
  /** What follows our Received field. */
  readonly content: Buffer;
  readonly tlsVersion: string | undefined;
  readonly serverName: string | undefined;
  readonly authenticated: string | undefined;
}

/** What a message in a Maildir begins with, and the message. */
export interface MaildirMessage {
  readonly returnPath: string;
  readonly deliveredTo: string;
  readonly protocol: string;
  readonly content: Buffer;
}

/** Recipients that exist. */
export const known = ["anna@example.test", "bert@example.test", "δοκιμή@example.test", "joe@maildir.test"];
/** A domain with any local part. */
export const openDomain = "bulk.test";
/** Octets of the longest message. */
export const maxMessageBytes = 100_000;

const user: ServerModule = {
  name: "user",
  auth: (event) => (event.username === username && event.password === password ? accept() : undefined),
};

/** An address that is refused for now. */
const busy: ServerModule = {
  name: "busy",
  rcpt: ({ recipient }) =>
    recipient.key === "busy@example.test" ? defer("4.2.1", "Mailbox busy, try later") : undefined,
};

export class PeerServer implements AsyncDisposable {
  readonly server: Server;
  /** Ports with STARTTLS, with implicit TLS, and without any TLS. */
  readonly ports: { readonly starttls: number; readonly implicit: number; readonly off: number };
  /** Of all listeners, in the order of `listen`. */
  readonly addresses: readonly ListenAddress[];
  readonly reports: Report[];
  readonly #messages: Delivered[];
  /** A scratch folder that goes with the server. */
  readonly folder: string;

  private constructor(
    server: Server,
    addresses: readonly ListenAddress[],
    messages: Delivered[],
    reports: Report[],
    folder: string,
  ) {
    const portOf = (tls: string): number => addresses.find((address) => address.tls === tls)?.port ?? 0;
    this.server = server;
    this.addresses = addresses;
    this.ports = { starttls: portOf("starttls"), implicit: portOf("implicit"), off: portOf("off") };
    this.reports = reports;
    this.#messages = messages;
    this.folder = folder;
  }

  /** Starts a server; `options` replace the standard ones, `more` are further modules. */
  static async start(
    options: Partial<ServerOptions> = {},
    readMode: ReadMode = "shared",
    more: readonly ServerModule[] = [],
  ): Promise<PeerServer> {
    const messages: Delivered[] = [];
    const reports: Report[] = [];
    const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-peer-"));
    const server = createServerReading(
      {
        hostname: "mx.example.test",
        listen: [
          { port: 0, tls: "starttls" },
          { port: 0, tls: "implicit" },
          { port: 0, tls: "off" },
        ],
        tls: { certFile, keyFile },
        limits: { messageBytes: maxMessageBytes, authFailureDelayMs: 0 },
        modules: [
          user,
          busy,
          recipients({ list: known, domains: [openDomain] }),
          ...more,
          collector(messages),
          maildir({ path: join(folder, "mail") }),
        ],
        observers: [(report) => reports.push(report)],
        ...options,
      },
      readMode,
    );
    return new PeerServer(server, await server.listen(), messages, reports, folder);
  }

  /** The messages that came since the last call. */
  take(): Delivered[] {
    return this.#messages.splice(0);
  }

  /** The one message that came since the last call. */
  takeOne(): Delivered {
    const [message, ...more] = this.take();
    assert.ok(message !== undefined, "no message came");
    assert.equal(more.length, 0, "more than one message came");
    return message;
  }

  /** The one message in the Maildir, which is emptied. */
  async takeFromMaildir(): Promise<MaildirMessage> {
    const path = join(this.folder, "mail/new");
    const [name = "", ...more] = await readdir(path);
    assert.equal(more.length, 0, "more than one message in the Maildir");
    const bytes = await readFile(join(path, name));
    await rm(join(path, name));
    const [returnPath, afterReturnPath] = cutField(bytes, "Return-Path");
    const [deliveredTo, afterDeliveredTo] = cutField(afterReturnPath, "Delivered-To");
    const [received, content] = cutField(afterDeliveredTo, "Received");
    return { returnPath, deliveredTo, protocol: protocolOf(received), content };
  }

  /** Replies that the server gave since the last call, one line each. */
  takeReplies(): string[] {
    return this.reports
      .splice(0)
      .flatMap((report) => (report.type === "decision" || report.type === "limit" ? [report.reply] : []))
      .filter((reply) => reply !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 1_000 });
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Keeps every message in memory except those for maildir.test. */
function collector(messages: Delivered[]): ServerModule {
  return {
    name: "collector",
    queue: async (event) => {
      if (event.envelope.recipients.some(({ address }) => address.domainKey === "maildir.test")) return;
      messages.push(await deliveredBy(event));
      return queued();
    },
  };
}

async function deliveredBy({ envelope, message, session }: QueueEvent): Promise<Delivered> {
  const bytes = Buffer.from(await message.bytes());
  // A notification of the server's own has not been received
  const own = envelope.sender.isNull && !bytes.subarray(0, 9).equals(Buffer.from("Received:"));
  const [received, content] = own ? [undefined, bytes] : cutField(bytes, "Received");
  const { parameters } = envelope;
  const size = parameters.get("SIZE");
  return {
    sender: envelope.sender.toString(),
    recipients: envelope.recipients.map(({ address }) => address.toString()),
    parameters: [...parameters]
      .filter(([name]) => name !== "SIZE" && name !== "AUTH")
      .map(([name, value]) => (value === undefined ? name : `${name}=${value}`))
      .toSorted(),
    declaredSize: size === undefined ? undefined : Number(size),
    protocol: received === undefined ? "" : protocolOf(received),
    content,
    tlsVersion: session.tls?.version,
    serverName: session.tls?.serverName,
    authenticated: session.auth && `${session.auth.mechanism} ${session.auth.username}`,
  };
}

/** Value of the field on top, and what comes after it. */
export function cutField(bytes: Buffer, name: string): [value: string, rest: Buffer] {
  const found = new RegExp(`^${name}: (.*?)\\r\\n(?![ \\t])`, "s").exec(bytes.toString("latin1"));
  assert.ok(found !== null, `${name} is not on top of ${bytes.toString("latin1", 0, 200)}`);
  return [found[1] ?? "", bytes.subarray(found[0].length)];
}

function protocolOf(received: string): string {
  const pattern =
    /^from \S+ \(unknown \[127\.0\.0\.1\]\)\s+by mx\.example\.test with (\S+) id [A-Z0-9]+[\s;]/;
  const found = pattern.exec(received);
  assert.ok(found !== null, received);
  return found[1] ?? "";
}
