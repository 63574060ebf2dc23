// Sendmail's SMTP and LMTP client: DELIVERBY (RFC 2852), which no other program here speaks, DSN, verdicts of single
// recipients. It says what became of each recipient, and notifies the sender of those that were refused.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Envelope, Module } from "../../src/index.ts";
import { fixture } from "./support/fixtures.ts";
import type { MessageName } from "./support/fixtures.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { openDomain, PeerServer } from "./support/peer-server.ts";
import type { Delivered } from "./support/peer-server.ts";
import { absent, fatesIn, Sendmail } from "./support/sendmail.ts";
import { full, later, verdicts } from "./support/verdicts.ts";

const anna = "anna@example.test";
const bert = "bert@example.test";
const busy = "busy@example.test";
const nobody = "nobody@example.test";
/** It is a recipient too: notifications come to it. */
const sender = `sender@${openDomain}`;
const content = fixture("plain").bytes;

const extensions = { DELIVERBY: true };
const listen = [
  { port: 0, tls: "off", extensions },
  { port: 0, tls: "off", extensions, limits: { deliverBySeconds: 600 } },
  { port: 0, tls: "off" },
  { port: 0, tls: "off", profile: "lmtp" },
] as const;
const [open, strict, silent, lmtp] = [0, 1, 2, 3];

describe("Sendmail", { skip: absent ?? false }, () => {
  let asked: Envelope | undefined;
  const keeper: Module = {
    name: "keeper",
    data({ envelope }) {
      if (!envelope.sender.isNull) asked = envelope;
    },
  };
  let server: PeerServer | undefined;
  const agents: Sendmail[] = [];

  before(async () => {
    server = await PeerServer.start({ listen }, "shared", [keeper, verdicts]);
    for (const [index, { port }] of server.addresses.entries()) {
      agents.push(await Sendmail.prepare(port, { lmtp: index === lmtp }));
    }
  });
  beforeEach(() => {
    asked = undefined;
    server?.take();
  });
  after(async () => {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  interface Wish {
    readonly recipients?: readonly string[];
    readonly mail?: string;
    readonly rcpt?: string;
    readonly content?: Buffer;
  }

  async function send(listener: number | undefined, wish: Wish) {
    const agent = agents[listener ?? 0];
    assert.ok(agent !== undefined && server !== undefined);
    const log = await agent.send({ sender, recipients: [anna], content, ...wish });
    const delivered = server.take();
    const notifications = delivered.filter((message) => message.sender === "");
    const messages = delivered.filter((message) => message.sender !== "");
    return { log, fates: fatesIn(log), messages, notifications };
  }

  /** Recipients in a notification with their status. */
  const toldOf = ([notification]: readonly Delivered[]): string[] => {
    const text = notification?.content.toString("latin1") ?? "";
    const pattern = /^Final-Recipient: RFC822; (\S+)\r\n(?:.*\r\n)*?Status: (\S+)\r$/gim;
    return [...text.matchAll(pattern)].map(([, recipient, status]) => `${recipient} ${status}`).toSorted();
  };

  for (const name of ["plain", "empty-body", "dots", "eight-bit", "long-lines"] as MessageName[]) {
    test(`delivers the body of the message ${name} byte for byte`, async () => {
      const { bytes } = fixture(name);
      const { messages, log } = await send(open, { mail: "BODY=8BITMIME", content: bytes });
      const declared = name === "eight-bit" ? "BODY=8BITMIME" : "BODY=7BIT"; // it looks for itself
      assert.deepEqual(messages[0]?.parameters, [declared], log.join("\n"));
      // Sendmail writes header fields anew, and puts its own trace field on top
      const body = (message: Buffer): Buffer => message.subarray(message.indexOf("\r\n\r\n"));
      assertSameBytes(body(messages[0].content), body(bytes));
    });
  }

  test("delivers to the recipients that are accepted, and notifies the sender of the others", async () => {
    const { fates, messages, notifications } = await send(open, { recipients: [nobody, anna, busy, bert] });
    assert.deepEqual(
      messages.map(({ recipients }) => recipients.toSorted()),
      [[anna, bert]],
    );
    assert.ok(fates.includes(`${busy} deferred 4.2.1`));
    assert.deepEqual(toldOf(notifications), [`${nobody} 5.1.1`]);
  });

  test("with LMTP, hears of each recipient what became of it (RFC 2033 §4.2)", async () => {
    const recipients = [full, anna, nobody, later, bert];
    const { fates, messages, notifications, log } = await send(lmtp, { recipients });
    assert.ok(log.includes("050 >>> LHLO relay.client.test"));
    assert.deepEqual(
      messages.map((message) => message.recipients.toSorted()),
      [[anna, bert]],
    );
    assert.equal(messages[0]?.protocol, "LMTP"); // RFC 3848
    for (const fate of [`${anna} sent`, `${bert} sent`, `${later} deferred 4.2.1`])
      assert.ok(fates.includes(fate));
    assert.deepEqual(toldOf(notifications), [`${full} 5.2.2`, `${nobody} 5.1.1`]);
  });

  test("passes RET, ENVID, NOTIFY and ORCPT on (RFC 3461 §5.2.1)", async () => {
    const rcpt = `NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@client.test`;
    await send(open, { mail: "RET=HDRS ENVID=a+2Bb", rcpt });
    assert.deepEqual(asked?.dsn, { return: "headers", envelopeId: "a+b" });
    assert.deepEqual(asked.recipients[0]?.dsn, {
      notify: ["success", "failure"],
      originalRecipient: { type: "rfc822", address: "first@client.test" },
    });
  });

  for (const [by, mode, trace] of [
    ["1200;R", "return", false],
    ["1200;NT", "notify", true],
    ["-60;N", "notify", false],
  ] as const) {
    test(`passes BY=${by} on, less the time that it took itself (RFC 2852 §4)`, async () => {
      const start = Date.now();
      const { messages, log } = await send(open, { mail: `BY=${by}` });
      const end = Date.now();
      assert.equal(messages.length, 1, log.join("\n"));
      const { by: time = 0, ...rest } = asked?.deliverBy ?? {};
      assert.deepEqual(rest, { mode, trace });
      const [seconds] = by.split(";");
      // Sendmail counts in whole seconds
      assert.ok(time >= start + 1_000 * (Number(seconds) - 1) - (end - start));
      assert.ok(time <= end + 1_000 * (Number(seconds) + 1));
    });
  }

  for (const [what, listener] of [
    ["sooner than the server can promise (RFC 2852 §3)", strict],
    ["where DELIVERBY is not offered", silent],
  ] as const) {
    test(`returns a message with BY=60;R by itself ${what}`, async () => {
      const { messages, notifications } = await send(listener, { mail: "BY=60;R" });
      assert.deepEqual(messages, []);
      assert.deepEqual(toldOf(notifications), [`${anna} 5.4.7`]);
    });
  }

  test("passes a message with BY=60;N on where time is short, and tells where DELIVERBY is not offered", async () => {
    const short = await send(strict, { mail: "BY=60;N" });
    assert.equal(short.messages.length, 1);
    assert.deepEqual(short.notifications, []);
    const unoffered = await send(silent, { mail: "BY=60;N" });
    assert.equal(unoffered.messages.length, 1);
    assert.match(unoffered.notifications[0]?.content.toString("latin1") ?? "", /^Action: relayed/m);
  });
});
