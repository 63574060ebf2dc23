// What clients ask for in the parameters of MAIL and RCPT: DSN (RFC 3461) with Postfix, Exim, msmtp and nodemailer, and whether
// Postfix leaves notifications to us where we offer it; REQUIRETLS (RFC 8689) with nodemailer; notifications of our own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { createTransport } from "nodemailer";
import type { Envelope, Module } from "../../src/index.ts";
import { absent as eximAbsent, Exim } from "./support/exim.ts";
import { certFile, fixture } from "./support/fixtures.ts";
import { openDomain, PeerServer } from "./support/peer-server.ts";
import { absent as postfixAbsent, Postfix } from "./support/postfix.ts";
import { missing, run } from "./support/programs.ts";
import { full, verdicts } from "./support/verdicts.ts";

const anna = "anna@example.test";
/** Senders that are recipients too: notifications come to them. */
const toDsn = `dsn@${openDomain}`;
const toPlain = `plain@${openDomain}`;
const { bytes } = fixture("plain");

/** Keeps what the last message asked for. */
function keeper() {
  let last: unknown;
  const module: Module = {
    name: "keeper",
    data({ envelope }: { readonly envelope: Envelope }) {
      const { dsn, requireTls, recipients } = envelope;
      last = {
        ...dsn,
        requireTls,
        recipients: recipients.map(({ dsn: { notify, originalRecipient } }) => ({
          notify,
          originalRecipient,
        })),
      };
    },
  };
  return { module, take: (): unknown => last };
}

