// What the module dnsbl replies, at connect and at RCPT, and whom it spares there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DnsError } from "../../src/hooks/environment.ts";
import type { Module } from "../../src/hooks/module.ts";
import { accept } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { access } from "../../src/modules/access.ts";
import { dnsbl, dnsblResult } from "../../src/modules/dnsbl.ts";
import type { DnsblOptions, DnsblResult } from "../../src/modules/dnsbl.ts";
import { greetingOf, listDns, meet } from "./dnsbl-lists.ts";
import type { Answer } from "./dnsbl-lists.ts";

const refused554 = "554 192.0.2.1 is listed by bl.test\r\n";
const greeted = /^220 mx\.test/;
const failure = new DnsError("servfail", "broken");

describe("dnsbl replies", () => {
  const listed = { "A 1.2.0.192.bl.test": ["127.0.0.2"] };
  const because = {
    ...listed,
    "TXT 1.2.0.192.bl.test": ["spam {zone}, see https://bl.test/?192.0.2.1", "more"],
  };
  type Case = [
    what: string,
    options: Omit<DnsblOptions, "zones">,
    zone: Record<string, Answer>,
    reply: string,
  ];
  const cases: Case[] = [
    ["421 with `defer: true`", { defer: true }, listed, "421 192.0.2.1 is listed by bl.test\r\n"],
    [
      "with the text",
      { text: "{zone} has {address}, {address}" },
      listed,
      "554 bl.test has 192.0.2.1, 192.0.2.1\r\n",
    ],
    ["with a text of two lines", { text: ["No", "{zone}"] }, listed, "554-No\r\n554 bl.test\r\n"],
    [
      "with the reason of the list",
      { reasons: true },
      because,
      "554 192.0.2.1 is listed by bl.test: spam {zone}, see https://bl.test/?192.0.2.1\r\n",
    ],
    ["without the reason when there is none", { reasons: true }, listed, refused554],
    [
      "without the reason when it cannot be found",
      { reasons: true },
      { ...listed, "TXT 1.2.0.192.bl.test": failure },
      refused554,
    ],
    [
      "in one line whatever the reason holds",
      { reasons: true, text: "{reason}" },
      { ...listed, "TXT 1.2.0.192.bl.test": ["a\r\n250 ok"] },
      "554 a 250 ok\r\n",
    ],
  ];
  for (const [what, options, zone, reply] of cases) {
    test(what, async () => {
      const { connection } = meet({ zones: ["bl.test"], ...options }, zone);
      assert.equal(await greetingOf(connection), reply);
    });
  }

  test("with the words of the list that weighs most", async () => {
    const zones = [
      "a.test",
      { zone: "b.test", weight: 2, text: "b" },
      { zone: "c.test", weight: 2, text: "c" },
    ];
    const { connection } = meet(
      { zones, threshold: 5 },
      Object.fromEntries(["a", "b", "c"].map((name) => [`A 1.2.0.192.${name}.test`, ["127.0.0.2"]])),
    );
    assert.equal(await greetingOf(connection), "554 b\r\n");
  });

  test("asks for a reason only where the client is listed", async () => {
    const { connection, dns } = meet(
      { zones: ["bl.test", "other.test"], reasons: true, threshold: 2 },
      listed,
    );
    await connection.settled();
    assert.deepEqual(
      dns.asked.filter((question) => question.startsWith("TXT")),
      ["TXT 1.2.0.192.bl.test"],
    );
  });

  test("without the reason when it comes too late", async () => {
    const late = { ...listed, "TXT 1.2.0.192.bl.test": new Promise<readonly string[]>(() => {}) };
    const { connection, clock } = meet({ zones: ["bl.test"], reasons: true }, late);
    await new Promise(setImmediate);
    await clock.advance(3_000);
    assert.equal(await greetingOf(connection), refused554);
  });
});

