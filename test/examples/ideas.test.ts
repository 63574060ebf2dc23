// The examples of one idea each do what they say, have at most 30 lines, and are in the list of docs/README.md.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createTransport } from "nodemailer";
import { transport } from "../../examples/add-header.ts";
import { counter } from "../../examples/count.ts";
import { reverseNames, trustNames } from "../../examples/facts.ts";
import { footer } from "../../examples/footer.ts";
import { greylist } from "../../examples/greylist.ts";
import { noBigAttachments } from "../../examples/no-big-attachments.ts";
import { time } from "../../examples/own-verb.ts";
import { receiveParsed } from "../../examples/parse-mail.ts";
import { sizeByRecipient } from "../../examples/refuse-recipient.ts";
import { honestNames } from "../../examples/reject-by-helo.ts";
import { submissionServer } from "../../examples/submission.ts";
import type { Module } from "../../src/hooks/module.ts";
import { accept } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { fakeDns } from "../../src/testing/fake-dns.ts";
import { Child, converse, directoryWith, repository } from "../cli/program.ts";
import { mail, serve } from "./support.ts";

describe("examples of one idea", () => {
  const files = globSync("examples/*.ts", { cwd: repository }).filter(
    (file) => !file.endsWith("every-hook.ts"),
  );

  test("are twelve or more, of at most 30 lines each", () => {
    assert.ok(files.length >= 12);
    for (const file of files) {
      const lines = readFileSync(join(repository, file), "utf8").trimEnd().split("\n").length;
      assert.ok(lines <= 30, `${file} has ${lines} lines`);
    }
  });

  test("are all in the list of docs/README.md", () => {
    const list = readFileSync(join(repository, "docs", "README.md"), "utf8");
    for (const file of files) assert.ok(list.includes(`](../${file})`), file);
  });
});

test("receive-mail receives mail in ten lines, save imports", async (t) => {
  const program = readFileSync(join(repository, "examples", "receive-mail.ts"), "utf8");
  const lines = program.trimEnd().split("\n");
  assert.equal(lines.slice(lines.findIndex((line) => line.startsWith("const"))).length, 9);
  const anyPort = program.replace("createServer({", "createServer({ listen: [{ port: 0 }],");
  const child = new Child(t, directoryWith(t, { "server.ts": anyPort }), "server.ts");
  const [, port] = await child.waitFor(/listening on port (\d+)/);
  const replies = await converse(Number(port), [
    ...mail("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHello").map((line) => line.replace("\r", "")),
    "QUIT",
  ]);
  assert.match(replies, /^250 2\.0\.0 Ok: queued/m);
  await child.waitFor(/me@example\.org wrote "Grüße":\n[^]*Hello/);
});

describe("reject-by-helo", () => {
  const cases: readonly [name: string, reply: RegExp][] = [
    ["mx.test", /^550 5\.7\.1 That is my name, not yours$/],
    ["MX.TEST", /^550 5\.7\.1 That is my name, not yours$/],
    ["localhost", /^550 5\.7\.1 localhost is not a fully qualified name$/],
    ["client.example", /^250-mx\.test\r\n/],
    ["[192.0.2.1]", /^250-mx\.test\r\n/],
    ["[IPv6:2001:db8::1]", /^250-mx\.test\r\n/],
  ];
  for (const [name, reply] of cases) {
    test(`answers EHLO ${name} with ${reply.source}`, async () => {
      const [heard] = await serve({ modules: [honestNames] }).converse([`EHLO ${name}`]);
      assert.match(heard ?? "", reply);
    });
  }
});

describe("greylist", () => {
  test("defers a new triplet, and lets it through after the wait", async () => {
    const { converse: say, clock, taken } = serve({ modules: [greylist({ waitMs: 60_000 })] });
    const lines = mail("Subject: a\r\n\r\nb").slice(0, 3);
    assert.match((await say(lines)).at(-1) ?? "", /^450 4\.7\.1 Greylisted/);
    clock.advance(59_999);
    assert.match((await say(lines)).at(-1) ?? "", /^450 4\.7\.1 Greylisted/);
    clock.advance(1);
    assert.match((await say(mail("Subject: a\r\n\r\nb"))).at(-1) ?? "", /^250 2\.0\.0 /);
    assert.equal(taken.length, 1);
  });

  test("forgets a triplet that does not come back, and keeps one that does", async () => {
    const days = (count: number) => count * 86_400_000;
    const { converse: say, clock } = serve({ modules: [greylist()] });
    const rcpt = async () => (await say(mail("").slice(0, 3))).at(-1) ?? "";
    assert.match(await rcpt(), /^450 /);
    clock.advance(days(1));
    assert.match(await rcpt(), /^450 /);
    clock.advance(300_000);
    assert.match(await rcpt(), /^250 /);
    clock.advance(days(35) - 1);
    assert.match(await rcpt(), /^250 /);
    clock.advance(days(35));
    assert.match(await rcpt(), /^450 /);
  });

  test("knows the longest addresses there are", async () => {
    const domain = `${"d".repeat(63)}.${"d".repeat(63)}.${"d".repeat(50)}.example`;
    const longest = `${"l".repeat(64)}@${domain}`;
    const { converse: say } = serve({ modules: [greylist()] });
    const lines = ["EHLO c.example", `MAIL FROM:<${longest}>`, `RCPT TO:<${longest}>`];
    assert.match((await say(lines)).at(-1) ?? "", /^450 4\.7\.1 Greylisted/);
  });
});

