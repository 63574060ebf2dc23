// The oracles of the fuzz targets, which must see what is wrong: the naive decoders, the reply grammar, the model of a
// session. Tables of sessions that are in step, and of those that are not.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SessionModel } from "../../fuzz/dialogue/model.ts";
import type { ModelOptions } from "../../fuzz/dialogue/model.ts";
import { decodeChunks, decodeData } from "../../fuzz/reference.ts";
import { readReplies } from "../../fuzz/targets/check.ts";

const smtp: ModelOptions = { mode: "reject", messageBytes: 100 };
const lmtp: ModelOptions = { ...smtp, lmtp: true };

/** Carries what was sent in segments and what was said to all of it, `|` standing for CRLF. */
function model(sent: readonly string[], said: string, closed: boolean, options = smtp): SessionModel {
  const session = new SessionModel(options);
  const all = said.replaceAll("|", "\r\n");
  const segments = sent.length === 0 ? [""] : sent;
  for (const [index, text] of segments.entries())
    session.take(Buffer.from(text, "latin1"), index === 0 ? all : "", closed);
  session.end();
  return session;
}

const hello = "EHLO x\r\n";
const helloSaid = "250-x|250 CHUNKING|";
const envelope = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";
const envelopeSaid = "250 x|250 x|";
/** One and two recipients, by EHLO. */
const one = `${hello}${envelope}`;
const oneSaid = `220 x|${helloSaid}${envelopeSaid}`;
const two = `${one}RCPT TO:<e@f>\r\n`;
const twoSaid = `${oneSaid}250 x|`;
const prdr = two.replace("<a@b>", "<a@b> PRDR");
const lmtpTwo = two.replace("EHLO", "LHLO");

type Case = readonly [
  what: string,
  sent: readonly string[],
  said: string,
  closed: boolean,
  options?: ModelOptions,
];

