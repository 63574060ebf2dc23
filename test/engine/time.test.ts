// Time limits (RFC 5321 §4.5.3.2), looked at through checkTime as a host does every second or so, on a fake clock.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accept, reject } from "../../src/hooks/verdict.ts";
import { nextTurn, OpenDialogue, takesAll } from "../support/open-dialogue.ts";

const timeout = "421 4.4.2 mx.test timeout, closing connection";

function check(session: OpenDialogue): string[] {
  session.heard();
  session.dialogue.checkTime(session.clock.monotonic());
  return session.heard();
}

function limitsReported({ reports }: OpenDialogue): string[] {
  return reports.filter((report) => report.type === "limit").map(({ limit }) => limit);
}

describe("time limits", () => {
  test("says 421 4.4.2 and closes when no command comes in time (RFC 5321 §4.5.3.2.7)", () => {
    const session = new OpenDialogue({ limits: { commandMs: 300_000 } });
    session.clock.advance(300_000);
    assert.deepEqual(check(session), []);
    session.clock.advance(1);
    assert.deepEqual(check(session), [timeout]);
    assert.equal(session.closed, true);
    assert.deepEqual(limitsReported(session), ["limits.commandMs"]);
    const [closed] = session.reports.filter((report) => report.type === "closed");
    assert.equal(closed?.reason, "timeout");
  });

  test("counts from the last input, complete line or not", () => {
    const session = new OpenDialogue({ limits: { commandMs: 1000 } });
    for (let times = 0; times < 5; times += 1) {
      session.clock.advance(900);
      session.feed("N");
      assert.deepEqual(check(session), []);
    }
    session.clock.advance(1001);
    assert.deepEqual(check(session), [timeout]);
  });

  test("says it once", () => {
    const session = new OpenDialogue({ limits: { commandMs: 1000 } });
    session.clock.advance(1001);
    assert.deepEqual(check(session), [timeout]);
    session.clock.advance(1001);
    assert.deepEqual(check(session), []);
  });

  test("has a limit of its own for message data (RFC 5321 §4.5.3.2.5)", async () => {
    const session = new OpenDialogue({ limits: { commandMs: 1000, dataMs: 3000 } });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA");
    session.clock.advance(2000);
    assert.deepEqual(check(session), []);
    session.feed("text");
    session.clock.advance(3001);
    assert.deepEqual(check(session), [timeout]);
    assert.deepEqual(limitsReported(session), ["limits.dataMs"]);
    session.feed("\r\n.\r\n");
    assert.deepEqual(session.heard(), []);
  });

  test("ends a message that comes too slowly, once it has had time to begin", async () => {
    const session = new OpenDialogue({ limits: { dataRate: 100 } });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA");
    for (let seconds = 0; seconds < 60; seconds += 1) {
      session.clock.advance(1_000);
      session.feed("x".repeat(100));
      assert.deepEqual(check(session), []);
    }
    session.clock.advance(1_000);
    assert.deepEqual(check(session), [timeout]);
    assert.deepEqual(limitsReported(session), ["limits.dataRate"]);
  });

  test("counts all octets of chunks, also those that come with their command", async () => {
    const session = new OpenDialogue({ limits: { dataRate: 100 } });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>");
    const text = `A: b\r\n\r\n${"x".repeat(9_992)}`;
    session.feed(`BDAT ${text.length}\r\n${text}`);
    session.feed(`BDAT ${text.length} LAST\r\n${text.slice(1)}`);
    session.clock.advance(60_000);
    assert.deepEqual(check(session), []);
    session.clock.advance(170_000);
    assert.deepEqual(check(session), [timeout]);
    assert.deepEqual(limitsReported(session), ["limits.dataMs"]);
  });

  test("counts the rate of chunks that are dropped too", async () => {
    const session = new OpenDialogue({ limits: { dataRate: 100 } });
    await session.say("EHLO x.test");
    session.feed("BDAT 9999\r\nx");
    session.clock.advance(31_000);
    assert.deepEqual(check(session), [timeout]);
    assert.deepEqual(limitsReported(session), ["limits.dataRate"]);
  });

  test("counts the rate from the first 30 s on, and the time of hooks not at all", async () => {
    const later = Promise.withResolvers<undefined>();
    const session = new OpenDialogue({
      modules: [takesAll, { name: "slow", headers: () => later.promise }],
      limits: { dataRate: 100, dataMs: 180_000 },
    });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA");
    session.clock.advance(29_000);
    session.feed("A: b\r\n\r\n");
    assert.deepEqual(check(session), []);
    session.clock.advance(20_000);
    later.resolve(undefined);
    await nextTurn();
    assert.deepEqual(check(session), []);
    session.clock.advance(2_000);
    assert.deepEqual(check(session), [timeout]);
  });

  test("ends a transaction that goes on for too long, however busy the client is", async () => {
    const session = new OpenDialogue({ limits: { commandMs: 1000, transactionMs: 5000 } });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    for (let times = 0; times < 5; times += 1) {
      session.clock.advance(1000);
      session.feed("NOOP\r\n");
      assert.deepEqual(check(session), []);
    }
    session.clock.advance(1);
    assert.deepEqual(check(session), [timeout]);
    assert.deepEqual(limitsReported(session), ["limits.transactionMs"]);
  });

  test("counts the time of a transaction anew for each", async () => {
    const session = new OpenDialogue({ limits: { commandMs: 10_000, transactionMs: 5000 } });
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    session.clock.advance(4000);
    await session.say("RSET");
    session.clock.advance(4000);
    assert.deepEqual(check(session), []);
    await session.say("MAIL FROM:<a@b.test>");
    session.clock.advance(5000);
    assert.deepEqual(check(session), []);
    session.clock.advance(1);
    assert.deepEqual(check(session), [timeout]);
  });

  test("does not count while a hook is busy, and begins when it has answered", async () => {
    let answer: (() => void) | undefined;
    const slow = {
      name: "slow",
      rcpt: () => new Promise<ReturnType<typeof accept>>((resolve) => (answer = () => resolve(accept()))),
    };
    const session = new OpenDialogue({ modules: [slow], limits: { commandMs: 1000 } });
    session.feed("EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n");
    session.clock.advance(20_000);
    assert.deepEqual(check(session), []);
    answer?.();
    await session.settled();
    session.clock.advance(1000);
    assert.deepEqual(check(session).concat(session.heard()), []);
    session.clock.advance(1);
    assert.deepEqual(check(session), [timeout]);
  });

  test("holds for a client that was turned away too", () => {
    const none = { name: "none", connect: () => reject("5.7.1", "No") };
    const session = new OpenDialogue({ modules: [none, takesAll], limits: { commandMs: 1000 } });
    session.clock.advance(1001);
    assert.deepEqual(check(session), [timeout]);
  });

  test("says nothing to a client that is gone", async () => {
    const session = new OpenDialogue({ limits: { commandMs: 1000 } });
    session.dialogue.gone("client");
    session.clock.advance(1001);
    assert.deepEqual(check(session), []);
    await nextTurn();
  });
});
