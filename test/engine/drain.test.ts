// Shutting down: idle sessions hear 421 4.3.2 at once, a transaction under way is finished first (RFC 5321 §3.8).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { nextTurn, OpenDialogue, takesAll } from "../support/open-dialogue.ts";

const goodbye = "421 4.3.2 mx.test is shutting down";

describe("draining", () => {
  for (const [state, lines] of [
    ["before EHLO", []],
    ["after EHLO", ["EHLO x.test"]],
    ["after a message", ["EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", "."]],
    ["after RSET", ["EHLO x.test", "MAIL FROM:<a@b.test>", "RSET"]],
  ] as const) {
    test(`tells an idle session at once, ${state}`, async () => {
      const session = new OpenDialogue();
      if (lines.length > 0) await session.say(...lines);
      session.heard();
      session.dialogue.drain();
      assert.deepEqual(session.heard(), [goodbye]);
      assert.equal(session.closed, true);
      const [closed] = session.reports.filter((report) => report.type === "closed");
      assert.equal(closed?.reason, "shutdown");
    });
  }

  test("lets a transaction come to its end", async () => {
    const session = new OpenDialogue();
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    session.dialogue.drain();
    assert.deepEqual(session.heard(), []);
    assert.deepEqual(await session.say("RCPT TO:<c@d.test>"), ["250 2.1.5 Recipient ok"]);
    assert.equal((await session.say("DATA"))[0]?.slice(0, 3), "354");
    const [taken, last] = await session.say("text", ".");
    assert.match(taken ?? "", /^250 2\.0\.0 /);
    assert.equal(last, goodbye);
    assert.equal(session.closed, true);
  });

  test("tells a client that drops its transaction", async () => {
    const session = new OpenDialogue();
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>");
    session.dialogue.drain();
    assert.deepEqual(await session.say("RSET"), ["250 2.0.0 Ok", goodbye]);
  });

  test("begins no new transaction behind the one that ends", async () => {
    const session = new OpenDialogue();
    await session.say("EHLO x.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA");
    session.dialogue.drain();
    const lines = await session.say("text", ".", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>");
    assert.match(lines[0] ?? "", /^250 2\.0\.0 /);
    assert.deepEqual(lines.slice(1), [goodbye]);
  });

  test("waits for a hook, answers, and then says goodbye", async () => {
    let release: (() => void) | undefined;
    const slow = {
      name: "slow",
      queue: () =>
        new Promise<ReturnType<typeof queued>>((resolve) => {
          release = () => resolve(queued("Kept"));
        }),
    };
    const session = new OpenDialogue({ modules: [{ name: "all", rcpt: () => accept() }, slow] });
    session.feed("EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n.\r\n");
    await nextTurn();
    session.heard();
    session.dialogue.drain();
    assert.deepEqual(session.heard(), []);
    release?.();
    await session.settled();
    assert.deepEqual(session.heard(), ["250 2.0.0 Kept", goodbye]);
  });

  test("waits for the greeting, which the client hears first", async () => {
    const slow = { name: "slow", connect: () => nextTurn() };
    const session = new OpenDialogue({ modules: [slow, takesAll] });
    session.dialogue.drain();
    assert.deepEqual(session.heard(), []);
    await session.settled();
    assert.deepEqual(session.heard(), ["220 mx.test ESMTP", goodbye]);
  });

  test("says goodbye once, and nothing to a client that is gone", () => {
    const session = new OpenDialogue();
    session.heard();
    session.dialogue.drain();
    session.dialogue.drain();
    assert.deepEqual(session.heard(), [goodbye]);
    const gone = new OpenDialogue();
    gone.heard();
    gone.dialogue.gone("client");
    gone.dialogue.drain();
    assert.deepEqual(gone.heard(), []);
  });
});