describe("Parameters of MAIL and RCPT", () => {
  const kept = keeper();
  let server: PeerServer | undefined;

  before(async () => {
    const listen = [
      { port: 0, tls: "starttls" },
      { port: 0, tls: "off", extensions: { DSN: false } },
    ] as const;
    const options = { listen, mixedVerdicts: "bounce" } as const;
    server = await PeerServer.start(options, "shared", [kept.module, verdicts]);
  });
  beforeEach(() => running().take());
  after(() => server?.[Symbol.asyncDispose]());

  function running(): PeerServer {
    assert.ok(server !== undefined);
    return server;
  }

  const wholeRequest = {
    return: "headers",
    envelopeId: "a+b c",
    requireTls: false,
    recipients: [
      {
        notify: ["success", "failure"],
        originalRecipient: { type: "rfc822", address: anna },
      },
    ],
  };

  describe("Postfix", { skip: postfixAbsent ?? false }, () => {
    let postfix: Postfix | undefined;

    before(async () => {
      const { starttls, off } = running().ports;
      const settings = { smtp_tls_security_level: "none" };
      postfix = await Postfix.start([
        { name: "to-dsn", port: starttls, sender: toDsn, settings },
        { name: "to-plain", port: off, sender: toPlain, settings },
        { name: "back", port: starttls, sender: "<>", settings },
      ]);
    });
    after(() => postfix?.stop());

    test("passes RET, ENVID, NOTIFY and ORCPT on, and the duty to notify with them (RFC 3461 §5.2.1)", async () => {
      assert.ok(postfix !== undefined);
      const options = ["-V", "a+b c", "-R", "hdrs"];
      const fate = await postfix.send(toDsn, [anna], bytes, "success,failure", options);
      assert.equal(fate.recipients.get(anna), "sent", fate.log);
      assert.deepEqual(kept.take(), wholeRequest);
      assert.doesNotMatch(fate.log, /notification/);
    });

    test("keeps them, and notifies itself, where DSN is switched off (RFC 3461 §5.2.2)", async () => {
      assert.ok(postfix !== undefined);
      const fate = await postfix.send(toPlain, [anna], bytes, "success,failure", ["-V", "a+b c"]);
      assert.equal(fate.recipients.get(anna), "sent", fate.log);
      assert.match(fate.log, /sender delivery status notification/);
    });

    test("says NEVER when its client did", async () => {
      assert.ok(postfix !== undefined);
      await postfix.send(toDsn, [anna], bytes, "never");
      const { recipients } = kept.take() as { readonly recipients: unknown };
      assert.deepEqual(recipients, [{ ...wholeRequest.recipients[0], notify: "never" }]);
    });

    test("is told that all went well where a notification goes out; it quotes what Postfix asked", async () => {
      assert.ok(postfix !== undefined);
      const fate = await postfix.send(toDsn, [anna, full], bytes, "failure", ["-V", "a+b c"]);
      assert.deepEqual([fate.recipients.get(anna), fate.recipients.get(full)], ["sent", "sent"], fate.log);
      const [notification, message, ...more] = running()
        .take()
        .toSorted((a, b) => a.sender.localeCompare(b.sender));
      assert.equal(more.length, 0);
      assert.deepEqual(message?.recipients, [anna]);
      assert.deepEqual([notification?.sender, notification?.recipients], ["", [toDsn]]);
      const text = notification?.content.toString("utf8") ?? "";
      assert.match(text, /^Original-Envelope-Id: a\+b c\r$/m);
      assert.match(text, /^Original-Recipient: rfc822; ?full@bulk\.test\r$/m);
      assert.match(text, /^Status: 5\.2\.2\r$/m);
      assert.doesNotMatch(text, /^Final-Recipient: .*anna/m);
    });

    test("is told so, and nobody is notified, where NOTIFY is NEVER (RFC 3461 §4.1)", async () => {
      assert.ok(postfix !== undefined);
      await postfix.send(toDsn, [anna, full], bytes, "never");
      assert.deepEqual(
        running()
          .take()
          .map(({ recipients }) => recipients),
        [[anna]],
      );
    });
  });

  describe("Exim", { skip: eximAbsent ?? false }, () => {
    test("passes RET, ENVID, NOTIFY and ORCPT on", async () => {
      await using exim = await Exim.prepare([
        { sender: toDsn, port: running().ports.starttls, options: { hosts_avoid_tls: "*" } },
      ]);
      const mail = "RET=HDRS ENVID=a+2Bb+20c";
      const rcpt = `NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;${anna}`;
      const fate = await exim.send({ sender: toDsn, mail, recipients: [anna], rcpt, content: bytes });
      assert.equal(fate.recipients.get(anna), "sent", fate.log);
      assert.deepEqual(kept.take(), wholeRequest);
    });
  });

  describe("msmtp", { skip: missing("msmtp") ?? false }, () => {
    test("passes NOTIFY and RET on, all that it knows of DSN", async () => {
      const { starttls: port } = running().ports;
      const args = ["--host=127.0.0.1", `--port=${port}`, "--domain=client.test", "--tls=off"];
      const dsn = ["--dsn-notify=success,failure", "--dsn-return=headers"];
      const { status, stderr } = await run("msmtp", [...args, ...dsn, `--from=${toDsn}`, "--", anna], bytes);
      assert.equal(status, "exit 0", stderr);
      const recipients = [{ notify: ["success", "failure"], originalRecipient: undefined }];
      assert.deepEqual(kept.take(), {
        return: "headers",
        envelopeId: undefined,
        requireTls: false,
        recipients,
      });
    });
  });

  describe("nodemailer", () => {
    const transport = (more: object = {}) => {
      const { starttls: port } = running().ports;
      return createTransport({ host: "127.0.0.1", port, name: "client.test", ...more });
    };
    const secured = { requireTLS: true, tls: { ca: readFileSync(certFile) } };
    const mail = { envelope: { from: toDsn, to: [anna] }, raw: bytes };

    test("passes DSN on", async () => {
      const dsn = { return: "headers", id: "a+b c", notify: ["success", "failure"], recipient: anna };
      await transport({ ignoreTLS: true }).sendMail({ ...mail, dsn });
      assert.deepEqual(kept.take(), wholeRequest);
    });

    test("asks for REQUIRETLS under TLS", async () => {
      await transport(secured).sendMail({ ...mail, requireTLSExtensionEnabled: true });
      const { requireTls } = kept.take() as { readonly requireTls: boolean };
      assert.equal(requireTls, true);
    });

    test("does not send where REQUIRETLS is not offered: without TLS", async () => {
      const plain = transport({ ignoreTLS: true });
      await assert.rejects(plain.sendMail({ ...mail, requireTLSExtensionEnabled: true }), {
        code: "EREQUIRETLS",
      });
      assert.deepEqual(running().take(), []);
    });
  });
});
