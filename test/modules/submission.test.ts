// Mail submission (src/modules/submission.ts): who may send as whom, which headers are refused, what is mended.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { ServerModule } from "../../src/hooks/module.ts";
import { accept } from "../../src/hooks/verdict.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { submission } from "../../src/modules/submission.ts";
import type { SubmissionOptions } from "../../src/modules/submission.ts";
import { dialogue, expectReply, takesMessages } from "../../src/testing/index.ts";
import type { MailOptions, MailResult, TestDialogue } from "../../src/testing/index.ts";
import { HeaderBlock } from "../../src/wire/header.ts";

const logins: ServerModule = { name: "logins", auth: () => accept() };

/** Instead of a user: nobody has logged in. */
const nobody = "";

/** A client that has logged in, if it is somebody. */
async function open(options: SubmissionOptions, user = "anna"): Promise<TestDialogue> {
  const modules = [logins, recipients({ list: ["local@example.org"] }), submission(options), takesMessages()];
  const smtp = await dialogue({ modules, authWithoutTls: true });
  if (user !== nobody) expectReply(await smtp.auth(user, "secret"), 235);
  return smtp;
}

async function send(options: SubmissionOptions, mail: MailOptions, user?: string): Promise<MailResult> {
  return (await open(options, user)).mail({ from: "anna@example.org", to: "bert@example.net", ...mail });
}

describe("who may send from an address (RFC 6409 §6.1)", () => {
  const table = { anna: ["anna@example.org", "info@example.org", "@anna.example"] };
  const cases: readonly [
    senders: SubmissionOptions["senders"],
    user: string,
    from: string,
    allowed: boolean,
  ][] = [
    [undefined, "anna", "bert@example.org", true],
    ["same", "anna@example.org", "anna@example.org", true],
    ["same", "anna@example.org", "Anna@EXAMPLE.org", true],
    ["same", "anna@example.org", "bert@example.org", false],
    ["same", "anna", "anna@example.org", false],
    [table, "anna", "Info@example.org", true],
    [table, "anna", "any@Anna.example", true],
    [table, "anna", "any@sub.anna.example", false],
    [table, "anna", "bert@example.org", false],
    [table, "bert", "anna@example.org", false],
    [table, "constructor", "anna@example.org", false],
    [new Map([["anna", ["anna@example.org"]]]), "anna", "anna@example.org", true],
    [(user, { local }) => user === local, "anna", "anna@example.org", true],
    [(user, { local }) => user === local, "anna", "bert@example.org", false],
    [async (user, { domainKey }) => `${user}.example` === domainKey, "anna", "x@ANNA.example", true],
    [async () => false, "anna", "anna@example.org", false],
  ];
  for (const [senders, user, from, allowed] of cases) {
    const what = typeof senders === "object" ? "a table" : String(senders);
    test(`${what}: ${user} ${allowed ? "may" : "may not"} send from ${from}`, async () => {
      const smtp = await open(senders === undefined ? {} : { senders }, user);
      const [reply] = await smtp.say(`MAIL FROM:<${from}>`);
      if (allowed) expectReply(reply, 250);
      else expectReply(reply, 550, "5.7.1", { by: "submission", text: `You may not send from ${from}` });
    });
  }

  test("anything but true from a function is no", async () => {
    for (const answer of ["yes", 1, Promise.resolve("yes"), undefined]) {
      // @ts-expect-error users without a compiler may answer anything
      const [reply] = await (await open({ senders: () => answer })).say("MAIL FROM:<anna@example.org>");
      expectReply(reply, 550, "5.7.1");
    }
  });

  test("a function that fails defers", async () => {
    const senders = () => Promise.reject(new Error("the directory is down"));
    const modules = [logins, submission({ senders })];
    const smtp = await dialogue({ modules, authWithoutTls: true, faults: "collect" });
    await smtp.auth("anna", "secret");
    const [reply] = await smtp.say("MAIL FROM:<anna@example.org>");
    expectReply(reply, 451, "4.3.0");
  });

  test("the null sender is no cause to refuse (RFC 6409 §3.2)", async () => {
    const { reply, edits } = await send(
      { senders: "same" },
      { from: "", headers: { From: "a@b.example" } },
      "a@b.example",
    );
    expectReply(reply, 250);
    assert.deepEqual(edits, []);
  });

  test("another module that accepts every sender changes nothing", async () => {
    const kind: ServerModule = { name: "kind", mail: () => accept(), rcpt: () => accept() };
    const smtp = await dialogue({
      modules: [logins, kind, submission({ senders: "same" })],
      authWithoutTls: true,
    });
    await smtp.auth("anna@example.org", "secret");
    const [bert, anna, rcpt] = await smtp.say(
      "MAIL FROM:<bert@example.org>",
      "MAIL FROM:<anna@example.org>",
      "RCPT TO:<bert@sales>",
    );
    expectReply(bert, 550, "5.7.1");
    expectReply(anna, 250);
    expectReply(rcpt, 554, "5.1.2");
  });
});

