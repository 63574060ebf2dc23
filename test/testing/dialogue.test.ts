// A client without a socket: commands and replies, who decided them, and what becomes of modules that wait or fail.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fact } from "../../src/hooks/facts.ts";
import type { AnyModule, Module } from "../../src/hooks/module.ts";
import {
  accept,
  defer,
  discard as throwAway,
  disconnect,
  quarantine,
  queued,
  reject,
} from "../../src/hooks/verdict.ts";
import { discard } from "../../src/modules/discard.ts";
import { dnsbl, dnsblResult } from "../../src/modules/dnsbl.ts";
import { greeting } from "../../src/modules/greeting.ts";
import { recipients } from "../../src/modules/recipients.ts";
import {
  dialogue,
  expectDecisions,
  expectReply,
  fakeClock,
  fakeDns,
  fakeIds,
  takesAll,
  takesMessages,
} from "../../src/testing/index.ts";

const waits = (ms: number): Module => ({
  name: "waits",
  rcpt: ({ clock }) => new Promise((resolve) => void clock.after(ms, () => resolve(defer("4.2.1", "Busy")))),
});
const throws: Module = {
  name: "throws",
  rcpt: () => {
    throw new RangeError("no such table");
  },
};

describe("dialogue", () => {
  test("connects the client it was told, with the DNS and clock it was given", async () => {
    const dns = fakeDns({ "9.2.0.192.zen.example": { A: ["127.0.0.2"] } });
    const clock = fakeClock();
    const modules = [dnsbl({ zones: ["zen.example"] })];
    const smtp = await dialogue({ modules, client: { address: "192.0.2.9" }, dns, clock });
    expectReply(smtp.greeting, 554, { by: "dnsbl", stage: "connect", verdict: "reject" });
    assert.equal(smtp.facts.get(dnsblResult)?.score, 1);
    assert.equal(smtp.clock, clock);
    assert.deepEqual(dns.asked, ["A 9.2.0.192.zen.example"]);
  });

  test("gives each command its reply, with who decided", async () => {
    const smtp = await dialogue({ modules: [recipients({ domains: ["example.test"] })] });
    expectReply(smtp.greeting, 220, { by: "default", text: "mx.test ESMTP" });
    const [ehlo, mail, mine, other] = await smtp.say(
      "EHLO client.test",
      "MAIL FROM:<a@b.test>",
      "RCPT TO:<c@example.test>",
      "RCPT TO:<c@other.test>",
    );
    expectReply(ehlo, 250, { by: "default", stage: "helo" });
    assert.equal(ehlo.lines[0], "250-mx.test");
    assert.match(ehlo.text, /^mx\.test\nPIPELINING\nSIZE /);
    expectReply(mail, 250, "2.1.0", { by: "default" });
    expectReply(mine, 250, "2.1.5", { by: "recipients", verdict: "accept" });
    assert.equal(other.code, 550);
    assert.equal(other.to, "RCPT TO:<c@other.test>");
    assert.equal(smtp.replies.length, 5);
  });

  test("gives 0 for lines that have no reply", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const said = await smtp.say("EHLO x.test", "MAIL FROM:<>", "RCPT TO:<a@b.test>", "DATA", "A: 1", "", ".");
    assert.deepEqual(
      said.map(({ code }) => code),
      [250, 250, 250, 354, 0, 0, 250],
    );
  });

  test("names the limit that answered", async () => {
    const smtp = await dialogue({ modules: [takesAll()], limits: { recipients: 1, errors: 1 } });
    const [, , , second] = await smtp.say(
      "EHLO x.test",
      "MAIL FROM:<>",
      "RCPT TO:<a@b.test>",
      "RCPT TO:<c@b.test>",
    );
    expectReply(second, 452, "4.5.3", { by: "limits.recipients" });
    const [invalid] = await smtp.say("XYZZY");
    expectReply(invalid, 500);
    expectReply(smtp.replies.at(-1), 421, "4.7.0", { by: "limits.errors" });
    assert.equal(smtp.closed, true);
    await assert.rejects(
      smtp.say("NOOP"),
      /connection is closed; the last that the server said was: 421 4\.7\.0/,
    );
  });

  test("sends bytes as they are, in one piece", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const replies = await smtp.send("EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nNO");
    assert.deepEqual(
      replies.map(({ code }) => code),
      [250, 250, 250],
    );
    assert.equal((await smtp.send("OP\r\n")).length, 1);
  });

  test("sends before the greeting what the client is early with", async () => {
    const clock = fakeClock();
    const opening = dialogue({ modules: [greeting({ delay: 5_000 })], clock, early: "EHLO x.test\r\n" });
    await clock.advance(5_000);
    const smtp = await opening;
    expectReply(smtp.greeting, 554, { by: "greeting" });
  });

  test("goes under TLS, and tells the modules what the test says of it", async () => {
    const versions: (string | undefined)[] = [];
    const module: Module = { name: "looks", helo: ({ session }) => void versions.push(session.tls?.version) };
    const smtp = await dialogue({ modules: [module], tls: { version: "TLSv1.2" } });
    const [, starttls] = await smtp.say("EHLO x.test", "STARTTLS", "EHLO x.test");
    expectReply(starttls, 220);
    assert.deepEqual(versions, [undefined, "TLSv1.2"]);
  });

  test("authenticates", async () => {
    const login: AnyModule = {
      name: "login",
      auth: ({ username, password }) => (password === "secret" && username === "tim" ? accept() : undefined),
    };
    const smtp = await dialogue({ modules: [login], authWithoutTls: true });
    expectReply(await smtp.auth("tim", "wrong"), 535, "5.7.8", { by: "default" });
    expectReply(await smtp.auth("tim", "secret"), 235, { by: "login" });
    const plain = await dialogue({ modules: [login] });
    expectReply(await plain.auth("tim", "secret"), 538);
  });

  test("connects further clients to the same modules", async () => {
    const seen: string[] = [];
    const module: Module = { name: "counts", connect: ({ client }) => void seen.push(client.address) };
    const smtp = await dialogue({ modules: [module], client: { address: "192.0.2.9" } });
    await smtp.connect();
    const third = await smtp.connect({ address: "2001:db8::1" });
    assert.deepEqual(seen, ["192.0.2.9", "192.0.2.9", "2001:db8::1"]);
    assert.equal(third.decisions.length, 2);
  });

  test("makes the same ids in every run", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const { reply, delivered } = await smtp.mail();
    assert.equal(reply.text, `Ok: queued as ${delivered?.id}`);
    const again = await (await dialogue({ modules: [takesAll()] })).mail();
    assert.equal(again.delivered?.id, delivered?.id);
    const other = await dialogue({ modules: [takesAll()], ids: fakeIds("X") });
    assert.match((await other.mail()).reply.text, /queued as X\d$/);
    assert.throws(() => fakeIds("a b"), TypeError);
  });

  test("tells the modules when the client has gone", async () => {
    let aborted = false;
    const module: Module = {
      name: "listens",
      helo: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            aborted = true;
            resolve();
          });
        }),
    };
    const smtp = await dialogue({ modules: [module] });
    const pending = smtp.say("EHLO x.test");
    await smtp.hangUp();
    await pending;
    assert.equal(aborted, true);
    assert.equal(smtp.closed, true);
  });

  test("rejects as the server does when the modules cannot be used", async () => {
    const wrong = [{ name: "a" }, { name: "a" }];
    await assert.rejects(dialogue({ modules: wrong }), { name: "ModuleError", message: /^modules\[1\]/ });
  });
});

