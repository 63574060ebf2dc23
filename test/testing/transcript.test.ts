// Transcripts: what they can say, and what a difference looks like.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { disconnect } from "../../src/hooks/verdict.ts";
import { recipients } from "../../src/modules/recipients.ts";
import { dialogue, takesAll } from "../../src/testing/index.ts";
import type { DialogueOptions, TestDialogue } from "../../src/testing/index.ts";

const open = (options: Partial<DialogueOptions> = {}): Promise<TestDialogue> =>
  dialogue({ modules: [recipients({ domains: ["example.test"] }), takesAll()], ...options });

async function difference(smtp: TestDialogue, text: string): Promise<string> {
  try {
    await smtp.transcript(text);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return "none";
}

describe("a transcript", () => {
  test("goes from the greeting to the end as it is written", async () => {
    const smtp = await open();
    await smtp.transcript(`
      S: 220 mx.test ESMTP
      C: HELO client.test
      S: 250 mx.test
      C: MAIL FROM:<a@b.test>
      S: 250 2.1.0 Sender ok
      C: RCPT TO:<c@example.test>
      S: 250 2.1.5 Recipient ok
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>
      C: Subject: x
      C:
      C: ..dots
      C: .
      S: 250 2.0.0 Ok: queued as {id}
      C: QUIT
      S: 221 2.0.0 mx.test closing connection
      -- server closes
    `);
    assert.equal(smtp.messages[0]?.text, ".dots\n");
  });

  test("may begin after the greeting, and go on where another call ended", async () => {
    const smtp = await open();
    await smtp.transcript("C: HELO x.test\nS: 250 mx.test");
    await smtp.say("NOOP");
    await smtp.transcript("C: NOOP\r\nS: 250 2.0.0 Ok\r\n");
  });

  test("sends client lines that stand together in one piece", async () => {
    const smtp = await open();
    await smtp.transcript(`
      C: HELO x.test
      S: 250 mx.test
      C: MAIL FROM:<>
      C: RCPT TO:<a@example.test>
      C: NOOP
      S: 250 2.1.0 Sender ok
      S: 250 2.1.5 Recipient ok
      S: 250 2.0.0 Ok
    `);
  });

  test("can send any bytes, and text many times over", async () => {
    const smtp = await open({ limits: { errors: 100 } });
    await smtp.transcript(String.raw`
      C> NO
      C> OP\r\n
      S: 250 2.0.0 Ok
      C: HELO x\x01.test
      S: {any}
      C: NOOP {x*3000}
      S: 500 5.5.2 {any}
      C: NOOP \{x\}\\
      S: 250 2.0.0 Ok
    `);
  });

  test("follows the connection under TLS and to its end", async () => {
    const smtp = await open({ tls: true });
    await smtp.transcript(`
      C: STARTTLS
      S: {any}
      C: HELO x.test
      S: 250 mx.test
      -- client closes
    `);
    assert.equal(smtp.closed, true);
    const again = await open({ tls: true });
    await again.say("EHLO x.test");
    await again.transcript("C: STARTTLS\nS: 220 {any}\n-- TLS handshake");
    const plain = await open();
    assert.match(await difference(plain, "C: NOOP\nS: {any}\n-- TLS handshake"), /has not started TLS/);
    assert.match(await difference(plain, "C: NOOP\nS: {any}\n-- server closes"), /has not closed/);
  });

  test("that went another way is shown with the difference, and who decided", async () => {
    const smtp = await dialogue({ modules: [recipients({ domains: ["example.test"] })] });
    await smtp.transcript("C: HELO x.test\nS: 250 mx.test");
    const message = await difference(
      smtp,
      `C: MAIL FROM:<a@b.test>
       S: 250 2.1.0 {any}
       C: RCPT TO:<c@other.test>
       S: 250 2.1.5 Recipient ok
       C: RSET
       S: 250 2.0.0 Ok`,
    );
    assert.equal(
      message.replaceAll(/\d+\.\d ms/g, "0.0 ms"),
      [
        "The dialogue went another way (- expected, + said):",
        "  C: MAIL FROM:<a@b.test>",
        "  S: 250 2.1.0 Sender ok",
        "  C: RCPT TO:<c@other.test>",
        "- S: 250 2.1.5 Recipient ok",
        "+ S: 550 5.7.1 Recipient refused: no module vouches for it",
        "",
        "rcpt  -    0.0 ms  TO:<c@other.test>  550 5.7.1 Recipient refused: no module vouches for it",
      ].join("\n"),
    );
  });

  const differences: readonly [what: string, text: string, shown: RegExp][] = [
    [
      "a line too few",
      "C: NOOP\nS: 250 2.0.0 Ok\nS: 250 2.0.0 Ok",
      /^ {2}S: 250 2\.0\.0 Ok\n- S: 250 2\.0\.0 Ok$/m,
    ],
    ["a line too many", "C: NOOP", /^\+ S: 250 2\.0\.0 Ok$/m],
    [
      "a line between",
      "C: NOOP\nC: XYZZY\nC: NOOP\nS: 250 2.0.0 Ok\nS: 250 2.0.0 Ok",
      /^ {2}S: 250.*\n\+ S: 500.*\n {2}S: 250/m,
    ],
    [
      "a greeting that is another",
      "S: 220 mx.other ESMTP",
      /^- S: 220 mx\.other ESMTP\n\+ S: 220 mx\.test ESMTP$/m,
    ],
    ["silence", "C> NO\nS: 250 2.0.0 Ok", /^- S: 250 2\.0\.0 Ok$/m],
  ];
  for (const [what, text, shown] of differences) {
    test(`shows ${what}`, async () => {
      assert.match(await difference(await open(), text), shown);
    });
  }

  const faults: readonly [text: string, message: RegExp][] = [
    ["C: NOOP\nNOOP", /transcript, line 2: want C:, C>, S: or one of -- TLS handshake, .*; found NOOP/],
    ["C: {id}", /line 1: \{id\} cannot be sent/],
    ["\n\nS: {what}", /line 3: \{what\} is none of \{id\}, \{date\}/],
    [String.raw`C: \q`, /line 1: \\q is no escape/],
    ["C: {x*999999999}", /too long/],
  ];
  for (const [text, message] of faults) {
    test(`refuses ${JSON.stringify(text)}, and sends nothing`, async () => {
      const smtp = await open();
      await assert.rejects(smtp.transcript(text), { name: "SyntaxError", message });
      assert.equal(smtp.replies.length, 1);
    });
  }

  test("may show how a client is turned away", async () => {
    const smtp = await dialogue({ modules: [{ name: "m", connect: () => disconnect("5.7.1", "Go away") }] });
    await smtp.transcript("S: 554 Go away\n-- server closes");
  });
});