describe("the model of a session", () => {
  const inStep: readonly Case[] = [
    ["a greeting", [], "220 x|", false],
    ["a line, cut in two", ["NO", "OP\r\n"], "220 x|250 x|", false],
    ["a bare LF, which refuses its line at once", ["a\nb\nc\r\nNOOP\r\n"], "220 x|500 x|250 x|", false],
    ["a bare LF and a line end cut in two", ["a\nb\r", "\nNOOP\r\n"], "220 x|500 x|250 x|", false],
    ["a message", [`${one}DATA\r\n`, "x\r\n..\r\n.\r", "\nNOOP\r\n"], `${oneSaid}354 x|250 x|250 x|`, false],
    ["AUTH", ["AUTH LOGIN\r\nx\r\ny\r\n"], "220 x|334 x|334 x|235 x|", false],
    [
      "an exchange whose lines look like commands",
      ["AUTH LOGIN\r\nBDAT 9\r\nNOOP\r\n"],
      "220 x|334 x|501 x|250 x|",
      false,
    ],
    [
      "STARTTLS, which drops what came with it",
      ["STARTTLS\r\nNOOP\r\n", "NOOP\r\n"],
      "220 x|220 x|250 x|",
      false,
    ],
    ["XCLIENT, which drops nothing", ["XCLIENT NAME=x\r\nNOOP\r\n"], "220 x|220 x|250 x|", false],
    [
      "a chunk that looks like commands",
      [`${one}BDAT 6\r\nNOOP\r\nNOOP\r\n`],
      `${oneSaid}250 x|250 x|`,
      false,
    ],
    [
      "chunks, cut anywhere",
      [`${one}BD`, "AT 2\r", "\na", "bBDAT 0 LAST\r\n"],
      `${oneSaid}250 x|250 x|`,
      false,
    ],
    ["a chunk that is dropped", ["BDAT 6\r\nNOOP\r\nNOOP\r\n"], "220 x|503 x|250 x|", false],
    [
      "a chunk after HELO, with which none begins",
      ["HELO x\r\n", envelope, "BDAT 1 LAST\r\nx", "RCPT TO:<e@f>\r\n"],
      `220 x|250 x|${envelopeSaid}503 x|250 x|`,
      false,
    ],
    [
      "chunks after one that was refused",
      [`${one}BDAT 1\r\nxBDAT 1\r\nxBDAT 1 LAST\r\nx`],
      `${oneSaid}550 x|503 x|503 x|`,
      false,
    ],
    ["a BDAT that cannot be read, the end", ["BDAT x\r\nNOOP\r\n"], "220 x|501 x|", true],
    [
      "a chunk of more than twice the limit, the end",
      [`${one}BDAT 201\r\nNOOP\r\n`],
      `${oneSaid}552 x|`,
      true,
    ],
    ["a server that serves nobody", ["BDAT 6\r\nNOOP\r\nQUIT\r\n"], "554 x|503 x|503 x|221 x|", true],
    ["one reply to a message for two", [`${two}DATA\r\n.\r\n`], `${twoSaid}354 x|250 x|`, false],
    [
      "LMTP, a reply for each recipient",
      [`${lmtpTwo}DATA\r\n.\r\n`],
      `${twoSaid}354 x|250 x|550 x|`,
      false,
      lmtp,
    ],
    [
      "LMTP, one reply for a chunk, two for the last",
      [`${lmtpTwo}BDAT 1\r\nxBDAT 1 LAST\r\nxNOOP\r\n`],
      `${twoSaid}250 x|250 x|250 x|250 x|`,
      false,
      lmtp,
    ],
    [
      "LMTP, no reply to a last chunk without recipients",
      ["LHLO x\r\nMAIL FROM:<>\r\nBDAT 1 LAST\r\nxNOOP\r\n"],
      `220 x|${helloSaid}250 x|250 x|`,
      false,
      lmtp,
    ],
    [
      "PRDR, a reply for each and one for all",
      [`${prdr}DATA\r\n.\r\nNOOP\r\n`],
      `${twoSaid}354 x|353 x|250 x|550 x|250 x|250 x|`,
      false,
    ],
    [
      "PRDR where all are treated alike",
      [`${prdr}DATA\r\n.\r\nNOOP\r\n`],
      `${twoSaid}354 x|250 x|250 x|`,
      false,
    ],
    [
      "RSET between chunks",
      [`${one}BDAT 1\r\nxRSET\r\n${envelope}`],
      `${oneSaid}250 x|250 x|${envelopeSaid}`,
      false,
    ],
    ["an end by QUIT", ["QUIT\r\nNOOP\r\n"], "220 x|221 x|", true],
    ["a limit, which adds 421", ["x\r\n"], "220 x|500 x|421 x|", true],
  ];
  for (const [what, sent, said, closed, options] of inStep) {
    test(`takes ${what}`, () => {
      assert.doesNotThrow(() => model(sent, said, closed, options));
    });
  }

  const outOfStep: readonly Case[] = [
    ["no greeting", [], "", false],
    ["a line without a reply", ["NOOP\r\n"], "220 x|", false],
    ["a reply to half a line", ["NOOP"], "220 x|250 x|", false],
    ["two replies to a line", ["NOOP\r\n"], "220 x|250 x|250 x|", false],
    ["a reply to each bare LF", ["a\nb\nc\r\n"], "220 x|500 x|500 x|", false],
    ["a message that ends twice", [`${one}DATA\r\n`, "x\r\n.\r\n"], `${oneSaid}354 x|250 x|250 x|`, false],
    ["a message that ends at LF.LF", [`${one}DATA\r\nx\n.\nNOOP\r\n`], `${oneSaid}354 x|250 x|250 x|`, false],
    ["354 to another command", ["NOOP\r\n"], "220 x|354 x|", false],
    [
      "354 without a recipient",
      [`${hello}MAIL FROM:<>\r\nDATA\r\n`],
      `220 x|${helloSaid}250 x|354 x|`,
      false,
    ],
    [
      "354 to a binary message",
      [`${one.replace("<a@b>", "<a@b> BODY=BINARYMIME")}DATA\r\n`],
      `${oneSaid}354 x|`,
      false,
    ],
    ["354 between chunks", [`${one}BDAT 1\r\nxDATA\r\n`], `${oneSaid}250 x|354 x|`, false],
    ["334 without AUTH", ["NOOP\r\n"], "220 x|334 x|", false],
    [
      "353 to a client that did not ask for it",
      [`${two}DATA\r\n.\r\n`],
      `${twoSaid}354 x|353 x|250 x|250 x|250 x|`,
      false,
    ],
    ["a command taken from behind STARTTLS", ["STARTTLS\r\nNOOP\r\n"], "220 x|220 x|250 x|", false],
    ["a command taken from a chunk", [`${one}BDAT 6\r\nNOOP\r\n`], `${oneSaid}250 x|250 x|`, false],
    ["a command taken from a dropped chunk", ["BDAT 6\r\nNOOP\r\n"], "220 x|503 x|250 x|", false],
    ["a command behind a BDAT that cannot be read", ["BDAT x\r\nNOOP\r\n"], "220 x|501 x|250 x|", false],
    [
      "250 to a chunk without a recipient",
      [`${hello}MAIL FROM:<>\r\nBDAT 1\r\nx`],
      `220 x|${helloSaid}250 x|250 x|`,
      false,
    ],
    [
      "250 after a chunk that was refused",
      [`${one}BDAT 1\r\nxBDAT 0 LAST\r\n`],
      `${oneSaid}550 x|250 x|`,
      false,
    ],
    ["a recipient between chunks", [`${one}BDAT 1\r\nxRCPT TO:<e@f>\r\n`], `${oneSaid}250 x|250 x|`, false],
    ["MAIL in a transaction", [`${one}MAIL FROM:<>\r\n`], `${oneSaid}250 x|`, false],
    ["LMTP with one reply for two", [`${lmtpTwo}DATA\r\n.\r\n`], `${twoSaid}354 x|250 x|`, false, lmtp],
    ["LMTP with two replies to a chunk", [`${lmtpTwo}BDAT 1\r\nx`], `${twoSaid}550 x|550 x|`, false, lmtp],
    [
      "a transaction that stays when it is over",
      [`${one}RSET\r\nMAIL FROM:<>\r\n`],
      `${oneSaid}250 x|503 5.5.1 x|`,
      false,
    ],
    ["a transaction that gets lost", [`${one}DATA\r\n`], `${oneSaid}503 5.5.1 x|`, false],
    ["a reply after the end", ["QUIT\r\n"], "220 x|221 x|250 x|", true],
  ];
  for (const [what, sent, said, closed, options] of outOfStep) {
    test(`refuses ${what}`, () => {
      assert.throws(() => model(sent, said, closed, options), assert.AssertionError);
    });
  }

  test("gives the messages with their content and replies", () => {
    const { messages } = model(
      [`${one}DATA\r\n..\r\n.\r\n${envelope}BDAT 2\r\n.\rBDAT 1 LAST\r\n\n`],
      `${oneSaid}354 x|250 x|${envelopeSaid}250 x|550 x|`,
      false,
    );
    assert.deepEqual(
      messages.map(({ data, chunked, replies }) => [
        String(data.output),
        chunked,
        replies.map(({ code }) => code),
      ]),
      [
        [".\r\n", false, [250]],
        [".\r\n", true, [550]],
      ],
    );
  });

  const open: readonly [what: string, sent: string, said: string, completion: string | undefined][] = [
    ["a command is expected", "", "220 x|", undefined],
    ["half a line", "NOOP", "220 x|", "\r\n"],
    ["a message", `${one}DATA\r\n`, `${oneSaid}354 x|`, "\r\n.\r\n"],
    ["a chunk", `${one}BDAT 4\r\na`, oneSaid, "xxx"],
    ["an exchange", "AUTH LOGIN\r\n", "220 x|334 x|", "*\r\n"],
    ["a line with a bare LF", "a\nb", "220 x|500 x|", "\r\n"],
  ];
  for (const [what, sent, said, completion] of open) {
    test(`knows what completes a session in which is open: ${what}`, () => {
      assert.equal(model([sent], said, false).completion?.toString(), completion);
    });
  }
});

