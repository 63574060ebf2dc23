// The notification of a refused recipient: of whom, with what, and how it travels (RFC 3461, RFC 3464, RFC 6533).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Envelope } from "../../src/hooks/stages.ts";
import { accept, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";

interface Taken {
  readonly envelope: Envelope;
  readonly text: string;
  /** As the message says. */
  readonly size: number;
}

interface Sending {
  /** Parameters of MAIL. */
  readonly mail?: string;
  /** Who refuses, with parameters. */
  readonly to?: readonly string[];
  readonly tls?: boolean;
  readonly modules?: readonly AnyModule[];
}

const message = "Subject: x\r\nX-Other: y\r\n\r\n.dots\r\nbody\r\n";

/** Sends to some recipients in no.test, who refuse, and one who does not; resolves to what the queue hook gets. */
async function send({
  mail = "",
  to = ["<joe@no.test>"],
  tls = false,
  modules = [],
}: Sending): Promise<Taken[]> {
  const taken: Taken[] = [];
  let ids = 0;
  const server = createMemoryServer({
    profile: "internal",
    settings: { mixedVerdicts: "bounce", tlsAvailable: tls },
    clock: { now: () => Date.UTC(2030, 0, 1), monotonic: () => 0, after: () => () => undefined },
    newId: () => `ID${++ids}`,
    modules: [
      ...modules,
      { name: "all", rcpt: () => accept() },
      {
        name: "scan",
        message({ envelope, refuse }) {
          for (const { address } of envelope.recipients) {
            if (address.domain === "no.test") refuse(address, reject("5.7.1", "No viruses"));
          }
        },
      },
      {
        name: "keep",
        async queue({ envelope, message: content }) {
          const text = Buffer.from(await content.bytes()).toString("utf8");
          taken.push({ envelope, text, size: content.size });
          return queued();
        },
      },
    ],
  });
  const client = server.connect();
  await client.say(`EHLO c.test\r\n${tls ? "STARTTLS\r\n" : ""}`);
  if (tls) await client.say("EHLO c.test\r\n");
  const recipients = [...to, "<ann@mx.test>"].map((recipient) => `RCPT TO:${recipient}\r\n`).join("");
  await client.say(Buffer.from(`MAIL FROM:<a@client.test>${mail}\r\n${recipients}DATA\r\n`));
  assert.match(await client.say(`${message.replaceAll("\r\n.", "\r\n..")}.\r\n`), /^250 /);
  return taken;
}

describe("a notification", () => {
  test("is a report with the fields of the RFCs", async () => {
    const [notification, original] = await send({
      mail: " RET=HDRS ENVID=a+2Bb BY=60;R",
      to: ["<joe@no.test> NOTIFY=FAILURE ORCPT=rfc822;Joe+2BBig@example.com"],
    });
    assert.deepEqual(
      original?.envelope.recipients.map(({ address }) => String(address)),
      ["ann@mx.test"],
    );
    assert.ok(notification?.envelope.sender.isNull); // RFC 3461 §6.1
    assert.equal(notification.size, Buffer.byteLength(notification.text));
    const expected = `Date: Tue, 1 Jan 2030 00:00:00 +0000
From: Mail Delivery System <postmaster@mx.test>
To: <a@client.test>
Subject: Undelivered mail returned to sender
Message-ID: <ID2@mx.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_ID2_dsn"
Content-Transfer-Encoding: 8bit

--=_ID2_dsn
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

This is the mail system at mx.test.
Your message was not delivered to these recipients; all others have got it.

  <joe@no.test>: 5.7.1 No viruses

--=_ID2_dsn
Content-Type: message/delivery-status

Original-Envelope-Id: a+b
Reporting-MTA: dns; mx.test
Arrival-Date: Tue, 1 Jan 2030 00:00:00 +0000
Deliver-By-Date: Tue, 1 Jan 2030 00:01:00 +0000

Original-Recipient: rfc822; Joe+Big@example.com
Final-Recipient: rfc822; joe@no.test
Action: failed
Status: 5.7.1
Diagnostic-Code: smtp; 550 5.7.1 No viruses

--=_ID2_dsn
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 8bit

Subject: x
X-Other: y

--=_ID2_dsn--
`;
    assert.equal(
      notification.text.replaceAll(/Message-ID: <ID\d+@|=_ID\d+_dsn/g, (id) => id.replace(/\d+/, "2")),
      expected.replaceAll("\n", "\r\n"),
    );
  });

  test("has the whole message where RET is FULL (RFC 3461 §4.3)", async () => {
    const [notification] = await send({ mail: " RET=FULL" });
    const { text = "", size } = notification ?? {};
    const [, returned = ""] = text.split(
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
    );
    assert.ok(returned.startsWith(message), text);
    assert.match(returned.slice(message.length), /^\r\n--=_\w+_dsn--\r\n$/);
    assert.equal(size, Buffer.byteLength(text));
  });

  test("has headers only, and REQUIRETLS itself, where REQUIRETLS guards the message (RFC 8689 §5)", async () => {
    const [notification] = await send({ mail: " RET=FULL REQUIRETLS", tls: true });
    assert.equal(notification?.envelope.requireTls, true);
    assert.match(notification.text, /\r\nContent-Type: text\/rfc822-headers\r\n/);
    assert.doesNotMatch(notification.text, /dots/);
  });

  test("has the priority of the message (RFC 6710 §4.6)", async () => {
    const raise: AnyModule = { name: "raise", mail: ({ setPriority }) => setPriority(4) };
    assert.equal((await send({ modules: [raise] }))[0]?.envelope.priority, 4);
    assert.equal((await send({ mail: " MT-PRIORITY=-3" }))[0]?.envelope.priority, -3);
    assert.equal((await send({}))[0]?.envelope.priority, undefined);
  });

  test("asks for nothing itself (RFC 3461 §6.1)", async () => {
    const [notification] = await send({ mail: " RET=FULL ENVID=1" });
    assert.deepEqual(notification?.envelope.dsn, { return: undefined, envelopeId: undefined });
    assert.equal(notification.envelope.recipients[0]?.dsn.notify, undefined);
  });

  test("is SMTPUTF8 where the message is (RFC 6533 §3, §4, §5)", async () => {
    const [notification] = await send({
      mail: " SMTPUTF8",
      to: ["<dörte@no.test> ORCPT=utf-8;d\\x{F6}rte@example.com"],
    });
    assert.ok(notification?.envelope.parameters.has("SMTPUTF8"));
    const text = notification?.text ?? "";
    assert.match(text, /^Content-Type: message\/global-delivery-status\r\n/m);
    assert.match(
      text,
      /^Original-Recipient: utf-8; dörte@example\.com\r\nFinal-Recipient: utf-8; dörte@no\.test\r\n/m,
    );
    assert.match(text, /^Content-Type: message\/global-headers\r\n/m);
  });

  test("writes addresses in ASCII where the message is not SMTPUTF8 (RFC 6533 §3)", async () => {
    const rename: AnyModule = {
      name: "rename",
      rcpt({ recipient, rewrite }) {
        if (recipient.local !== "doerte") return;
        rewrite("dörte@no.test");
        return accept();
      },
    };
    const to = ["<doerte@no.test> ORCPT=utf-8;d\\x{F6}rte@example.com"];
    const [notification] = await send({ to, modules: [rename] });
    const expected =
      "Original-Recipient: utf-8; d\\x{F6}rte@example.com\r\nFinal-Recipient: utf-8; d\\x{F6}rte@no.test\r\n";
    const text = notification?.text ?? "";
    assert.ok(text.includes(expected), text);
    assert.match(text, /^Content-Type: message\/delivery-status\r\n/m);
  });
});

describe("NOTIFY says whether there is one (RFC 3461 §4.1)", () => {
  const cases: readonly [to: readonly string[], told: readonly string[]][] = [
    [["<joe@no.test>"], ["joe"]],
    [["<joe@no.test> NOTIFY=SUCCESS,FAILURE"], ["joe"]],
    [["<joe@no.test> NOTIFY=NEVER"], []],
    [["<joe@no.test> NOTIFY=SUCCESS,DELAY"], []],
    [["<joe@no.test> NOTIFY=NEVER", "<jim@no.test>"], ["jim"]],
    [["<joe@no.test> NOTIFY=NEVER", "<jim@no.test> NOTIFY=SUCCESS"], []],
  ];
  for (const [to, told] of cases) {
    test(`of ${told.join() || "nobody"} with ${to.join(" ")}`, async () => {
      const taken = await send({ to });
      assert.equal(taken.length, told.length > 0 ? 2 : 1);
      const found = [...(taken.at(-2)?.text.matchAll(/^Final-Recipient: rfc822; (\w+)@/gm) ?? [])];
      assert.deepEqual(
        found.map(([, name]) => name),
        told,
      );
      assert.deepEqual(
        taken.at(-1)?.envelope.recipients.map(({ address }) => address.local),
        ["ann"],
      );
    });
  }
});
