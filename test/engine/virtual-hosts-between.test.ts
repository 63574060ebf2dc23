// What must not pass from one virtual host to another, or to the session's own chain, when a transaction or a command
// changes over: verdicts, state of modules, priority, limits.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import { accept, discard, queued, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServerOptions } from "../../src/hosts/memory.ts";

const inDomain = (domain: string): AnyModule => ({
  name: "in-domain",
  rcpt: ({ recipient }) => (recipient.domainKey === domain ? accept() : undefined),
});

/** The lines of the answers to lines that are sent one by one, behind EHLO. */
async function say(
  options: MemoryServerOptions,
  ...lines: readonly (string | readonly string[])[]
): Promise<string[]> {
  const connection = createMemoryServer(options).connect();
  await connection.say("EHLO c.test\r\n");
  const said: string[] = [];
  for (const line of lines.flat())
    said.push(...(await connection.say(`${line}\r\n`)).trimEnd().split("\r\n"));
  return said;
}

const ok = "250 2.1.5 Recipient ok";
const refused = "550 5.7.1 Recipient refused: no module vouches for it";

describe("a recipient that a virtual host refuses leaves nothing behind:", () => {
  test("what the mail hooks of that host threw away another host keeps", async () => {
    const kept: string[] = [];
    const keeps: AnyModule = {
      name: "keeps",
      queue({ envelope }) {
        kept.push(envelope.recipients.map(({ address }) => String(address)).join());
        return queued();
      },
    };
    const replies = await say(
      {
        modules: [inDomain("example.org"), keeps],
        virtualHosts: [
          { domains: ["example.net"], modules: [{ name: "throws", mail: () => discard() }] },
          { domains: ["example.com"], modules: [inDomain("example.com"), keeps] },
        ],
      },
      ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<x@example.org>", "DATA", "."],
      ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<x@example.com>", "DATA", "."],
    );
    assert.deepEqual(replies.slice(1, 3), [refused, ok]);
    assert.deepEqual(kept, ["x@example.org", "x@example.com"]);
  });

  test("what its mail hooks made of the priority", async () => {
    const priorities: (number | undefined)[] = [];
    const note: AnyModule = { name: "note", data: ({ envelope }) => void priorities.push(envelope.priority) };
    await say(
      {
        modules: [inDomain("example.org"), note],
        virtualHosts: [
          { domains: ["example.net"], modules: [{ name: "first", mail: (event) => event.setPriority(9) }] },
        ],
      },
      ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<x@example.org>", "DATA", "."],
    );
    assert.deepEqual(priorities, [undefined]);
  });

  test("the session's own modules have the state of transaction() that saw MAIL", async () => {
    const senders: (string | undefined)[] = [];
    const remembers: AnyModule = {
      name: "remembers",
      transaction() {
        let from: string | undefined;
        return {
          mail({ sender }) {
            from = String(sender);
          },
          rcpt({ recipient }) {
            senders.push(from);
            return recipient.domainKey === "example.org" ? accept() : undefined;
          },
        };
      },
    };
    const virtualHosts = [{ domains: ["example.net"], modules: [inDomain("nowhere.test")] }];
    const lines = ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<x@example.org>"];
    const replies = await say({ modules: [remembers], virtualHosts }, ...lines);
    assert.deepEqual(replies.slice(1), [refused, ok]);
    assert.deepEqual(senders, ["a@b.test"]);
  });

  test("postmaster without a domain is the session's own, until a host has a recipient (RFC 5321 §4.5.1)", async () => {
    const answers = (name: string): AnyModule => ({
      name,
      rcpt: ({ recipient }) => (recipient.local === "x" ? reject("5.1.1", name) : accept(name)),
    });
    const replies = await say(
      { modules: [answers("own")], virtualHosts: [{ domains: ["example.net"], modules: [answers("net")] }] },
      "MAIL FROM:<a@b.test>",
      ...["x@example.net", "Postmaster"].map((to) => `RCPT TO:<${to}>`),
      ["RSET", "MAIL FROM:<a@b.test>"],
      ...["y@example.net", "Postmaster"].map((to) => `RCPT TO:<${to}>`),
    );
    assert.deepEqual(
      replies.filter((line) => /own|net/.test(line)),
      ["550 5.1.1 net", "250 2.1.5 own", "250 2.1.5 net", "250 2.1.5 net"],
    );
  });

  test("refused senders count as refused recipients do", async () => {
    const strict: AnyModule = { name: "strict", mail: () => reject("5.7.1", "Not from you") };
    const replies = await say(
      {
        modules: [],
        virtualHosts: [{ domains: ["example.net"], modules: [strict], limits: { refusedRecipients: 2 } }],
      },
      ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<y@example.net>"],
    );
    assert.deepEqual(replies.slice(1), [
      "550 5.7.1 Not from you",
      "550 5.7.1 Not from you",
      "421 4.7.0 Too many refused recipients",
    ]);
  });
});