describe("refuse-recipient", () => {
  const limits = new Map([["small@example.test", 10]]);
  const large = `Subject: a\r\n\r\n${"x".repeat(20)}`;

  test("tells the client when the only recipient refuses", async () => {
    const { converse: say, taken } = serve({ modules: [sizeByRecipient(limits)] });
    const replies = await say(mail(large, ["small@example.test"]));
    assert.equal(replies.at(-1), "550 5.2.3 small@example.test takes 10 octets at most");
    assert.equal(taken.length, 0);
  });

  test("defers all by default when another recipient takes it", async () => {
    const { converse: say, taken } = serve({ modules: [sizeByRecipient(limits)] });
    const replies = await say(mail(large, ["small@example.test", "anna@example.test"]));
    assert.match(replies.at(-1) ?? "", /^451 4\.5\.0 /);
    assert.equal(taken.length, 0);
  });

  test("delivers to the others and notifies the sender with mixedVerdicts: bounce", async () => {
    const settings = { mixedVerdicts: "bounce" } as const;
    // The notification goes out only where a module vouches for the sender's address
    const vouch: Module = {
      name: "vouch",
      rcpt: ({ recipient }) => (recipient.domain === "example.org" ? accept() : undefined),
    };
    const { converse: say, taken } = serve({ modules: [sizeByRecipient(limits), vouch], settings });
    const replies = await say(mail(large, ["small@example.test", "anna@example.test"]));
    assert.match(replies.at(-1) ?? "", /^250 /);
    const to = taken.map((one) => one.to.join());
    assert.deepEqual(to.toSorted(), ["anna@example.test", "me@example.org"]);
  });
});

