// nodemailer submits to a listener of profile "submission" with the submission module, over STARTTLS and AUTH; postal-mime
// reads what has become of its messages.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { createTransport } from "nodemailer";
import PostalMime from "postal-mime";
import type { Email } from "postal-mime";
import type { Server, ServerModule } from "../../src/index.ts";
import { accept, createServer } from "../../src/index.ts";
import { submission } from "../../src/modules/index.ts";
import type { SubmissionOptions } from "../../src/modules/index.ts";
import { certFile, keyFile, password, username } from "./support/fixtures.ts";

interface Submitted {
  readonly mail: Email;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly bytes: Buffer;
}

const logins: ServerModule = {
  name: "logins",
  auth: (event) => (event.username === username && event.password === password ? accept() : undefined),
};
const senders = { [username]: ["tim@example.org", "team@example.org"] };

function serve(options: SubmissionOptions = {}): { server: Server; submitted: Submitted[] } {
  const submitted: Submitted[] = [];
  const server = createServer({
    hostname: "submit.example.org",
    listen: [{ port: 0, profile: "submission" }],
    tls: { certFile, keyFile },
    modules: [logins, submission({ senders, ...options })],
    onMessage: async ({ envelope, message }) => {
      const bytes = Buffer.from(await message.bytes());
      submitted.push({
        mail: await PostalMime.parse(bytes),
        sender: String(envelope.sender),
        recipients: envelope.recipients.map(({ address }) => String(address)),
        bytes,
      });
    },
  });
  return { server, submitted };
}

async function clientOf(server: Server, login = true) {
  const [address] = await server.listen();
  return createTransport({
    host: "127.0.0.1",
    port: address?.port,
    name: "client.test",
    requireTLS: true,
    tls: { ca: readFileSync(certFile) },
    ...(login && { auth: { user: username, pass: password } }),
  });
}

describe("nodemailer submits over STARTTLS and AUTH", () => {
  test("what it composes, with a file attached: the message stays whole", async () => {
    const { server, submitted } = serve();
    await using running = server;
    const client = await clientOf(running);
    const content = Buffer.from(Array.from({ length: 2_000 }, (_, at) => at % 256));
    const subject = `Grüße${" und viel mehr".repeat(20)}`;
    const sent = await client.sendMail({
      from: { name: 'Tim "T." Dörte', address: "tim@example.org" },
      to: ["Anna <anna@elsewhere.example>", { name: "Bücher, GmbH", address: "b@bücher.example" }],
      cc: "Team: c@elsewhere.example, d@elsewhere.example;",
      bcc: "e@elsewhere.example",
      subject,
      text: ".\n..\nHello\n",
      attachments: [{ filename: "all.bin", content }],
    });
    client.close();
    assert.match(sent.response, /^250 /);
    const [message, ...more] = submitted;
    assert.equal(more.length, 0);
    assert.ok(message !== undefined);
    const { mail, sender, recipients } = message;
    assert.equal(sender, "tim@example.org");
    assert.equal(recipients.length, 5);
    assert.deepEqual(mail.from, { name: 'Tim "T." Dörte', address: "tim@example.org" });
    assert.equal(mail.subject, subject);
    assert.equal(mail.messageId, sent.messageId);
    assert.equal(mail.sender, undefined);
    assert.equal(mail.bcc, undefined);
    assert.match(mail.text ?? "", /^\.\n\.\.\nHello\n/);
    const attached = mail.attachments[0]?.content;
    assert.ok(attached instanceof ArrayBuffer && Buffer.from(attached).equals(content));
  });

  test("a bare message: Date, Message-ID and Sender are added, Bcc and Return-Path are not sent on", async () => {
    const { server, submitted } = serve();
    await using running = server;
    const client = await clientOf(running);
    const envelope = { from: "team@example.org", to: "anna@elsewhere.example" };
    const raw =
      "Return-Path: <x@y.example>\r\nFrom: boss@example.org\r\nBcc: anna@elsewhere.example\r\n\r\nHello\r\n";
    await client.sendMail({ envelope, raw });
    client.close();
    const [message] = submitted;
    assert.ok(message !== undefined);
    const { mail, bytes } = message;
    assert.equal(mail.from?.address, "boss@example.org");
    assert.equal(mail.sender?.address, "tim@example.org");
    assert.match(mail.messageId ?? "", /^<\S+@submit\.example\.org>$/);
    assert.ok(Math.abs(Date.parse(mail.date ?? "") - Date.now()) < 600_000);
    assert.doesNotMatch(bytes.toString("latin1"), /bcc|return-path/i);
    assert.match(bytes.toString("latin1"), /^Received: from client\.test .*\r\n.* with ESMTPSA /);
  });

  const refusals: readonly [
    what: string,
    options: SubmissionOptions,
    from: string,
    header: string,
    heard: RegExp,
  ][] = [
    ["a sender that is not the user's: 550", {}, "boss@example.org", "From: boss@example.org", /550 5\.7\.1/],
    [
      "an author who is not the user: 550",
      { sender: "reject" },
      "tim@example.org",
      "From: boss@example.org",
      /550 5\.7\.1/,
    ],
    ["a message without From: 554", {}, "tim@example.org", "Subject: a", /554 5\.6\.0/],
    ["an unqualified sender: 554", {}, "tim@intern", "From: tim@example.org", /554 5\.1\.8/],
  ];
  for (const [what, options, from, header, heard] of refusals) {
    test(`and hears of ${what}`, async () => {
      const { server, submitted } = serve(options);
      await using running = server;
      const client = await clientOf(running);
      const envelope = { from, to: "anna@elsewhere.example" };
      await assert.rejects(client.sendMail({ envelope, raw: `${header}\r\n\r\nHello\r\n` }), heard);
      client.close();
      assert.deepEqual(submitted, []);
    });
  }

  test("and hears 530 at MAIL without AUTH (RFC 6409 §4.3)", async () => {
    const { server, submitted } = serve();
    await using running = server;
    const client = await clientOf(running, false);
    const message = { from: "tim@example.org", to: "anna@elsewhere.example", text: "Hello" };
    await assert.rejects(client.sendMail(message), /530 5\.7\.0/);
    client.close();
    assert.deepEqual(submitted, []);
  });

  test("as often as its user may, then hears 450 (RFC 5321 §4.3.2)", async () => {
    const { server, submitted } = serve({ perUser: { messages: 2, windowMs: 3_600_000 } });
    await using running = server;
    const client = await clientOf(running);
    const message = { from: "tim@example.org", to: "anna@elsewhere.example", text: "Hello" };
    await client.sendMail(message);
    await client.sendMail(message);
    await assert.rejects(client.sendMail(message), /450 4\.7\.1 You may send 2 messages in 1 hour/);
    client.close();
    assert.equal(submitted.length, 2);
  });
});
