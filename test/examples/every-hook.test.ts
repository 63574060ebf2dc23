// examples/every-hook.ts is documentation, so it has to be true: every hook is called in one session, and what the
// comments promise happens.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bodyDigest, everyHook } from "../../examples/every-hook.ts";
import { composeChain } from "../../src/hooks/chain.ts";
import type { Report } from "../../src/hooks/report.ts";
import { stages } from "../../src/hooks/table.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { FakeClock } from "../hooks/fake-clock.ts";

interface Stand {
  readonly reports: Report[];
  readonly kept: Map<string, string>;
  /** `early` is sent before the greeting. */
  connect(early?: string): Promise<MemoryConnection>;
}

function serve(): Stand {
  const reports: Report[] = [];
  const kept = new Map<string, string>();
  const clock = new FakeClock();
  const module = everyHook({
    domain: "example.test",
    users: new Map([["user", "secret"]]),
    delayMs: 1_000,
    async keep(id, message) {
      kept.set(id, Buffer.from(message).toString("latin1"));
    },
  });
  const server = createMemoryServer({
    modules: [module],
    clock,
    newId: () => "ID",
    settings: { tlsAvailable: true },
    observers: [(report) => reports.push(report)],
  });
  return {
    reports,
    kept,
    async connect(early = "") {
      const client = server.connect();
      if (early !== "") client.write(early);
      clock.advance(1_000);
      await client.settled();
      return client;
    },
  };
}

/** What the client sends, and how the reply begins. */
const session: readonly [send: string, reply: string][] = [
  ["", "220 mx.test ESMTP every hook"],
  ["EHLO client.test\r\n", "250-mx.test"],
  ["STARTTLS\r\n", "220 "],
  ["EHLO client.test\r\n", "250-mx.test"],
  [`AUTH PLAIN ${btoa("\0user\0wrong")}\r\n`, "535 5.7.8"],
  [`AUTH PLAIN ${btoa("\0user\0secret")}\r\n`, "235 2.7.0"],
  ["NOOP\r\n", "250 2.0.0"],
  ["VRFY user\r\n", "252 2.1.5 Send mail and see"],
  ["EXPN list\r\n", "550 5.7.1 Lists are not shown"],
  ["HELP\r\n", "214-2.0.0 This server shows every hook\r\n214 2.0.0 See"],
  ["ETRN node.test\r\n", "251 2.0.0 No messages waiting for node.test"],
  ["XEVERY\r\n", "250 2.0.0 Every hook is listening"],
  ["XOTHER\r\n", "500 5.5.1"],
  ["MAIL FROM:<a@client.test>\r\n", "250 2.1.0"],
  ["RSET\r\n", "250 2.0.0"],
  ["MAIL FROM:<a@client.test> SIZE=100\r\n", "250 2.1.0"],
  ["RCPT TO:<b+tag@example.test>\r\n", "250 2.1.5"],
  ["RCPT TO:<c@other.test>\r\n", "550 5.7.1"],
  ["DATA\r\n", "354 "],
  ["From: a@client.test\r\nSubject: hello\r\n\r\nBody\r\n.\r\n", "250 2.0.0 kept as ID"],
  ["QUIT\r\n", "221 2.0.0"],
];

describe("the example of every hook", () => {
  test("has every hook called in one session, without a fault", async () => {
    const { reports, kept, connect } = serve();
    const client = await connect();
    for (const [send, reply] of session) {
      const said = await client.say(send);
      assert.ok(said.startsWith(reply), `${send}: ${said}`);
    }
    assert.ok(client.closed);
    const called = new Set(reports.flatMap((report) => (report.type === "log" ? [report.stage] : [])));
    assert.deepEqual(
      stages.filter((stage) => !called.has(stage)),
      [],
    );
    assert.deepEqual(
      reports.filter(({ type }) => type === "fault"),
      [],
    );
    const message = kept.get("ID") ?? "";
    assert.match(message, /^Received: from client\.test /);
    assert.match(message, /\r\n\tfor <b@example\.test>/);
    const digest = createHash("sha256").update("Body\r\n").digest("hex");
    assert.ok(message.endsWith(`\r\nX-Body-SHA256: ${digest}\r\n\r\nBody\r\n`));
  });

  test("advertises the command of its own", async () => {
    const client = await serve().connect();
    assert.match(await client.say("EHLO client.test\r\n").then(() => client.output), /250[ -]XEVERY\r\n/);
  });

  const refused: readonly [what: string, sent: readonly string[], reply: RegExp][] = [
    ["a client that calls itself localhost", ["EHLO localhost\r\n"], /550 5\.7\.1 That is my name/],
    [
      "a message with two From fields",
      [
        "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n",
        "From: a\r\nFrom: b\r\n\r\nBody\r\n.\r\n",
      ],
      /550 5\.6\.0 Too many From fields\r\n$/,
    ],
    [
      "a message without a body",
      ["EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n", "From: a\r\n\r\n.\r\n"],
      /550 5\.6\.0 There is nothing in it\r\n$/,
    ],
  ];
  for (const [what, sent, reply] of refused) {
    test(`refuses ${what}`, async () => {
      const { connect, kept } = serve();
      const client = await connect();
      for (const piece of sent) await client.say(piece);
      assert.match(client.output, reply);
      assert.equal(kept.size, 0);
    });
  }

  test("turns away a client that talks before the greeting", async () => {
    const client = await serve().connect("EHLO c\r\n");
    assert.equal(client.output, "554 Wait for the greeting\r\n");
    assert.ok(client.closed);
  });

  test("throws mail from one domain away, and says 250", async () => {
    const { connect, kept } = serve();
    const client = await connect();
    await client.say("EHLO c\r\nMAIL FROM:<a@spam.example>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
    assert.match(await client.say("From: a\r\n\r\nBody\r\n.\r\n"), /^250 2\.0\.0 /);
    assert.equal(kept.size, 0);
  });

  test("composes, and has a key of its own", () => {
    const options = {
      domain: "d",
      users: new Map<string, string>(),
      delayMs: 0,
      keep: () => Promise.resolve(),
    };
    const { taps } = composeChain([everyHook(options)]);
    for (const stage of stages) assert.ok(taps[stage].some(({ scope }) => scope === "module"));
    assert.equal(bodyDigest.name, "body-digest");
  });

  test("has at most 200 lines", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "..", "examples", "every-hook.ts"), "utf8");
    assert.ok(text.split("\n").length <= 201);
  });
});