describe("footer", () => {
  const cases: readonly [what: string, header: string, gets: boolean][] = [
    ["a message without a type", "Subject: a", true],
    ["plain text", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", true],
    ["HTML", "Content-Type: text/html", false],
    ["base64", "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", false],
  ];
  for (const [what, header, gets] of cases) {
    test(`${gets ? "is added to" : "leaves alone"} ${what}`, async () => {
      const { converse: say, taken } = serve({ modules: [footer("Sent by example.test")] });
      await say(mail(`${header}\r\n\r\nHello`));
      const end = gets ? "\r\n\r\nHello\r\n-- \r\nSent by example.test\r\n" : "\r\n\r\nHello\r\n";
      const text = taken[0]?.text ?? "";
      assert.ok(text.endsWith(end), text);
    });
  }
});

test("add-header adds its field on top and removes forged ones", async () => {
  const { converse: say, taken } = serve({ modules: [transport] });
  await say(mail("X-Transport: forged\r\nSubject: a\r\n\r\nHello"));
  const text = taken[0]?.text ?? "";
  assert.match(text, /\r\nX-Transport: plain; EHLO; 192\.0\.2\.1\r\nSubject: a\r\n\r\nHello\r\n$/);
  assert.doesNotMatch(text, /forged/);
});

describe("no-big-attachments", () => {
  const mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--";
  const cases: readonly [what: string, message: string, size: number | undefined, reply: RegExp][] = [
    ["refuses a large one with attachments", mixed, 2000, /^552 5\.3\.4 Attachments of more than 1000 bytes/],
    ["takes a small one with attachments", mixed, 1000, /^250 /],
    ["takes a large one without", "Subject: a\r\n\r\nHello", 2000, /^250 /],
    ["takes one of undeclared size", mixed, undefined, /^250 /],
  ];
  for (const [what, message, size, reply] of cases) {
    test(what, async () => {
      const { converse: say } = serve({ modules: [noBigAttachments(1000)] });
      assert.match((await say(mail(message, undefined, size))).at(-1) ?? "", reply);
    });
  }
});

test("count counts decisions, faults and ends", async () => {
  const { counts, observe } = counter();
  const faulty = {
    name: "faulty",
    data() {
      throw new Error("on purpose");
    },
  };
  const { converse: say } = serve({ modules: [faulty], observers: [observe] });
  await say(mail("", ["anna@example.test", "bob@other.test"]).slice(0, 5));
  await say(["QUIT"]);
  const expected = {
    "rcpt accept recipients": 1,
    "rcpt default default": 1,
    "data fault faulty": 1,
    "fault threw faulty": 1,
    "closed client": 1,
    "closed quit": 1,
  };
  for (const [what, count] of Object.entries(expected)) assert.equal(counts.get(what), count, what);
});

describe("submission", () => {
  const fixture = (name: string): Buffer => readFileSync(join(repository, "test", "fixtures", "tls", name));
  const hashOf = (password: string, user: string): Buffer =>
    createHash("sha256").update(`${user}\0${password}`).digest();
  const user = "anna@example.org";
  const users = new Map([[user, hashOf("secret", user)]]);
  const cases: readonly [pass: string, secure: boolean, from: string, outcome: RegExp][] = [
    ["secret", true, user, /^250 /],
    ["secret", true, "bert@example.org", /550 5\.7\.1/],
    ["wrong", true, user, /535 5\.7\.8/],
    ["secret", false, user, /530 5\.7\.0/], // no AUTH on offer
  ];
  for (const [pass, secure, from, outcome] of cases) {
    test(`from ${from} with the password "${pass}" ${secure ? "under" : "without"} TLS`, async () => {
      const taken: [sender: string, bcc: number][] = [];
      const tls = { cert: fixture("localhost-cert.pem"), key: fixture("localhost-key.pem") };
      await using server = submissionServer(0, tls, users, hashOf, ({ envelope, message }) => {
        taken.push([envelope.sender.toString(), message.headers.count("Bcc")]);
      });
      const [address] = await server.listen();
      const client = createTransport({
        host: "127.0.0.1",
        port: address?.port,
        requireTLS: secure,
        ignoreTLS: !secure,
        tls: { ca: fixture("localhost-cert.pem") },
        auth: { user, pass },
      });
      const envelope = { from, to: ["bob@elsewhere.test", "carl@elsewhere.test"] };
      const raw = `From: ${from}\r\nTo: bob@elsewhere.test\r\nBcc: carl@elsewhere.test\r\n\r\nHello\r\n`;
      const heard = await client.sendMail({ envelope, raw }).then(
        ({ response }) => response,
        (error: Error) => error.message,
      );
      client.close();
      assert.match(heard, outcome);
      assert.deepEqual(taken, outcome.test("250 ") ? [[user, 0]] : []);
    });
  }
});

test("own-verb lists XTIME in EHLO and answers it", async () => {
  const { converse: say } = serve({ modules: [time] });
  const [ehlo, iso, seconds, wrong, other] = await say([
    "EHLO client.example",
    "XTIME",
    "XTIME seconds",
    "XTIME never",
    "XOTHER",
  ]);
  assert.match(ehlo ?? "", /^250[ -]XTIME$/m);
  assert.equal(iso, "250 2.0.0 2023-11-14T22:13:20.000Z");
  assert.equal(seconds, "250 2.0.0 1700000000");
  assert.equal(wrong, "501 5.5.4 XTIME wants seconds or iso");
  assert.match(other ?? "", /^500 5\.5\.1 /);
});

describe("facts", () => {
  const cases: readonly [names: readonly string[] | "servfail", reply: RegExp][] = [
    [["mx.partner.example"], /^250 /],
    [["mx.other.example"], /^550 5\.7\.1 /],
    ["servfail", /^550 5\.7\.1 /],
  ];
  for (const [names, reply] of cases) {
    test(`from ${names.toString()}: ${reply.source}`, async () => {
      const dns = fakeDns({ "192.0.2.1": { PTR: names } });
      const { converse: say } = serve({ modules: [reverseNames, trustNames("partner.example")], dns });
      const replies = await say(mail("", ["bob@elsewhere.test"]).slice(0, 3));
      assert.match(replies.at(-1) ?? "", reply);
    });
  }
});

test("parse-mail hands over text and attachments", async () => {
  const heard: unknown[] = [];
  const parsed = receiveParsed(({ subject, text, attachments }, to) => {
    heard.push([subject, text?.trim(), attachments.map(({ filename }) => filename), to]);
  });
  const server = createMemoryServer({ modules: [recipients({ domains: ["example.test"] }), parsed] });
  const client = server.connect();
  await client.say("");
  const message = [
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=b",
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "Hello",
    "--b",
    'Content-Type: text/csv; name="a.csv"',
    'Content-Disposition: attachment; filename="a.csv"',
    "",
    "1,2",
    "--b--",
  ].join("\r\n");
  let reply = "";
  for (const line of mail(message)) reply = await client.say(`${line}\r\n`);
  assert.equal(reply, "250 2.0.0 Taken with 1 attachments\r\n");
  assert.deepEqual(heard, [["Grüße", "Hello", ["a.csv"], ["anna@example.test"]]]);
});