describe("domains of the envelope are fully qualified (RFC 6409 §4.2)", () => {
  const cases: readonly [command: string, code: number, enhanced: string][] = [
    ["MAIL FROM:<anna@sales>", 554, "5.1.8"],
    ["MAIL FROM:<anna@localhost>", 554, "5.1.8"],
    ["MAIL FROM:<anna@sales.example>", 250, "2.1.0"],
    ["MAIL FROM:<anna@[192.0.2.1]>", 250, "2.1.0"],
    ["MAIL FROM:<anna>", 501, "5.1.7"],
    ["RCPT TO:<bert@sales>", 554, "5.1.2"],
    ["RCPT TO:<bert>", 501, "5.1.3"],
    ["RCPT TO:<bert@[IPv6:2001:db8::1]>", 250, "2.1.5"],
    ["RCPT TO:<postmaster>", 250, "2.1.5"],
  ];
  for (const [command, code, enhanced] of cases) {
    test(`${command} hears ${code} ${enhanced}`, async () => {
      const smtp = await open({});
      if (command.startsWith("RCPT")) await smtp.say("MAIL FROM:<anna@example.org>");
      const [reply] = await smtp.say(command);
      expectReply(reply, code, enhanced);
    });
  }
});

describe("recipients of a user who has logged in", () => {
  const cases: readonly [user: string, options: SubmissionOptions, to: string, code: number, by: string][] = [
    ["anna", {}, "bert@elsewhere.example", 250, "submission"],
    ["anna", {}, "local@example.org", 250, "recipients"],
    ["anna", {}, "unknown@example.org", 550, "recipients"],
    ["anna", { relay: false }, "bert@elsewhere.example", 550, "default"],
    [nobody, {}, "bert@elsewhere.example", 550, "default"],
    [nobody, { everyone: true }, "bert@elsewhere.example", 550, "default"],
  ];
  for (const [user, options, to, code, by] of cases) {
    test(`${user || "nobody"} to ${to}, ${JSON.stringify(options)}: ${code} by ${by}`, async () => {
      const smtp = await open(options, user);
      if (user === nobody) await smtp.say("EHLO client.test");
      const [, reply] = await smtp.say("MAIL FROM:<anna@example.org>", `RCPT TO:<${to}>`);
      expectReply(reply, code, { by });
    });
  }
});

async function sendRaw(
  options: SubmissionOptions,
  header: string,
  from = "anna@example.org",
): Promise<MailResult> {
  return send(options, { from, data: `${header}\n\nHello\n` });
}

describe("headers that are refused (RFC 6409 §6.3)", () => {
  const cases: readonly [header: string, text: string][] = [
    ["Subject: a", "Message has no From field"],
    ["From: a@b.example\nFrom: a@b.example", "Message has 2 From fields"],
    ["From: a@b.example\nSender: a@b.example\nSender: a@b.example", "Message has 2 Sender fields"],
    ["From: ", "From has no address"],
    ["From: Nobody:;", "From has no address"],
    ["From: anna", "From has an address that is not valid"],
    ["From: a@b.example\nTo: bert", "To has an address that is not valid"],
    ["From: a@b.example\nCC: <bert@c.example", "CC has an address that is not valid"],
    ["From: anna@sales", "From: the domain sales is not fully qualified"],
    [
      "From: a@b.example\nReply-To: x@c.example, y@localhost",
      "Reply-To: the domain localhost is not fully qualified",
    ],
    ["From: a@b.example\nSender: a@b.example, c@d.example", "Sender is not one address"],
    ["From: a@b.example\nSender:", "Sender is not one address"],
    [`From: ${"a@b.example,".repeat(101)}`, "From has more than 100 addresses"],
    [
      "From: a@b.example, c@d.example",
      "From has several addresses, and no Sender field says who of them sent it",
    ],
  ];
  for (const [header, text] of cases) {
    test(`${JSON.stringify(header.slice(0, 60))}: ${text}`, async () => {
      const { reply } = await sendRaw({}, header);
      expectReply(reply, 554, "5.6.0", { by: "submission", stage: "headers", text });
    });
  }

  const strict: readonly [header: string, text: string][] = [
    ["Subject: a\nSubject: b", "Message has 2 Subject fields"],
    ["Date: x\ndate: y", "Message has 2 Date fields"],
    ["no field", "Line 2 of the fields is no header field"],
    ["X-A: a\0b", "X-A has a NUL, CR or LF"],
    ["Subject: Grüße", "Subject has non-ASCII characters and needs SMTPUTF8"],
    [`Subject: ${"x".repeat(990)}`, "Subject has a line longer than 998 octets"],
    ["Subject: a\n \n b", "Subject has a line of blanks only"],
    ["To: b@c.example <b@c.example>", "To has an address that is not valid"],
  ];
  for (const [header, text] of strict) {
    test(`${JSON.stringify(header.slice(0, 60))}: only when strict`, async () => {
      const whole = `From: a@b.example\n${header}`;
      expectReply((await sendRaw({}, whole)).reply, 250);
      expectReply((await sendRaw({ strict: true }, whole)).reply, 554, "5.6.0", { text });
    });
  }

  test("strict takes non-ASCII in a message declared SMTPUTF8 (RFC 6532 §3.2)", async () => {
    const { reply } = await sendRaw(
      { strict: true },
      "From: a@b.example\nSubject: Grüße",
      "<a@b.example> SMTPUTF8",
    );
    expectReply(reply, 250);
  });
});

