// LMTP (RFC 2033) with the programs that bring mail to a mail store: a listener of profile `lmtp` answers each recipient,
// and what each program makes of that is its own affair. A wire tap tells what the programs said.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { certFile, fixture } from "./support/fixtures.ts";
import type { MessageName } from "./support/fixtures.ts";
import { lmtpPrograms } from "./support/lmtp-clients.ts";
import type { LmtpClient } from "./support/lmtp-clients.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { maxMessageBytes, openDomain, PeerServer } from "./support/peer-server.ts";
import { absent as postfixAbsent, Postfix } from "./support/postfix.ts";
import { absent as pythonAbsent, smtplib } from "./support/smtplib.ts";
import type { Step } from "./support/smtplib.ts";
import { Tap } from "./support/tap.ts";
import { full, later, refusedField, verdicts } from "./support/verdicts.ts";

const anna = "anna@example.test";
const bert = "bert@example.test";
const nobody = "nobody@example.test";

/** What programs put on top of a message: their trace field, and where it goes (RFC 5321 §4.4). */
const addedFields = /^(?:(?:Received|Return-Path|Delivered-To):.*\r\n(?:[ \t].*\r\n)*)*/;

const plain = fixture("plain").bytes;
const withField = Buffer.concat([Buffer.from(refusedField), plain]);