describe("time in a dialogue", () => {
  test("is moved while a call is under way", async () => {
    const clock = fakeClock();
    const smtp = await dialogue({ modules: [waits(2_000)], clock });
    await smtp.say("EHLO x.test", "MAIL FROM:<>");
    const pending = smtp.say("RCPT TO:<a@b.test>");
    await clock.advance(2_000);
    const [reply] = await pending;
    expectReply(reply, 450, "4.2.1", { by: "waits" });
    assert.equal(reply.decision?.ms, 2_000);
  });

  test("passes the deadline of a hook, which is then a fault", async () => {
    const clock = fakeClock();
    const slow: Module = { name: "slow", rcpt: { timeout: 1_000, handler: () => new Promise(() => {}) } };
    const smtp = await dialogue({ modules: [slow], clock, faults: "collect" });
    await smtp.say("EHLO x.test", "MAIL FROM:<>");
    const pending = smtp.say("RCPT TO:<a@b.test>");
    await clock.advance(1_000);
    expectReply((await pending)[0], 451, "4.3.0", { by: "slow", verdict: "fault" });
    assert.deepEqual(
      smtp.faults.map(({ reason }) => reason),
      ["timeout"],
    );
  });

  test("that nobody moves ends with who is waiting for what", async () => {
    const smtp = await dialogue({ modules: [waits(2_000)], patienceMs: 20 });
    await smtp.say("EHLO x.test", "MAIL FROM:<>");
    await assert.rejects(smtp.say("RCPT TO:<a@b.test>"), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^No reply after 20 ms of real time: module "waits" is busy at rcpt\n/);
      assert.match(error.message, /stands at 0 ms, with deadlines in 2000, 30000 ms/);
      assert.match(error.message, /await clock\.advance/);
      return true;
    });
  });
});