describe("Sender (RFC 6409 §8.1)", () => {
  const senders = { anna: ["@anna.example", "anna@example.org", "info@example.org"] };
  const cases: readonly [options: SubmissionOptions, header: string, sender: string | undefined][] = [
    [{ senders }, "From: info@example.org", undefined],
    [{ senders }, "From: boss@example.org", "anna@example.org"],
    [{ senders }, "From: boss@example.org\nSender: info@example.org", "info@example.org"],
    [{ senders }, "From: boss@example.org\nSender: bert@example.org", "anna@example.org"],
    [{ senders }, "From: info@example.org, boss@example.org", "anna@example.org"],
    [{ senders }, "From: info@example.org, b@c.example\nSender: b@c.example", "anna@example.org"],
    [{ senders, sender: "off" }, "From: boss@example.org", undefined],
    [{ senders: () => true }, "From: boss@example.org", undefined],
    [{ senders: (_, { local }) => local === "anna" }, "From: boss@example.org", "anna@example.org"],
    [{}, "From: boss@example.org", undefined],
  ];
  for (const [options, header, sender] of cases) {
    test(`is ${sender ?? "absent"} after ${JSON.stringify(header)}`, async () => {
      const { delivered, reply } = await sendRaw(options, header);
      expectReply(reply, 250);
      assert.deepEqual(delivered?.headers.all("Sender"), sender === undefined ? [] : [sender]);
    });
  }

  test("is the user's name, where that is an address, for several authors without a Sender", async () => {
    const data = "From: a@b.example, c@d.example\n\nHello\n";
    const { delivered } = await send({}, { data }, "anna@example.org");
    assert.equal(delivered?.headers.get("Sender"), "anna@example.org");
    const alone = await send({ sender: "off" }, { data }, "anna@example.org");
    expectReply(alone.reply, 554, "5.6.0");
  });

  test("is not one that needs SMTPUTF8, in a message without it (RFC 6531 §3.4)", async () => {
    const options = { senders: { anna: ["ännä@example.org", "anna@example.org"] } };
    const { delivered } = await sendRaw(options, "From: boss@example.org");
    assert.equal(delivered?.headers.get("Sender"), undefined);
    const utf8 = await sendRaw(options, "From: boss@example.org", "<anna@example.org> SMTPUTF8");
    assert.equal(utf8.delivered?.headers.get("Sender"), "ännä@example.org");
  });

  const refused: readonly [header: string, address: string | undefined][] = [
    ["From: info@example.org", undefined],
    ["From: boss@example.org", "boss@example.org"],
    ["From: anna@example.org, boss@example.org\nSender: anna@example.org", "boss@example.org"],
    ["From: anna@example.org\nSender: boss@example.org", "boss@example.org"],
  ];
  for (const [header, address] of refused) {
    test(`with "reject" ${JSON.stringify(header)} hears ${address === undefined ? 250 : 550}`, async () => {
      const { reply } = await sendRaw({ senders, sender: "reject" }, header);
      if (address === undefined) expectReply(reply, 250);
      else expectReply(reply, 550, "5.7.1", { text: `You may not send from ${address}`, stage: "headers" });
    });
  }
});

