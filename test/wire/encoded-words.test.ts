// Encoded words of header fields (RFC 2047).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decodeWords } from "../../src/wire/encoded-words.ts";
import { HeaderBlock } from "../../src/wire/header.ts";

const cases: readonly (readonly [encoded: string, text: string])[] = [
  // RFC 2047 §8
  ["=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"],
  ["=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"],
  [
    "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
    "If you can read this you understand the example.",
  ],
  ["(=?ISO-8859-1?Q?a?= b)", "(a b)"],
  ["(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"],
  ["(=?ISO-8859-1?Q?a_b?=)", "(a b)"],
  // RFC 2231 §5: a language
  ["=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"],
  ["=?utf-8?B?8J+YgA==?=", "😀"],
  ["=?utf-8?q?caf=C3=A9?=", "café"],
  // Characters cut in two by the sender
  ["=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"],
  ["=?utf-8?B?w6nD?= =?utf-8?B?qQ==?=", "éé"],
  // Not well formed: left alone
  ["=?no-such-charset?Q?a?=", "=?no-such-charset?Q?a?="],
  ["=?utf-8?Q?a=ZZ?=", "=?utf-8?Q?a=ZZ?="],
  ["=?utf-8?X?a?=", "=?utf-8?X?a?="],
  ["=?utf-8?Q?a b?=", "=?utf-8?Q?a b?="],
  ["plain = text?", "plain = text?"],
  ["", ""],
];

describe("encoded words", () => {
  for (const [encoded, text] of cases) {
    test(`${JSON.stringify(encoded)} reads ${JSON.stringify(text)}`, () => {
      assert.equal(decodeWords(encoded), text);
    });
  }

  test("come back as they were, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const encoded = `=?utf-8?B?${Buffer.from(text, "utf8").toString("base64")}?=`;
        assert.equal(decodeWords(encoded), text.replace(/^\ufeff/, ""));
      }),
    );
  });

  test("never throw and never hang on arbitrary text", () => {
    const pieces = fc.constantFrom("=?", "?=", "utf-8", "?Q?", "?B?", "=C3", " ", "a", "=", "?", "é");
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 200 }),
        (parts) => typeof decodeWords(parts.join("")) === "string",
      ),
    );
    assert.equal(typeof decodeWords("=?utf-8?Q?a?= ".repeat(5000)), "string");
  });

  test("are decoded by the text of a field, while its value stays as it came", () => {
    const block = new HeaderBlock(Buffer.from("Subject: =?utf-8?Q?caf=C3=A9?=\r\n\tnoir\r\n"));
    assert.equal(block.get("subject"), "=?utf-8?Q?caf=C3=A9?=\tnoir");
    assert.equal(block.text("subject"), "café\tnoir");
    assert.equal(block.fields[0]?.text, "café\tnoir");
    assert.equal(block.text("x"), undefined);
  });
});