describe("faults of modules", () => {
  test("make the call reject, with the error of the module", async () => {
    const smtp = await dialogue({ modules: [throws] });
    await smtp.say("EHLO x.test", "MAIL FROM:<>");
    await assert.rejects(smtp.say("RCPT TO:<a@b.test>"), (error) => {
      assert.ok(error instanceof Error && error.cause instanceof RangeError);
      assert.match(error.message, /^module "throws" failed at rcpt \(threw\): RangeError: no such table\n/);
      return true;
    });
  });

  test("do so too where the hook says that mail goes on", async () => {
    const modules = [
      { name: "quiet", rcpt: { handler: throws.rcpt as () => void, onError: "continue" as const } },
      takesAll(),
    ];
    await assert.rejects((await dialogue({ modules })).mail(), /module "quiet" failed at rcpt/);
  });

  test("can be collected, to see what the client hears", async () => {
    const smtp = await dialogue({ modules: [throws], faults: "collect" });
    const result = await smtp.mail();
    expectReply(result.reply, 451, "4.3.0", { by: "throws", verdict: "fault" });
    assert.deepEqual(
      result.faults.map(({ module, reason }) => [module, reason]),
      [["throws", "threw"]],
    );
    assert.match(result.explain(), /RangeError: no such table$/);
  });

  test("are not hidden by the kit: a hook that says content: false and reads all the same fails", async () => {
    const liar: AnyModule = {
      name: "liar",
      rcpt: () => accept(),
      queue: {
        content: false,
        handler: async ({ message }) => ((await message.bytes()).length > 0 ? queued() : undefined),
      },
    };
    await assert.rejects(
      (await dialogue({ modules: [liar] })).mail(),
      /module "liar" failed at queue .*was not kept/,
    );
  });
});

