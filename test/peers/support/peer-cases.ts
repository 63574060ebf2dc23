// The cases that every real client goes through: each way to connect and log in, each message byte for byte, each
// refusal. A client is a function that sends one message, and what it says of success and of each refusal.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixture, password } from "./fixtures.ts";
import type { Fixture, MessageName } from "./fixtures.ts";
import { maxMessageBytes, PeerServer } from "./peer-server.ts";

export interface Way {
  readonly security: "none" | "starttls" | "implicit";
  readonly mechanism?: "PLAIN" | "LOGIN";
}

/** One message to send. */
export interface Sending extends Way {
  readonly port: number;
  readonly password: string;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly message: Fixture;
}

/** What a client said: its exit code or error, and its output. */
export interface Outcome {
  readonly status: string;
  readonly output: string;
}

/** What the client says when the server refuses, or when it will not go on itself. */
export interface Refusals {
  /** 550 for the only recipient. */
  readonly recipient: string;
  /** 550 5.7.1, where the client tells the codes apart. */
  readonly elsewhere?: string;
  /** 550 for one of three recipients; the others are accepted. */
  readonly someRecipients: string;
  /** Whether the two others get the message. */
  readonly someRecipientsDelivered: boolean;
  /** 535 to AUTH. */
  readonly password: string;
  /** AUTH wanted, but not offered without TLS; undefined: the client sends the message without it. */
  readonly withoutAuth: string | undefined;
  /** STARTTLS demanded, but not offered. */
  readonly withoutTls: string;
  /** 552 to MAIL or to the final dot. */
  readonly tooLarge: string;
}

export interface Peer {
  readonly name: string;
  /** Why the client cannot be tested here, for this way; undefined when it can. */
  readonly unavailable: (way: Way) => string | undefined;
  /** The versions seen, for the log. */
  readonly version: () => Promise<string>;
  readonly send: (sending: Sending) => Promise<Outcome>;
  readonly sent: string;
  readonly refused: Refusals;
  /** Whether the client declares SMTPUTF8; one that does not is refused. What it then says is `utf8Refused`. */
  readonly utf8: boolean;
  readonly utf8Refused?: string;
  /** Whether the client declares the size of a message (RFC 1870 §5). */
  readonly size: boolean;
  /** Whether the client declares an 8-bit body. */
  readonly eightBit: boolean;
  /** Whether the client compares the message with the limit of EHLO by itself (RFC 1870 §6.1). */
  readonly keepsToSize?: boolean;
  /** The message without what the client is documented to add to it. */
  readonly normalize?: (content: Buffer) => Buffer;
  readonly start?: (server: PeerServer) => Promise<void>;
  readonly stop?: () => Promise<void>;
}

interface WayCase extends Way {
  /** The keyword of our Received field (RFC 3848). */
  readonly protocol: string;
}

const ways: readonly WayCase[] = [
  { security: "none", protocol: "ESMTP" },
  { security: "starttls", protocol: "ESMTPS" },
  { security: "implicit", protocol: "ESMTPS" },
  { security: "starttls", mechanism: "PLAIN", protocol: "ESMTPSA" },
  { security: "starttls", mechanism: "LOGIN", protocol: "ESMTPSA" },
  { security: "implicit", mechanism: "PLAIN", protocol: "ESMTPSA" },
  { security: "implicit", mechanism: "LOGIN", protocol: "ESMTPSA" },
];

const layerNames = { none: "without TLS", starttls: "after STARTTLS", implicit: "with implicit TLS" };

const messages: readonly (readonly [MessageName, string])[] = [
  ["plain", "plain text"],
  ["empty-body", "an empty body"],
  ["dots", "lines that begin with dots (RFC 5321 §4.5.2)"],
  ["eight-bit", "octets with the eighth bit (RFC 6152)"],
  ["long-lines", "lines of 998 octets (RFC 5322 §2.1.1)"],
  ["attachment", "an attachment"],
];

/** The sender of messages to where no TLS is offered. */
export const noTlsSender = "no-tls@sender.test";
const utf8Recipient = "δοκιμή@example.test";

export function utf8SenderOf({ security }: Way): string {
  return `dörte-${security}@sender.test`;
}

/** Compares; a failure shows the first line that differs. */
export function assertSameBytes(actual: Buffer, expected: Buffer): void {
  if (actual.equals(expected)) return;
  const found = actual.toString("latin1").split("\n");
  const wanted = expected.toString("latin1").split("\n");
  const index = wanted.findIndex((line, at) => line !== found[at]);
  const at = index === -1 ? wanted.length : index;
  assert.equal(JSON.stringify(found[at]), JSON.stringify(wanted[at]), `line ${at + 1} differs`);
}

