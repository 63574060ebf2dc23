// The oracles of the fuzz targets, which must see what is wrong: the naive decoder, the reply grammar, the model of a
// session. A table of sessions that are in step, and of those that are not.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { modelSession } from "../../fuzz/dialogue/model.ts";
import { decodeData } from "../../fuzz/reference.ts";
import { readReplies } from "../../fuzz/targets/check.ts";

function model(sent: readonly string[], said: string, closed: boolean): number {
  const segments = sent.map((text) => Buffer.from(text, "latin1"));
  return modelSession(segments, readReplies(said.replaceAll("|", "\r\n")), closed, "reject").length;
}

describe("the model of a session", () => {
  const inStep: readonly [what: string, sent: readonly string[], said: string, closed: boolean][] = [
    ["a greeting", [], "220 x|", false],
    ["a line, cut in two", ["NO", "OP\r\n"], "220 x|250 x|", false],
    ["a bare LF, which refuses its line at once", ["a\nb\nc\r\nNOOP\r\n"], "220 x|500 x|250 x|", false],
    ["a bare LF and a line end cut in two", ["a\nb\r", "\nNOOP\r\n"], "220 x|500 x|250 x|", false],
    ["a message", ["DATA\r\n", "x\r\n..\r\n.\r", "\nNOOP\r\n"], "220 x|354 x|250 x|250 x|", false],
    ["AUTH", ["AUTH LOGIN\r\nx\r\ny\r\n"], "220 x|334 x|334 x|235 x|", false],
    [
      "STARTTLS, which drops what came with it",
      ["STARTTLS\r\nNOOP\r\n", "NOOP\r\n"],
      "220 x|220 x|250 x|",
      false,
    ],
    ["an end by QUIT", ["QUIT\r\nNOOP\r\n"], "220 x|221 x|", true],
    ["a limit, which adds 421", ["x\r\n"], "220 x|500 x|421 x|", true],
  ];
  for (const [what, sent, said, closed] of inStep) {
    test(`takes ${what}`, () => assert.doesNotThrow(() => model(sent, said, closed)));
  }

  const outOfStep: readonly [what: string, sent: readonly string[], said: string, closed: boolean][] = [
    ["no greeting", [], "", false],
    ["a line without a reply", ["NOOP\r\n"], "220 x|", false],
    ["a reply to half a line", ["NOOP"], "220 x|250 x|", false],
    ["two replies to a line", ["NOOP\r\n"], "220 x|250 x|250 x|", false],
    ["a reply to each bare LF", ["a\nb\nc\r\n"], "220 x|500 x|500 x|", false],
    ["a message that ends twice", ["DATA\r\n", "x\r\n.\r\n"], "220 x|354 x|250 x|250 x|", false],
    ["a message that ends at LF.LF", ["DATA\r\n", "x\n.\nNOOP\r\n"], "220 x|354 x|250 x|250 x|", false],
    ["354 to another command", ["NOOP\r\n"], "220 x|354 x|", false],
    ["334 without AUTH", ["NOOP\r\n"], "220 x|334 x|", false],
    ["a command taken from behind STARTTLS", ["STARTTLS\r\nNOOP\r\n"], "220 x|220 x|250 x|", false],
    ["a reply after the end", ["QUIT\r\n"], "220 x|221 x|250 x|", true],
  ];
  for (const [what, sent, said, closed] of outOfStep) {
    test(`refuses ${what}`, () => assert.throws(() => model(sent, said, closed), assert.AssertionError));
  }

  test("gives the messages with their replies", () => {
    assert.equal(
      model(["DATA\r\n", "x\r\n.\r\nDATA\r\n", ".\r\n"], "220 x|354 x|250 x|354 x|550 x|", false),
      2,
    );
  });
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