describe("mail", () => {
  const tag = fact<string>("tag");
  const tagger: Module = {
    name: "tagger",
    mail: ({ facts }) => facts.set(tag, "suspect"),
    message({ edit, log }) {
      edit.addHeader("X-Tag", "yes");
      edit.removeRecipient("b@example.test");
      log.info("tagged", { count: 1 });
    },
  };

  test("does a whole transaction and tells what came of it", async () => {
    const smtp = await dialogue({ modules: [tagger, takesAll()] });
    const result = await smtp.mail({ from: "a@client.test", to: ["b@example.test", "c@example.test"] });
    expectReply(result.mail, 250);
    assert.equal(result.rcpt.length, 2);
    expectReply(result.data, 354);
    expectReply(result.reply, 250, "2.0.0", { by: "takes-all", verdict: "queued" });
    assert.deepEqual(result.accepted, ["b@example.test", "c@example.test"]);
    assert.deepEqual(result.delivered?.recipients, ["c@example.test"]);
    assert.equal(result.delivered?.headers.get("x-tag"), "yes");
    assert.deepEqual(
      result.edits.map(({ module, action }) => `${module} ${action}`),
      ["tagger addHeader", "tagger removeRecipient"],
    );
    assert.equal(result.facts.get(tag), "suspect");
    assert.deepEqual(
      result.log.map(({ module, message }) => [module, message]),
      [["tagger", "tagged"]],
    );
    expectDecisions(result, ["rcpt accept takes-all", "rcpt accept takes-all", "queue queued takes-all"]);
  });

  test("sends a plausible message by default, the same in every run", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const { delivered } = await smtp.mail();
    assert.equal(delivered?.sender, "sender@client.test");
    assert.deepEqual(delivered?.recipients, ["user@example.test"]);
    assert.equal(
      Buffer.from(delivered?.raw ?? []).toString(),
      [
        "Received: from client.test (unknown [192.0.2.1])",
        "\tby mx.test with ESMTP id TEST1",
        "\tfor <user@example.test>; Thu, 1 Jan 2026 00:00:00 +0000",
        "From: sender@client.test",
        "To: user@example.test",
        "Subject: Test",
        "Date: Thu, 1 Jan 2026 00:00:00 +0000",
        "Message-ID: <1767225600000@client.test>",
        "",
        "Hello.",
        "",
      ]
        .join("\r\n")
        .replace("TEST1", delivered?.id ?? ""),
    );
  });

  test("takes fields and text, or the whole message, dots and all", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const parts = await smtp.mail({
      headers: { subject: "Ünïcode", Date: undefined, "X-Own": "1" },
      text: ".\n..a\n",
    });
    assert.equal(parts.delivered?.subject, "Ünïcode");
    assert.equal(parts.delivered?.headers.count("date"), 0);
    assert.equal(parts.delivered?.headers.get("x-own"), "1");
    assert.equal(parts.delivered?.text, ".\n..a\n");
    const whole = await smtp.mail({ data: ".Subject: x\n\n.\nno line end" });
    assert.equal(whole.delivered?.headers.get(".subject"), "x");
    assert.equal(Buffer.from(whole.delivered?.body ?? []).toString(), ".\r\nno line end\r\n");
    const bytes = Buffer.from("A: 1\r\n\r\n\xff\r\n", "latin1");
    const raw = await smtp.mail({ data: bytes });
    assert.ok(
      Buffer.from(raw.delivered?.raw ?? [])
        .toString("latin1")
        .endsWith("A: 1\r\n\r\n\xff\r\n"),
    );
  });

  test("takes parameters behind addresses, and the null sender", async () => {
    const smtp = await dialogue({ modules: [takesAll()] });
    const result = await smtp.mail({ from: "<ü@client.test> SMTPUTF8 SIZE=100", to: "<ß@example.test>" });
    assert.equal(result.delivered?.sender, "ü@client.test");
    assert.equal(result.delivered?.envelope.parameters.get("SIZE"), "100");
    assert.equal((await smtp.mail({ from: "" })).delivered?.sender, "");
  });

  const refusals: readonly [at: string, module: AnyModule, code: number][] = [
    ["connect", { name: "m", connect: () => reject("5.7.1", "No") }, 554],
    ["connect, with a hang-up", { name: "m", connect: () => disconnect() }, 421],
    ["helo", { name: "m", helo: () => reject("5.7.1", "No") }, 550],
    ["mail", { name: "m", mail: () => defer("4.7.1", "Later") }, 451],
    ["rcpt", { name: "m", rcpt: () => reject("5.1.1", "No") }, 550],
    ["rcpt, with a hang-up", { name: "m", rcpt: () => disconnect() }, 421],
    ["data", { name: "m", data: () => reject("5.7.1", "No") }, 554],
    ["headers", { name: "m", headers: () => reject("5.7.1", "No") }, 550],
    ["message", { name: "m", message: () => reject("5.7.1", "No") }, 550],
    ["queue", { name: "m", queue: () => defer("4.3.1", "Full") }, 451],
  ];
  for (const [at, module, code] of refusals) {
    test(`ends with the reply of a refusal at ${at}`, async () => {
      const smtp = await dialogue({ modules: [module, takesAll()] });
      const result = await smtp.mail();
      expectReply(result.reply, code, { by: "m" });
      assert.equal(result.delivered, undefined);
      if (!smtp.closed && smtp.greeting.code === 220) expectReply((await smtp.say("NOOP"))[0], 250);
    });
  }

  test("goes on with the recipients that were accepted, and leaves no transaction open", async () => {
    const smtp = await dialogue({ modules: [recipients({ domains: ["example.test"] }), takesMessages()] });
    const result = await smtp.mail({ to: ["a@other.test", "b@example.test"] });
    expectReply(result.rcpt[0], 550, { by: "default" });
    assert.deepEqual(result.accepted, ["b@example.test"]);
    assert.deepEqual(result.delivered?.recipients, ["b@example.test"]);
    const refused = await smtp.mail({ to: "a@other.test" });
    expectReply(refused.reply, 550);
    expectReply((await smtp.mail({ to: "b@example.test" })).reply, 250);
  });

  test("keeps what belongs to one transaction apart from the next", async () => {
    const smtp = await dialogue({ modules: [tagger, takesAll()] });
    await smtp.mail({ to: ["b@example.test", "c@example.test"] });
    const second = await smtp.mail({ to: "c@example.test" });
    assert.equal(second.edits.length, 2);
    assert.equal(second.decisions.filter(({ stage }) => stage === "mail").length, 1);
    assert.equal(smtp.messages.length, 2);
  });

  test("shows quarantine, and that discarded messages were not taken", async () => {
    const keep: Module = { name: "keep", message: () => quarantine("odd") };
    const { delivered } = await (await dialogue({ modules: [keep, takesAll()] })).mail();
    assert.deepEqual(delivered?.quarantine, { reason: "odd", module: "keep" });
    const away: AnyModule = { name: "away", mail: () => throwAway() };
    const result = await (await dialogue({ modules: [away, takesAll()] })).mail();
    expectReply(result.reply, 250);
    assert.equal(result.delivered, undefined);
  });

  test("tells the message from the notification about refused recipients", async () => {
    const fussy: Module = {
      name: "fussy",
      message: ({ refuse }) => refuse("a@example.test", reject("5.7.1", "Not for me")),
    };
    const smtp = await dialogue({ modules: [fussy, takesAll()], mixedVerdicts: "bounce" });
    const result = await smtp.mail({ to: ["a@example.test", "b@example.test"] });
    expectReply(result.reply, 250);
    assert.deepEqual(result.delivered?.recipients, ["b@example.test"]);
    assert.deepEqual(
      result.notifications.map(({ sender, recipients: to }) => [sender, ...to]),
      [["", "sender@client.test"]],
    );
  });

  test("says so when the server kept no message since no module reads one", async () => {
    const smtp = await dialogue({ modules: [recipients({ domains: ["example.test"] }), discard()] });
    const { delivered } = await smtp.mail();
    assert.deepEqual(delivered?.recipients, ["user@example.test"]);
    assert.throws(() => delivered?.text, /no module of the chain reads it.*takesAll\(\)/);
  });
});