/** The sender names the way, so that a client that is configured by sender knows it. */
export function senderOf({ security, mechanism }: Way, wrong = false): string {
  const login = mechanism === undefined ? "" : `-${mechanism.toLowerCase()}`;
  return `${security}${login}${wrong ? "-wrong" : ""}@sender.test`;
}

/** Registers the cases of a client in one suite with one server; `more` adds those of its own. */
export function testPeer(peer: Peer, more: (suite: Suite) => void = () => undefined): void {
  describe(peer.name, () => {
    let running: PeerServer | undefined;
    const server = (): PeerServer => {
      assert.ok(running !== undefined);
      return running;
    };

    before(async () => {
      running = await PeerServer.start();
      if (peer.unavailable({ security: "none" }) === undefined) await peer.start?.(running);
    });

    after(async () => {
      await peer.stop?.();
      await running?.[Symbol.asyncDispose]();
    });

    const check: Check = (name, way, body) => {
      test(name, async (t) => {
        const reason = peer.unavailable(way);
        if (reason !== undefined) {
          t.skip(reason);
          return;
        }
        server().take();
        server().takeReplies();
        await body(t, (what) => peer.send(sendingFor(server(), way, what)));
      });
    };

    check("says its version", { security: "none" }, async (t) => t.diagnostic(await peer.version()));
    deliveries(peer, check, server);
    refusals(peer, check, server);
    more({ check, server, sendingFor: (way, what) => sendingFor(server(), way, what) });
  });
}

type Send = (what?: Partial<Sending>) => Promise<Outcome>;

/** Registers one test; it is skipped where the client cannot go that way. */
export type Check = (name: string, way: Way, body: (t: TestContext, send: Send) => Promise<void>) => void;

/** What the tests of a client's own get. */
export interface Suite {
  readonly check: Check;
  readonly server: () => PeerServer;
  /** A message of the standard kind, with `what` instead. */
  readonly sendingFor: (way: Way, what?: Partial<Sending>) => Sending;
}

function sendingFor(server: PeerServer, way: Way, what: Partial<Sending> = {}): Sending {
  const { ports } = server;
  return {
    ...way,
    port: way.security === "implicit" ? ports.implicit : ports.starttls,
    password,
    sender: senderOf(way),
    recipients: ["anna@example.test"],
    message: fixture("plain"),
    ...what,
  };
}

function deliveries(peer: Peer, check: Check, server: () => PeerServer): void {
  const normalize = peer.normalize ?? ((content: Buffer): Buffer => content);

  for (const { protocol, ...way } of ways) {
    const login = way.mechanism === undefined ? "" : ` and AUTH ${way.mechanism}`;
    check(`delivers ${layerNames[way.security]}${login} as ${protocol} (RFC 3848)`, way, async (_, send) => {
      const { status, output } = await send();
      assert.equal(status, peer.sent, output);
      const delivered = server().takeOne();
      assert.equal(delivered.protocol, protocol);
      assert.equal(delivered.sender, senderOf(way));
      assert.deepEqual(delivered.recipients, ["anna@example.test"]);
      assert.equal(delivered.authenticated, way.mechanism && `${way.mechanism} tim`);
      assertSameBytes(normalize(delivered.content), fixture("plain").bytes);
    });
  }

  for (const [name, what] of messages) {
    for (const security of ["none", "starttls"] as const) {
      check(`delivers ${what} byte for byte ${layerNames[security]}`, { security }, async (_, send) => {
        const message = fixture(name);
        const { status, output } = await send({ message });
        assert.equal(status, peer.sent, output);
        const delivered = server().takeOne();
        assertSameBytes(normalize(delivered.content), message.bytes);
        assert.equal(delivered.declaredSize !== undefined, peer.size);
        const declared = name === "eight-bit" && peer.eightBit ? ["BODY=8BITMIME"] : [];
        assert.deepEqual(
          delivered.parameters.filter((parameter) => parameter !== "BODY=7BIT"),
          declared,
        );
      });
    }
  }

  check("delivers to several recipients", { security: "starttls" }, async (_, send) => {
    const recipients = ["anna@example.test", "bert@example.test"];
    const { status, output } = await send({ recipients });
    assert.equal(status, peer.sent, output);
    assert.deepEqual(server().takeOne().recipients, recipients);
  });

  check("delivers into a Maildir byte for byte", { security: "starttls" }, async (_, send) => {
    const message = fixture("dots");
    const { status, output } = await send({ recipients: ["joe@maildir.test"], message });
    assert.equal(status, peer.sent, output);
    const kept = await server().takeFromMaildir();
    assert.equal(kept.returnPath, "<starttls@sender.test>");
    assert.equal(kept.deliveredTo, "joe@maildir.test");
    assert.equal(kept.protocol, "ESMTPS");
    assertSameBytes(normalize(kept.content), message.bytes);
  });

  for (const security of ["none", "starttls"] as const) {
    const protocol = security === "none" ? "UTF8SMTP" : "UTF8SMTPS"; // RFC 6531 §3.7.3
    const name = peer.utf8
      ? `delivers from and to UTF-8 addresses as ${protocol} (RFC 6531 §3.7.3)`
      : `is refused UTF-8 addresses ${layerNames[security]}, as it does not declare SMTPUTF8 (RFC 6531 §3.5)`;
    check(name, { security }, async (_, send) => {
      const message = fixture("utf8");
      const utf8Sender = utf8SenderOf({ security });
      const { status, output } = await send({ sender: utf8Sender, recipients: [utf8Recipient], message });
      if (!peer.utf8) {
        assert.equal(status, peer.utf8Refused, output);
        assert.deepEqual(server().take(), []);
        return;
      }
      assert.equal(status, peer.sent, output);
      const delivered = server().takeOne();
      assert.equal(delivered.protocol, protocol);
      assert.equal(delivered.sender, utf8Sender);
      assert.deepEqual(delivered.recipients, [utf8Recipient]);
      assert.ok(delivered.parameters.includes("SMTPUTF8"));
      assertSameBytes(normalize(delivered.content), message.bytes);
    });
  }
}