for (const { name, absent, command, dropsRepeated, start } of lmtpPrograms) {
  describe(`LMTP: ${name}`, { skip: absent ?? false }, () => {
    let server: PeerServer | undefined;
    let tap: Tap | undefined;
    let client: LmtpClient | undefined;

    before(async () => {
      const listen = [{ port: 0, tls: "off", profile: "lmtp" }] as const;
      server = await PeerServer.start({ listen }, "shared", [verdicts]);
      tap = await Tap.start(server.ports.off);
      client = await start(tap.port);
    });

    after(async () => {
      await client?.[Symbol.asyncDispose]();
      await tap?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    async function send(recipients: readonly string[], content = plain) {
      assert.ok(server !== undefined && client !== undefined && tap !== undefined);
      server.take();
      tap.take();
      const fates = await client.send(recipients, content);
      return { fates, delivered: server.take(), said: tap.takeCommands("LHLO", "RCPT", "BDAT", "DATA") };
    }

    for (const message of ["plain", "empty-body", "dots", "eight-bit", "long-lines"] as MessageName[]) {
      test(`delivers the message ${message} byte for byte as LMTP, with ${command}`, async () => {
        const { fates, delivered, said } = await send([anna], fixture(message).bytes);
        assert.deepEqual(fates, ["sent"]);
        assert.match(said[0] ?? "", /^LHLO /);
        assert.match(said[2] ?? "", new RegExp(`^${command}`));
        const [one] = delivered;
        assert.ok(one !== undefined && delivered.length === 1);
        assert.equal(one.protocol, "LMTP"); // RFC 3848
        const content = one.content.toString("latin1").replace(addedFields, "");
        assertSameBytes(Buffer.from(content, "latin1"), fixture(message).bytes);
      });
    }

    test("hears of each recipient what became of it, at RCPT or after the message (RFC 2033 §4.2)", async () => {
      const { fates, delivered } = await send([full, anna, nobody, later, bert]);
      assert.deepEqual(fates, ["bounced 5.2.2", "sent", "bounced 5.1.1", "deferred 4.2.1", "sent"]);
      assert.deepEqual(
        delivered.map(({ recipients }) => recipients),
        [[anna, bert]],
      );
    });

    test("hears at RCPT that its only recipient is refused, and stays in step", async () => {
      const { fates, delivered } = await send([nobody]);
      assert.deepEqual(fates, ["bounced 5.1.1"]);
      assert.deepEqual(delivered, []);
      assert.deepEqual((await send([anna])).fates, ["sent"]);
    });

    test("hears that every recipient refuses, and nothing is delivered", async () => {
      const { fates, delivered } = await send([full, later]);
      assert.deepEqual(fates, ["bounced 5.2.2", "deferred 4.2.1"]);
      assert.deepEqual(delivered, []);
    });

    test("hears for each recipient that the message is refused for its header", async () => {
      const { fates, delivered } = await send([anna, bert, nobody], withField);
      assert.deepEqual(fates, ["bounced 5.7.1", "bounced 5.7.1", "bounced 5.1.1"]);
      assert.deepEqual(delivered, []);
    });

    test("hears for each recipient that the message is over the limit (RFC 1870 §6)", async () => {
      const long = Buffer.concat([plain, Buffer.from("A line.\r\n".repeat(maxMessageBytes / 8))]);
      const { fates, delivered } = await send([anna, bert], long);
      assert.deepEqual(fates, ["bounced 5.3.4", "bounced 5.3.4"]);
      assert.deepEqual(delivered, []);
    });

    test("hears a reply for each RCPT, of the same recipient too (RFC 2033 §4.2)", async () => {
      const { fates, delivered, said } = await send([anna, full, anna]);
      assert.deepEqual(fates, ["sent", "bounced 5.2.2", "sent"]);
      assert.equal(said.filter((line) => line.startsWith("RCPT")).length, dropsRepeated ? 2 : 3);
      assert.deepEqual(
        delivered.map(({ recipients }) => recipients),
        [[anna]],
      );
    });
  });
}

describe("LMTP: Postfix's notifications", { skip: postfixAbsent ?? false }, () => {
  test("tell the sender of the recipients that refused, and of no other", async () => {
    const listen = [{ port: 0, tls: "off", profile: "lmtp" }] as const;
    await using server = await PeerServer.start({ listen }, "shared", [verdicts]);
    const sender = `sender@${openDomain}`;
    const agent = {
      protocol: "lmtp",
      port: server.ports.off,
      settings: { lmtp_tls_security_level: "none" },
    } as const;
    const postfix = await Postfix.start([
      { ...agent, name: "to-lmtp", sender },
      { ...agent, name: "back", sender: "<>" },
    ]);
    try {
      await postfix.send(sender, [anna, full, nobody, bert], plain, "failure");
      const notification = await postfix.notification();
      assert.equal(notification.recipients.get(sender), "sent", notification.log);
    } finally {
      await postfix.stop();
    }
    const [message, notification, ...more] = server.take();
    assert.equal(more.length, 0);
    assert.deepEqual(message?.recipients, [anna, bert]);
    assert.deepEqual([notification?.sender, notification?.recipients], ["", [sender]]);
    const told = notification?.content.toString("latin1").match(/^(?:Final-Recipient|Status): .*(?=\r$)/gm);
    assert.deepEqual(told?.toSorted(), [
      `Final-Recipient: rfc822; ${full}`,
      `Final-Recipient: rfc822; ${nobody}`,
      "Status: 5.1.1",
      "Status: 5.2.2",
    ]);
  });
});

// Its sendmail() reads one reply to the message, however many recipients there are: good for one at a time
describe("LMTP: Python's smtplib", { skip: pythonAbsent ?? false }, () => {
  test("delivers to one recipient after another and hears what became of each", async () => {
    const listen = [{ port: 0, tls: "off", profile: "lmtp" }] as const;
    await using server = await PeerServer.start({ listen }, "shared", [verdicts]);
    const message = (recipient: string): Step => ({
      do: "sendmail",
      sender: "a@sender.test",
      recipients: [recipient],
      data: plain.toString("base64"),
      options: [],
    });
    const session = { port: server.ports.off, certFile, lmtp: true };
    const taken = await smtplib({ ...session, steps: [message(anna), message(bert)] });
    assert.equal(taken.exception, null, taken.detail);
    const [first, second] = server.take();
    assert.deepEqual([first?.recipients, second?.recipients], [[anna], [bert]]);
    assert.equal(first?.protocol, "LMTP");
    assertSameBytes(first.content, plain);
    const refused = await smtplib({ ...session, steps: [message(full)] });
    assert.equal(refused.exception, "SMTPDataError");
    assert.match(refused.detail, /5\.2\.2 Mailbox full/);
    assert.deepEqual(server.take(), []);
  });
});
