// Many commands at once: every one is answered, once and in order, however the input comes and however long hooks take.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accept, reply } from "../../src/hooks/verdict.ts";
import { nextTurn, OpenDialogue, takesAll } from "../support/open-dialogue.ts";

const many = 100_000;
const ok = "250 2.0.0 Ok";

describe("a flood of commands", () => {
  test("answers 100,000 pipelined NOOPs of one piece with 100,000 replies in one write", () => {
    const session = new OpenDialogue({ limits: { idleCommands: many } });
    session.heard();
    session.sent.length = 0;
    session.feed("NOOP\r\n".repeat(many));
    assert.equal(session.sent.length, 1); // RFC 2920 §3.2: replies may be gathered
    assert.equal(session.sent[0], `${ok}\r\n`.repeat(many));
    assert.equal(session.session.counts.noops, many);
    assert.equal(session.closed, false);
  });

  test("answers them all when they come in pieces that cut lines anywhere", () => {
    const session = new OpenDialogue({ limits: { idleCommands: 10_000 } });
    session.sent.length = 0;
    const all = "NOOP\r\n".repeat(10_000);
    for (let at = 0; at < all.length; at += 997) session.feed(all.slice(at, at + 997));
    assert.equal(session.sent.join(""), `${ok}\r\n`.repeat(10_000));
  });

  test("ends the flood at the standard limit with 421 (RFC 5321 §7.8)", () => {
    const session = new OpenDialogue();
    session.heard();
    session.feed("NOOP\r\n".repeat(many));
    const lines = session.heard();
    assert.equal(lines.length, 2001);
    assert.ok(lines.slice(0, -1).every((line) => line === ok));
    assert.equal(lines.at(-1), "421 4.7.0 Too many commands without a message");
    assert.equal(session.closed, true);
  });

  test("says nothing more after the end, whatever still comes", () => {
    const session = new OpenDialogue({ limits: { idleCommands: 1 } });
    session.feed("NOOP\r\nNOOP\r\n");
    session.heard();
    session.feed("NOOP\r\nQUIT\r\n");
    assert.deepEqual(session.heard(), []);
  });
});

describe("input behind a hook that takes its time", () => {
  const slow = { name: "slow", vrfy: async () => (await nextTurn(), reply(250, "2.1.5", "verified")) };

  test("waits, keeps its order and is answered in order", async () => {
    const session = new OpenDialogue({ modules: [slow] });
    session.heard();
    for (const piece of [
      "VRFY a\r\nNOOP 1\r\nVRFY b\r\nRS",
      "ET\r\nEXPN x\r\nVRFY",
      " c\r\nHE",
      "LP\r\n",
      "NOPE\r\n",
    ])
      session.feed(piece);
    assert.deepEqual(session.heard(), [], "nothing is answered ahead of its turn");
    await session.settled();
    const codes = session.heard().map((line) => line.slice(0, 9));
    assert.deepEqual(codes, [
      "250 2.1.5",
      "250 2.0.0",
      "250 2.1.5",
      "250 2.0.0",
      "502 5.5.1",
      "250 2.1.5",
      "214 2.0.0",
      "500 5.5.1",
    ]);
  });

  test("makes the client wait when too much has piled up, and lets it go on", async () => {
    const session = new OpenDialogue({ modules: [slow], limits: { idleCommands: 50_000 } });
    session.heard();
    session.feed("VRFY a\r\n");
    session.feed("NOOP\r\n".repeat(5000));
    assert.equal(session.paused, false);
    session.feed("NOOP\r\n".repeat(10_000));
    assert.equal(session.paused, true);
    await session.settled();
    assert.equal(session.paused, false);
    assert.equal(session.heard().length, 15_001);
  });

  test("makes a client wait that sends it octet by octet, long before 64 KiB", async () => {
    const session = new OpenDialogue({ modules: [slow], limits: { idleCommands: 50_000 } });
    session.heard();
    session.feed("VRFY a\r\n");
    for (let octets = 0; octets < 510; octets += 6) for (const octet of "NOOP\r\n") session.feed(octet);
    assert.equal(session.paused, false);
    for (const octet of "NOOP\r\n") session.feed(octet);
    assert.equal(session.paused, true);
    await session.settled();
    assert.equal(session.paused, false);
    assert.equal(session.heard().length, 87);
  });

  test("is worked on when a hook itself has brought it", () => {
    const open: OpenDialogue[] = [];
    const feeds = { name: "feeds", noop: () => open[0]?.feed("HELP\r\n") };
    const session = new OpenDialogue({ modules: [feeds] });
    open.push(session);
    session.heard();
    session.feed("NOOP\r\n");
    assert.deepEqual(
      session.heard().map((line) => line.slice(0, 3)),
      ["250", "214"],
    );
  });

  test("is dropped when the client goes away", async () => {
    const session = new OpenDialogue({ modules: [slow] });
    session.heard();
    session.feed("VRFY a\r\nNOOP\r\n");
    session.dialogue.gone("client");
    await nextTurn();
    await nextTurn();
    assert.deepEqual(session.heard(), []);
  });

  test("may hold message data and the commands behind it", async () => {
    const contents: string[] = [];
    const session = new OpenDialogue({
      modules: [
        { name: "slow-rcpt", rcpt: async () => (await nextTurn(), accept()) },
        {
          name: "reads",
          message: async ({ message }) => {
            await nextTurn();
            contents.push(Buffer.from(await message.bytes()).toString("latin1"));
          },
        },
        takesAll,
      ],
    });
    const transaction = "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nA: 1\r\n\r\n..text\r\n.\r\n";
    const [first = "", ...rest] = `EHLO x.test\r\n${transaction.repeat(3)}QUIT\r\n`.match(/.{1,23}/gs) ?? [];
    session.heard();
    session.feed(first);
    for (const piece of rest) session.feed(piece);
    await session.settled();
    const codes = session.heard().map((line) => line.slice(0, 3));
    const each = "250 250 354 250";
    assert.equal(codes.slice(-13).join(" "), `${each} ${each} ${each} 221`);
    assert.deepEqual(contents, Array(3).fill("A: 1\r\n\r\n.text\r\n"));
  });
});
