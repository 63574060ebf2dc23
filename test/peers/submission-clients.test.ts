// Programs that submit mail to listeners of profile "submission", over STARTTLS and over implicit TLS: after AUTH the
// message is taken and mended; without TLS, without AUTH and with a wrong password nothing is. nodemailer:
// submission.test.ts.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { ServerModule } from "../../src/index.ts";
import { accept, createServer } from "../../src/index.ts";
import { submission } from "../../src/modules/index.ts";
import { certFile, keyFile, password, username } from "./support/fixtures.ts";
import { submitters } from "./support/submitters.ts";
import type { Submission } from "./support/submitters.ts";

const logins: ServerModule = {
  name: "logins",
  auth: (event) => (event.username === username && event.password === password ? accept() : undefined),
};

const sender = "tim@example.org";
const recipient = "anna@elsewhere.example";
/** It lacks a Date and a Message-ID. */
const content = Buffer.from(
  "From: tim@example.org\r\nTo: anna@elsewhere.example\r\nBcc: hidden@elsewhere.example\r\nSubject: hello\r\n\r\nHello\r\n",
);

describe("Submission", () => {
  const submitted: { readonly recipients: readonly string[]; readonly text: string }[] = [];
  const server = createServer({
    hostname: "submit.example.org",
    listen: [
      { port: 0, profile: "submission" },
      { port: 0, profile: "submission", tls: "implicit" },
    ],
    tls: { certFile, keyFile },
    limits: { authFailureDelayMs: 0 },
    modules: [logins, submission({ senders: { [username]: [sender] } })],
    onMessage: async ({ envelope, message }) => {
      const text = Buffer.from(await message.bytes()).toString("latin1");
      submitted.push({ recipients: envelope.recipients.map(({ address }) => String(address)), text });
    },
  });
  let ports: readonly number[] = [];

  before(async () => {
    ports = (await server.listen()).map(({ port }) => port);
  });
  beforeEach(() => submitted.splice(0));
  after(() => server.close({ drainMs: 0 }));

  const submissionOver = (security: Submission["security"], what: Partial<Submission> = {}): Submission => {
    const port = ports[security === "implicit" ? 1 : 0] ?? 0;
    return { port, security, password, sender, recipient, content, ...what };
  };

  for (const { name, absent, submit } of submitters) {
    describe(name, { skip: absent ?? false }, () => {
      for (const security of ["starttls", "implicit"] as const) {
        test(`submits after AUTH over TLS, ${security}; the message is mended (RFC 6409 §8)`, async () => {
          const { sent, output } = await submit(submissionOver(security));
          assert.ok(sent, output);
          const [message, ...more] = submitted;
          assert.equal(more.length, 0);
          assert.deepEqual(message?.recipients, [recipient]);
          assert.match(message.text, /^Received: from \S+ .*\r\n.* with ESMTPSA /); // RFC 3848
          assert.match(message.text, /^Date: /m);
          assert.match(message.text, /^Message-ID: </im);
          assert.doesNotMatch(message.text, /^Bcc:/m);
          assert.match(message.text, /\r\n\r\nHello\r\n(?:\r\n)?$/);
        });

        test(`hears 530 5.7.0 at MAIL without AUTH, ${security} (RFC 6409 §4.3)`, async () => {
          const { sent, output } = await submit(submissionOver(security, { password: undefined }));
          assert.equal(sent, false);
          assert.match(output, /530[, ].*5\.7\.0/);
          assert.deepEqual(submitted, []);
        });
      }

      test("hears 530 5.7.0 without TLS (RFC 3207 §4)", async () => {
        const { sent, output } = await submit(submissionOver("none", { password: undefined }));
        assert.equal(sent, false);
        assert.match(output, /530[, ].*5\.7\.0/);
        assert.deepEqual(submitted, []);
      });

      test("hears 535 5.7.8 for a wrong password (RFC 4954 §6)", async () => {
        const { sent, output } = await submit(submissionOver("starttls", { password: "wrong" }));
        assert.equal(sent, false);
        assert.match(output, /535[, ].*5\.7\.8/);
        assert.deepEqual(submitted, []);
      });

      test("hears 550 5.7.1 for a sender that is another's", async () => {
        const { sent, output } = await submit(submissionOver("starttls", { sender: "boss@example.org" }));
        assert.equal(sent, false);
        assert.match(output, /550[, ].*5\.7\.1/);
        assert.deepEqual(submitted, []);
      });
    });
  }
});
