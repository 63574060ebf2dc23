// nodemailer, the library that Node programs send mail with; in this process. It tells refusals by codes of errors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createTransport } from "nodemailer";
import { certFile, fixture, username } from "./support/fixtures.ts";
import { assertSameBytes, testPeer } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";

const ca = readFileSync(certFile);
const { version } = createRequire(import.meta.url)("nodemailer/package.json") as { version: string };

function transportFor(sending: Sending, more: object = {}) {
  const { port, security, mechanism } = sending;
  return createTransport({
    host: "127.0.0.1",
    port,
    name: "client.test",
    secure: security === "implicit",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    tls: { ca },
    ...(mechanism === undefined
      ? {}
      : { auth: { user: username, pass: sending.password }, authMethod: mechanism }),
    ...more,
  });
}

async function send(sending: Sending): Promise<Outcome> {
  const { sender, recipients, message } = sending;
  const transport = transportFor(sending);
  try {
    const { response, rejected } = await transport.sendMail({
      envelope: { from: sender, to: [...recipients] },
      raw: message.bytes,
    });
    return { status: rejected.length === 0 ? "sent" : `rejected ${rejected.join(" ")}`, output: response };
  } catch (error) {
    return outcomeOf(error);
  } finally {
    transport.close();
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Error)) throw error;
  const { code, responseCode } = error as Error & { code?: string; responseCode?: number };
  return { status: `${code} ${responseCode}`, output: error.message };
}

const plain: Way = { security: "none" };
const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "nodemailer",
    unavailable: () => undefined,
    version: () => Promise.resolve(`nodemailer ${version}`),
    send,
    sent: "sent",
    refused: {
      recipient: "EENVELOPE 550",
      someRecipients: "rejected nobody@example.test",
      someRecipientsDelivered: true,
      password: "EAUTH 535",
      withoutAuth: undefined,
      withoutTls: "ETLS 502",
      tooLarge: "EMESSAGE 552",
    },
    utf8: true,
    size: false,
    eightBit: false,
  },
  ({ check, server, sendingFor }) => {
    check("hears 538 5.7.11 when it sends AUTH unasked without TLS (RFC 4954 §6)", plain, async () => {
      const transport = transportFor(sendingFor({ security: "none", mechanism: "PLAIN" }), {
        forceAuth: true,
      });
      const outcome = await transport.verify().then(() => undefined, outcomeOf);
      transport.close();
      assert.equal(outcome?.status, "EAUTH 538");
      assert.match(outcome.output, /538 5\.7\.11 /);
    });

    check("declares BODY=8BITMIME when asked to (RFC 6152)", secure, async () => {
      const transport = transportFor(sendingFor(secure));
      const envelope = { from: "starttls@sender.test", to: "anna@example.test", use8BitMime: true };
      await transport.sendMail({ envelope, raw: fixture("eight-bit").bytes });
      transport.close();
      const delivered = server().takeOne();
      assert.deepEqual(delivered.parameters, ["BODY=8BITMIME"]);
      assertSameBytes(delivered.content, fixture("eight-bit").bytes);
    });

    check("delivers lines that it was given with LF alone, with CRLF", plain, async () => {
      const transport = transportFor(sendingFor(plain));
      const raw = Buffer.from(fixture("dots").bytes.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
      await transport.sendMail({ envelope: { from: "none@sender.test", to: "anna@example.test" }, raw });
      transport.close();
      assertSameBytes(server().takeOne().content, fixture("dots").bytes);
    });

    check("delivers what it composes itself, with a file attached", secure, async () => {
      const transport = transportFor(sendingFor(secure));
      const { bytes } = fixture("dots");
      await transport.sendMail({
        from: "Dörte <starttls@sender.test>",
        to: "anna@example.test",
        subject: "Grüße",
        text: ".\n..\n",
        attachments: [{ filename: "dots.eml", content: bytes, contentType: "application/octet-stream" }],
      });
      transport.close();
      const text = server().takeOne().content.toString("latin1").replaceAll("\r\n", "");
      assert.ok(text.includes(bytes.toString("base64")));
    });

    check("delivers 100 messages over 5 pooled connections, each once and whole", secure, async () => {
      const transport = transportFor(sendingFor(secure), {
        pool: true,
        maxConnections: 5,
        maxMessages: Infinity,
      });
      const envelope = { from: "starttls@sender.test", to: "anna@example.test" };
      const sent = Array.from({ length: 100 }, (_, index) => `Subject: ${index}\r\n\r\n.${index}\r\n`);
      await Promise.all(sent.map((raw) => transport.sendMail({ envelope, raw })));
      transport.close();
      const opened = server().reports.filter(({ type }) => type === "opened");
      assert.ok(opened.length <= 5, `${opened.length} connections`);
      const contents = server()
        .take()
        .map(({ content }) => content.toString("latin1"));
      assert.deepEqual(contents.toSorted(), sent.toSorted());
    });
  },
);