describe("what is mended (RFC 6409 §8)", () => {
  const whole = "From: a@b.example\nDate: Tue, 14 Nov 2023 22:13:20 +0100\nMessage-ID: <1@b.example>";

  test("nothing in a message that is whole", async () => {
    const { edits, log } = await sendRaw({}, whole);
    assert.deepEqual(edits, []);
    assert.deepEqual(log, []);
  });

  test("Date and Message-ID are added below the others, and the log says so", async () => {
    const smtp = await open({});
    const { delivered, log } = await smtp.mail({ data: "From: a@b.example\n\nHello\n" });
    const now = new Date(smtp.clock.now()).toUTCString().replace("GMT", "+0000");
    const fields = delivered?.headers.fields.slice(1).map(({ name, value }) => `${name}: ${value}`);
    const id = delivered?.headers.get("Message-ID") ?? "";
    assert.match(id, /^<[0-9a-z]+\.TEST\d+@mx\.test>$/);
    assert.deepEqual(fields, ["From: a@b.example", `Date: ${now}`, `Message-ID: ${id}`]);
    assert.deepEqual(
      log.map(({ message }) => message),
      ["mended: added Date, added Message-ID"],
    );
  });

  test("Date and Message-ID that are none are replaced in their places", async () => {
    const { delivered } = await sendRaw({}, "date: yesterday\nMessage-Id: 1\nFrom: a@b.example");
    const names = delivered?.headers.fields.slice(1).map(({ name }) => name);
    assert.deepEqual(names, ["Date", "Message-ID", "From"]);
    assert.match(delivered?.headers.get("Message-ID") ?? "", /^<.*@mx\.test>$/);
  });

  test("Bcc and Return-Path do not go out (RFC 5322 §3.6.3, RFC 5321 §4.4)", async () => {
    const header = `Return-Path: <x@y.example>\n${whole}\nBCC: b@c.example,\n  d@e.example\nBcc: f@g.example\nResent-Bcc: h@i.example`;
    const { delivered } = await sendRaw({}, header);
    assert.deepEqual(
      delivered?.headers.fields.slice(1).map(({ name }) => name),
      ["From", "Date", "Message-ID"],
    );
    const kept = await sendRaw({ bcc: "keep" }, header);
    assert.equal(kept.delivered?.headers.count("Bcc"), 2);
    assert.equal(kept.delivered.headers.count("Return-Path"), 0);
  });

  test("only messages of users who have logged in, unless for everyone", async () => {
    const mail = { to: "local@example.org", data: "Bcc: a@b.example\n\nHello\n" };
    const passed = await (await open({}, nobody)).mail(mail);
    expectReply(passed.reply, 250);
    assert.deepEqual(passed.edits, []);
    const all = await (await open({ everyone: true }, nobody)).mail(mail);
    expectReply(all.reply, 554, "5.6.0");
  });

  test("other fields and the body keep every octet and their order, whatever they hold", async () => {
    const touched = new Set(["sender", "date", "message-id", "bcc", "resent-bcc", "return-path"]);
    const value = fc.array(
      fc.oneof(
        fc.constantFrom("a", " ", "\r\n ", "\r\n\t", "x: y", ",", "\0", "=?utf-8?q?=0D=0AX:_y?=", "ü"),
        fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\n]/g, "_")),
      ),
      { maxLength: 12 },
    );
    const field = fc.tuple(
      fc.constantFrom(
        "X-A",
        "Subject",
        "References",
        "Comments",
        "Bcc",
        "Date",
        "Message-ID",
        "Return-Path",
        "Resent-Bcc",
      ),
      value.map((parts) => parts.join("")),
    );
    const smtp = await open({ senders: { anna: ["anna@example.org"] } });
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 6 }), fc.nat(6), async (fields, place) => {
        const lines = fields.map(([name, text]) => Buffer.from(`${name}: ${text}\r\n`));
        const sent = Buffer.concat(lines.toSpliced(place, 0, Buffer.from("From: b@c.example\r\n")));
        const body = Buffer.from("\r\nX-Body: 1\r\n\r\n..\r\n");
        const { reply, delivered } = await smtp.mail({
          from: "anna@example.org",
          data: Buffer.concat([sent, body]),
        });
        if (reply.code === 554)
          return assert.match(reply.text, /address that is not valid|not fully qualified/);
        expectReply(reply, 250);
        assert.ok(delivered !== undefined);
        const kept = (block: HeaderBlock): Buffer =>
          Buffer.concat(block.fields.filter(({ key }) => !touched.has(key)).map(({ raw }) => raw));
        const after = new HeaderBlock(Buffer.concat(delivered.headers.fields.slice(1).map(({ raw }) => raw)));
        assert.deepEqual(kept(after).toString("latin1"), kept(new HeaderBlock(sent)).toString("latin1"));
        assert.ok(Buffer.from(delivered.raw).subarray(delivered.headers.size).equals(body));
        for (const name of ["Date", "Message-ID", "Sender"]) assert.ok(after.count(name) >= 1, name);
        for (const name of ["Bcc", "Resent-Bcc", "Return-Path"]) assert.equal(after.count(name), 0, name);
      }),
    );
  });
});