describe('dnsbl with stage: "rcpt"', () => {
  const listed = { "A 1.2.0.192.bl.test": ["127.0.0.2"] };
  const vouch: Module = { name: "vouch", rcpt: () => accept() };
  const mail = "EHLO client.test\r\nMAIL FROM:<a@b.test>\r\n";
  const rcpt = (address: string) => `RCPT TO:<${address}>\r\n`;
  const refused = "550 5.7.1 192.0.2.1 is listed by bl.test\r\n";

  test("refuses each recipient and asks once in a session", async () => {
    const { connection, dns } = meet({ zones: ["bl.test"], stage: "rcpt" }, listed, { modules: [vouch] });
    assert.match(await greetingOf(connection), greeted);
    await connection.say(mail);
    assert.equal(await connection.say(rcpt("a@x.test") + rcpt("b@x.test")), refused + refused);
    await connection.say("RSET\r\nMAIL FROM:<>\r\n");
    assert.equal(await connection.say(rcpt("a@x.test")), refused);
    assert.equal(dns.asked.length, 1);
  });

  test("lets postmaster be reached (RFC 5321 §4.5.1)", async () => {
    const { connection, dns } = meet({ zones: ["bl.test"], stage: "rcpt" }, listed, { modules: [vouch] });
    await connection.say(mail);
    const replies = await connection.say(rcpt("Postmaster") + rcpt("POSTMASTER@x.test"));
    assert.match(replies, /^250 .*\r\n250 .*\r\n$/);
    assert.deepEqual(dns.asked, []);
  });

  test("lets the recipients of `exempt` be reached, and no others", async () => {
    const exempt = ["abuse", "Anna@X.test", "@free.test"];
    const { connection } = meet({ zones: ["bl.test"], stage: "rcpt", exempt }, listed, { modules: [vouch] });
    await connection.say(mail);
    for (const address of ["abuse@any.test", "anna@x.test", "bob@FREE.test"]) {
      assert.match(await connection.say(rcpt(address)), /^250 /, address);
    }
    for (const address of [
      "postmaster@x.test",
      "postmaster",
      "anna@y.test",
      "bob@sub.free.test",
      "abuse2@x.test",
    ]) {
      assert.equal(await connection.say(rcpt(address)), refused, address);
    }
  });

  test("leaves the fact in every transaction", async () => {
    const seen: (DnsblResult | undefined)[] = [];
    const reader: Module = {
      name: "reader",
      rcpt({ facts }) {
        seen.push(facts.get(dnsblResult));
        return accept();
      },
    };
    const { connection } = meet({ zones: ["bl.test"], stage: "rcpt", threshold: Infinity }, listed, {
      modules: [reader],
    });
    await connection.say(mail + rcpt("a@x.test"));
    await connection.say("RSET\r\nMAIL FROM:<>\r\n" + rcpt("a@x.test"));
    assert.deepEqual(
      seen.map((result) => result?.score),
      [1, 1],
    );
  });

  test("defers with 450 4.7.1 with `defer: true`", async () => {
    const { connection } = meet({ zones: ["bl.test"], stage: "rcpt", defer: true }, listed);
    await connection.say(mail);
    assert.match(await connection.say(rcpt("a@x.test")), /^450 4\.7\.1 /);
  });

  test("spares the networks that the module access lets in", async () => {
    const dns = listDns(listed);
    const modules = [
      access({ network: ["192.0.2.0/24 ok"] }),
      dnsbl({ zones: ["bl.test"], stage: "rcpt" }),
      vouch,
    ];
    const connection = createMemoryServer({ modules, dns }).connect();
    await connection.say(mail);
    assert.match(await connection.say(rcpt("a@x.test")), /^250 /);
    assert.deepEqual(dns.asked, []);
  });

  test("spares a user who has authenticated", async () => {
    const login: Module = { name: "vouch", rcpt: () => accept() };
    const dns = listDns(listed);
    const server = createMemoryServer({
      modules: [{ name: "login", auth: () => accept() }, dnsbl({ zones: ["bl.test"], stage: "rcpt" }), login],
      settings: { authWithoutTls: true },
      dns,
    });
    const connection = server.connect();
    await connection.say("EHLO client.test\r\n");
    const plain = Buffer.from("\0user\0secret").toString("base64");
    assert.match(await connection.say(`AUTH PLAIN ${plain}\r\n`), /^235 /);
    await connection.say("MAIL FROM:<a@b.test>\r\n");
    assert.match(await connection.say(rcpt("a@x.test")), /^250 /);
    assert.deepEqual(dns.asked, []);
  });
});
