// Replies on the wire: whatever the text, each is lines of the form that RFC 5321 §4.2 gives, none too long.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatReply, maxReplyLineBytes, replyForLog, sanitize } from "../../src/wire/reply.ts";

const cases: readonly (readonly [
  name: string,
  reply: { code: number; enhanced: string; text: string | readonly string[] },
  wire: string,
])[] = [
  ["one line", { code: 250, enhanced: "2.1.0", text: "Ok" }, "250 2.1.0 Ok\r\n"],
  [
    "no enhanced code where there is none (RFC 2034 §4)",
    { code: 354, enhanced: "", text: "Go" },
    "354 Go\r\n",
  ],
  ["the space of an empty text (RFC 5321 §4.2)", { code: 334, enhanced: "", text: "" }, "334 \r\n"],
  ["no lines as an empty text", { code: 250, enhanced: "2.0.0", text: [] }, "250 2.0.0 \r\n"],
  ["one line of an array", { code: 250, enhanced: "", text: ["x"] }, "250 x\r\n"],
  [
    "hyphens on all lines but the last, the codes on each (RFC 5321 §4.2.1, RFC 2034 §4)",
    { code: 550, enhanced: "5.7.1", text: ["a", "", "c"] },
    "550-5.7.1 a\r\n550-5.7.1 \r\n550 5.7.1 c\r\n",
  ],
  ["TAB as it is (RFC 5321 §4.2)", { code: 250, enhanced: "", text: "a\tb" }, "250 a\tb\r\n"],
  ["line ends as a space", { code: 550, enhanced: "", text: "a\r\n250 b\nc\rd" }, "550 a 250 b c d\r\n"],
  ["controls as a space", { code: 550, enhanced: "", text: "a\0\x1b\x7fb" }, "550 a b\r\n"],
  [
    "what is not ASCII as a question mark",
    { code: 550, enhanced: "", text: "é🧀\u2028\x85" },
    "550 ????\r\n",
  ],
  ["line ends in an array as a space", { code: 550, enhanced: "", text: ["a\r\nb"] }, "550 a b\r\n"],
];

describe("formatReply", () => {
  for (const [name, reply, wire] of cases) {
    test(`writes ${name}`, () => assert.equal(formatReply(reply), wire));
  }

  test("keeps a line of just 512 octets whole and folds a longer one (RFC 5321 §4.5.3.1.5)", () => {
    for (const enhanced of ["", "5.7.1"]) {
      const prefix = enhanced === "" ? 4 : 10;
      const room = maxReplyLineBytes - 2 - prefix;
      const whole = formatReply({ code: 550, enhanced, text: "x".repeat(room) });
      assert.equal(whole.length, maxReplyLineBytes);
      assert.equal(whole.match(/\r\n/g)?.length, 1);
      const folded = formatReply({ code: 550, enhanced, text: "x".repeat(room + 1) }).split("\r\n");
      assert.equal(folded.length, 3);
      assert.equal(folded[0]?.length, maxReplyLineBytes - 2);
      assert.equal(folded[1]?.slice(prefix), "x");
    }
  });

  test("folds at a space where there is one, and loses no word", () => {
    const words = Array.from({ length: 300 }, (_, index) => `word${index}`);
    const lines = formatReply({ code: 550, enhanced: "5.7.1", text: words.join(" ") })
      .split("\r\n")
      .slice(0, -1);
    assert.ok(lines.length > 1);
    assert.deepEqual(
      lines.flatMap((line) => line.slice(10).split(" ")),
      words,
    );
  });

  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 1500 }),
    fc.string({ unit: fc.constantFrom(" ", "x", "\t", "\r", "\n", "é"), maxLength: 1500 }),
  );
  const enhanced = fc.constantFrom("", "2.0.0", "5.7.999");

  test("always writes the grammar of replies (RFC 5321 §4.2)", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.array(anyText, { maxLength: 4 })), enhanced, (text, code) => {
        const wire = formatReply({ code: 550, enhanced: code, text });
        const prefix = code === "" ? "" : `${code} `;
        const lines = wire.split("\r\n");
        assert.equal(lines.pop(), "", "CRLF at the end");
        for (const [index, line] of lines.entries()) {
          assert.ok(line.length + 2 <= maxReplyLineBytes);
          assert.ok(line.startsWith(`550${index === lines.length - 1 ? " " : "-"}${prefix}`));
          assert.match(line, /^[\t\x20-\x7e]*$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("loses no printable character but spaces", () => {
    const printable = fc.string({ unit: "grapheme-ascii", maxLength: 1500 });
    fc.assert(
      fc.property(printable, (text) => {
        const lines = formatReply({ code: 250, enhanced: "", text }).split("\r\n");
        const said = lines.map((line) => line.slice(4)).join("");
        assert.equal(said.replaceAll(" ", ""), text.replaceAll(" ", ""));
      }),
    );
  });
});

describe("sanitize", () => {
  test("leaves printable ASCII and TAB as they are", () => {
    const plain = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");
    assert.equal(sanitize(`${plain}\t`), `${plain}\t`);
  });

  test("lets no lone surrogate through", () => {
    assert.equal(sanitize("a\ud800b"), "a?b");
  });
});

describe("replyForLog", () => {
  test("puts all lines on one, without the line end", () => {
    assert.equal(replyForLog("250 2.0.0 Ok\r\n"), "250 2.0.0 Ok");
    assert.equal(replyForLog("250-a\r\n250 b\r\n"), "250-a / 250 b");
  });
});