describe("the reading of replies", () => {
  test("takes replies of one line and of several", () => {
    assert.deepEqual(readReplies("250-a\r\n250-\r\n250 b\r\n354 c\r\n"), [
      { code: 250, lines: ["a", "", "b"] },
      { code: 354, lines: ["c"] },
    ]);
  });

  const broken = [
    "250 a",
    "250 a\n",
    "250-a\r\n",
    "250-a\r\n251 b\r\n",
    "250\r\n",
    "25 a\r\n",
    "650 a\r\n",
    "250 \x1b\r\n",
    `250 ${"x".repeat(507)}\r\n`,
  ];
  for (const output of broken) {
    test(`refuses ${JSON.stringify(output.slice(0, 20))} (RFC 5321 §4.2)`, () => {
      assert.throws(() => readReplies(output), assert.AssertionError);
    });
  }
});

describe("the naive decoder", () => {
  const cases: readonly [input: string, output: string, bare: boolean, end: number][] = [
    [".\r\nNOOP\r\n", "", false, 3],
    ["a\r\n..\r\n.\r\n", "a\r\n.\r\n", false, 10],
    ["a\n.\r\n.\r\n", "a\n.\r\n", true, 8],
    ["a\r\n.\n.\r\n.\r\n", "a\r\n\n.\r\n", true, 11],
    ["a\r\n.", "a\r\n", false, -1],
    ["a\r\n.\r", "a\r\n", false, -1],
    ["a\r", "a\r", false, -1],
  ];
  for (const [input, output, bareNewline, end] of cases) {
    test(`decodes ${JSON.stringify(input)} (RFC 5321 §4.5.2)`, () => {
      const found = decodeData(Buffer.from(input), "reject");
      assert.deepEqual({ ...found, output: found.output.toString() }, { output, bareNewline, end });
    });
  }

  test("makes CRLF of bare newlines when it normalises", () => {
    assert.equal(
      decodeData(Buffer.from("a\rb\nc\r\n.\r\n"), "normalize").output.toString(),
      "a\r\nb\r\nc\r\n",
    );
  });
});

describe("the naive decoder of chunks", () => {
  const cases: readonly [input: string, output: string, bare: boolean][] = [
    ["a\r\n.\r\n..\r\n", "a\r\n.\r\n..\r\n", false],
    ["\n", "\r\n", true],
    ["a\rb\nc\r", "a\r\nb\r\nc\r\n", true],
    ["\r\r\n\n", "\r\n\r\n\r\n", true],
  ];
  for (const [input, normalized, bareNewline] of cases) {
    test(`decodes ${JSON.stringify(input)} (RFC 3030 §2, RFC 5321 §2.3.8)`, () => {
      const found = (mode: "reject" | "normalize" | "keep") => {
        const { output, bareNewline: bare } = decodeChunks(Buffer.from(input), mode);
        return [output.toString(), bare];
      };
      assert.deepEqual(found("reject"), [input, bareNewline]);
      assert.deepEqual(found("normalize"), [normalized, bareNewline]);
      assert.deepEqual(found("keep"), [input, false]);
    });
  }
});
