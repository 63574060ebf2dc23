// Python's smtplib. It tells each refusal by an exception of its own.

import assert from "node:assert/strict";
import { certFile, fixture, username } from "./support/fixtures.ts";
import { assertSameBytes, testPeer } from "./support/peer-cases.ts";
import type { Outcome, Sending, Way } from "./support/peer-cases.ts";
import { versionOf } from "./support/programs.ts";
import { absent, smtplib } from "./support/smtplib.ts";
import type { Step } from "./support/smtplib.ts";

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80);
}

/** Options of MAIL are the caller's to give. */
function mailOptions({ sender, message }: Sending): string[] {
  if (!isAscii(Buffer.from(sender))) return ["SMTPUTF8", "BODY=8BITMIME"];
  return isAscii(message.bytes) ? [] : ["BODY=8BITMIME"];
}

async function send(sending: Sending): Promise<Outcome> {
  const { port, security, mechanism, password, sender, recipients, message } = sending;
  const steps: Step[] = [];
  if (security === "starttls") steps.push({ do: "starttls" });
  if (mechanism !== undefined) steps.push({ do: "login", mechanism, user: username, password });
  const data = message.bytes.toString("base64");
  steps.push({ do: "sendmail", sender, recipients, data, options: mailOptions(sending) });
  const { exception, detail, returned } = await smtplib({
    port,
    certFile,
    steps,
    implicitTls: security === "implicit",
  });
  if (exception !== null) return { status: exception, output: detail };
  const refused = Object.keys(returned.at(-1) as object);
  return { status: refused.length === 0 ? "sent" : `refused ${refused.join(" ")}`, output: detail };
}

const plain: Way = { security: "none" };
const secure: Way = { security: "starttls" };

testPeer(
  {
    name: "smtplib",
    unavailable: () => absent,
    version: () => versionOf("python3", "--version"),
    send,
    sent: "sent",
    refused: {
      recipient: "SMTPRecipientsRefused",
      someRecipients: "refused nobody@example.test",
      someRecipientsDelivered: true,
      password: "SMTPAuthenticationError",
      withoutAuth: "SMTPNotSupportedError",
      withoutTls: "SMTPNotSupportedError",
      tooLarge: "SMTPSenderRefused",
    },
    utf8: true,
    size: true,
    eightBit: true,
  },
  ({ check, server }) => {
    check("gets its answers to VRFY, EXPN, HELP, NOOP and RSET", plain, async () => {
      const { exception, detail, returned } = await smtplib({
        port: server().ports.starttls,
        certFile,
        steps: [
          { do: "docmd", command: "EHLO", argument: "client.test" },
          { do: "verify", address: "anna@example.test" },
          { do: "expn", address: "staff" },
          { do: "help" },
          { do: "noop" },
          { do: "rset" },
        ],
      });
      assert.equal(exception, null, detail);
      const codes = returned.map((answer) => (Array.isArray(answer) ? Number(answer[0]) : 214));
      assert.deepEqual(codes, [250, 252, 502, 214, 250, 250]); // RFC 5321 §4.3.2
    });

    check("hears 538 5.7.11 when it sends AUTH unasked without TLS (RFC 4954 §6)", plain, async () => {
      const { returned } = await smtplib({
        port: server().ports.starttls,
        certFile,
        steps: [
          { do: "docmd", command: "EHLO", argument: "client.test" },
          { do: "docmd", command: "AUTH", argument: "PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm" },
        ],
      });
      const [code, text] = returned[1] as [number, string];
      assert.equal(code, 538);
      assert.match(text, /^5\.7\.11 /);
    });

    check("hears 450 for a recipient that is refused for now", plain, async () => {
      const data = fixture("plain").bytes.toString("base64");
      const { exception, detail } = await smtplib({
        port: server().ports.starttls,
        certFile,
        steps: [
          {
            do: "sendmail",
            sender: "none@sender.test",
            recipients: ["busy@example.test"],
            data,
            options: [],
          },
        ],
      });
      assert.equal(exception, "SMTPRecipientsRefused");
      assert.match(detail, /busy@example\.test.*450, b'4\.2\.1 Mailbox busy, try later'/);
    });

    check(
      "delivers three messages over one connection, one of them past a refused recipient",
      secure,
      async () => {
        const message = (name: "dots" | "plain", recipient: string): Step => ({
          do: "sendmail",
          sender: "starttls@sender.test",
          recipients: [recipient, "bert@example.test"],
          data: fixture(name).bytes.toString("base64"),
          options: [],
        });
        const { exception, detail } = await smtplib({
          port: server().ports.starttls,
          certFile,
          steps: [
            { do: "starttls" },
            message("dots", "anna@example.test"),
            message("plain", "nobody@example.test"),
            message("dots", "anna@example.test"),
          ],
        });
        assert.equal(exception, null, detail);
        const delivered = server().take();
        const names = ["dots", "plain", "dots"] as const;
        assert.equal(delivered.length, names.length);
        for (const [index, { content }] of delivered.entries()) {
          assertSameBytes(content, fixture(names[index] ?? "plain").bytes);
        }
        assert.equal(server().reports.filter(({ type }) => type === "opened").length, 1);
      },
    );

    check("delivers what it composes itself: UTF-8 header, 8-bit text, a file attached", secure, async () => {
      const { exception, detail } = await smtplib({
        port: server().ports.starttls,
        certFile,
        steps: [
          { do: "starttls" },
          { do: "send_message", recipient: "δοκιμή@example.test", subject: "Grüße", text: "Grüße\n.\n..\n" },
        ],
      });
      assert.equal(exception, null, detail);
      const delivered = server().takeOne();
      assert.equal(delivered.protocol, "UTF8SMTPS");
      assert.deepEqual(delivered.parameters, ["BODY=8BITMIME", "SMTPUTF8"]);
      const text = delivered.content.toString("utf8");
      assert.match(text, /^Subject: Grüße\r$/m);
      assert.match(text, /^Grüße\r\n\.\r\n\.\.\r$/m);
    });
  },
);