describe("a virtual host without modules of its own", () => {
  test("has the chain that saw MAIL, which is not asked again", async () => {
    const seen: string[] = [];
    const counts: AnyModule = {
      name: "counts",
      transaction() {
        let stages = "";
        const note = (stage: string): void => {
          stages += ` ${stage}`;
          seen.push(stages.trim());
        };
        return { mail: () => note("mail"), rcpt: () => (note("rcpt"), accept()) };
      },
    };
    const virtualHosts = [{ domains: ["example.net"], limits: { recipients: 1 } }];
    const lines = ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "RCPT TO:<y@example.net>"];
    const replies = await say({ modules: [counts], virtualHosts }, ...lines);
    assert.deepEqual(replies.slice(1), [ok, "452 4.5.3 Too many recipients"]);
    assert.deepEqual(seen, ["mail", "mail rcpt"]);
  });
});

describe("EHLO while a virtual host serves the transaction", () => {
  const seen: string[] = [];
  const notes = (name: string, refuses: boolean): AnyModule => ({
    name,
    helo({ helo }) {
      seen.push(`${name} ${helo.name}`);
      return refuses && helo.name === "bad.test" ? reject("5.7.1", "Not you") : undefined;
    },
    rcpt: () => accept(name),
  });
  const options: MemoryServerOptions = {
    modules: [notes("own", true)],
    virtualHosts: [
      { domains: ["example.net"], modules: [notes("net", false)], limits: { messageBytes: 20 } },
    ],
  };

  test("is answered for the session, not for the host", async () => {
    seen.length = 0;
    const replies = await say(options, ["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.net>", "EHLO d.test"]);
    assert.ok(replies.includes("250-SIZE 52428800"));
    assert.deepEqual(seen, ["own c.test", "own d.test"]);
  });

  test("leaves all as it was when it is refused (RFC 5321 §4.1.4)", async () => {
    seen.length = 0;
    const replies = await say(options, [
      "MAIL FROM:<a@b.test>",
      "RCPT TO:<x@example.net>",
      "EHLO bad.test",
      "RCPT TO:<y@example.net>",
    ]);
    assert.deepEqual(replies.slice(1), ["250 2.1.5 net", "550 5.7.1 Not you", "250 2.1.5 net"]);
    assert.deepEqual(seen, ["own c.test", "own bad.test"]);
  });
});

describe("a notification of what a virtual host's recipients refused", () => {
  test("is for the host of the sender: its hooks vouch and queue, with an envelope and state of their own", async () => {
    const seen: string[] = [];
    const reports: Report[] = [];
    const keeps = (name: string, domain: string): AnyModule => ({
      name,
      transaction() {
        let recipients = 0;
        return {
          rcpt({ recipient, envelope }) {
            if (recipient.domainKey !== domain) return undefined;
            recipients += 1;
            seen.push(`${name} rcpt <${String(envelope.sender)}> to ${String(recipient)} (${recipients})`);
            return accept();
          },
          queue({ envelope }) {
            const to = envelope.recipients.map(({ address }) => String(address)).join();
            seen.push(`${name} queue <${String(envelope.sender)}> to ${to}`);
            return queued();
          },
        };
      },
    });
    const scan: AnyModule = {
      name: "scan",
      message: ({ refuse }) => refuse("y@example.net", reject("5.7.1", "No viruses")),
    };
    const replies = await say(
      {
        settings: { mixedVerdicts: "bounce" },
        modules: [keeps("own", "example.org")],
        virtualHosts: [{ domains: ["example.net"], modules: [keeps("net", "example.net"), scan] }],
        observers: [(report) => reports.push(report)],
      },
      ["MAIL FROM:<me@example.org>", "RCPT TO:<x@example.net>", "RCPT TO:<y@example.net>", "DATA", "."],
    );
    assert.match(replies.at(-1) ?? "", /^250 /);
    assert.deepEqual(seen, [
      "net rcpt <me@example.org> to x@example.net (1)",
      "net rcpt <me@example.org> to y@example.net (2)",
      "own rcpt <> to me@example.org (1)",
      "own queue <> to me@example.org",
      "net queue <me@example.org> to x@example.net",
    ]);
    const decisions = reports.filter((report) => report.type === "decision");
    const [notice, ...rest] = decisions.filter(({ subject }) => subject.startsWith("notification to"));
    assert.equal(rest.length, 1);
    assert.notEqual(notice?.transaction, decisions.at(-1)?.transaction);
  });
});