function refusals(peer: Peer, check: Check, server: () => PeerServer): void {
  const { refused } = peer;

  const cases: readonly (readonly [
    name: string,
    Way,
    what: Partial<Sending> | "too large",
    status: string,
    reply: RegExp,
  ])[] = [
    [
      "hears 550 5.1.1 for an unknown recipient and sends nothing",
      { security: "starttls" },
      { recipients: ["nobody@example.test"] },
      refused.recipient,
      /^550 5\.1\.1 /,
    ],
    [
      "hears 550 5.7.1 for a recipient elsewhere and sends nothing",
      { security: "none" },
      { recipients: ["anna@elsewhere.test"] },
      refused.elsewhere ?? refused.recipient,
      /^550 5\.7\.1 /,
    ],
    [
      "hears 552 5.3.4 for a message over the limit (RFC 1870 §6)",
      { security: "starttls" },
      "too large",
      refused.tooLarge,
      /^552 5\.3\.4 /,
    ],
    ...(["PLAIN", "LOGIN"] as const).map((mechanism) => {
      const way = { security: "starttls", mechanism } as const;
      const what = { sender: senderOf(way, true), password: "wrong" };
      const name = `hears 535 5.7.8 for a wrong password with AUTH ${mechanism} (RFC 4954 §6)`;
      return [name, way, what, refused.password, /^535 5\.7\.8 /] as const;
    }),
  ];
  for (const [name, way, what, wanted, reply] of cases) {
    check(name, way, async (_, send) => {
      const message = what === "too large" ? { message: await tooLarge(server()) } : what;
      const { status, output } = await send(message);
      assert.equal(status, wanted, output);
      assert.deepEqual(server().take(), []);
      const replies = server().takeReplies();
      if (what === "too large" && peer.keepsToSize === true) return;
      assert.ok(
        replies.some((line) => reply.test(line)),
        replies.join("\n"),
      );
    });
  }

  const fate = refused.someRecipientsDelivered ? "the others get the message" : "nobody gets the message";
  check(`hears 550 for one recipient of three: ${fate}`, { security: "starttls" }, async (_, send) => {
    const recipients = ["anna@example.test", "nobody@example.test", "bert@example.test"];
    const { status, output } = await send({ recipients });
    assert.equal(status, refused.someRecipients, output);
    const reached = server()
      .take()
      .flatMap((delivered) => delivered.recipients);
    const others = ["anna@example.test", "bert@example.test"];
    assert.deepEqual(reached, refused.someRecipientsDelivered ? others : []);
  });

  check(
    "is not offered AUTH without TLS (RFC 4954 §9)",
    { security: "none", mechanism: "PLAIN" },
    async (_, send) => {
      const { status, output } = await send();
      assert.equal(status, refused.withoutAuth ?? peer.sent, output);
      const [delivered] = server().take();
      assert.equal(delivered?.protocol, refused.withoutAuth === undefined ? "ESMTP" : undefined);
    },
  );

  check(
    "sends nothing where the STARTTLS it demands is not offered",
    { security: "starttls" },
    async (_, send) => {
      const { status, output } = await send({ sender: noTlsSender, port: server().ports.off });
      assert.equal(status, refused.withoutTls, output);
      assert.deepEqual(server().take(), []);
    },
  );
}

/** A message over the limit, in a file that goes with the server. */
async function tooLarge(server: PeerServer): Promise<Fixture> {
  const lines = Buffer.from(`${"x".repeat(70)}\r\n`.repeat(maxMessageBytes / 60));
  const bytes = Buffer.concat([fixture("plain").bytes, lines]);
  const file = join(server.folder, "too-large.eml");
  await writeFile(file, bytes);
  return { file, bytes };
}
