// xtext (src/wire/xtext.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { parseParams } from "../../src/wire/params.ts";
import { isFault } from "../../src/wire/fault.ts";
import { decodeXtext, encodeXtext } from "../../src/wire/xtext.ts";

describe("xtext (RFC 3461 §4)", () => {
  const good: readonly [text: string, decoded: string][] = [
    ["", ""],
    ["abc", "abc"],
    ["a+2Bb", "a+b"],
    ["a+3Db+3Dc", "a=b=c"],
    ["+20+09+7E", " \t~"],
    ["+C3+BC", "\u00fc"],
    ["rfc822;a+2Bb@c", "rfc822;a+b@c"],
  ];
  for (const [text, decoded] of good)
    test(`${text} is decoded`, () => assert.equal(decodeXtext(text), decoded));

  const bad = [
    "+",
    "+2",
    "a+",
    "+2G",
    "+ 2",
    "++2B",
    "a=b",
    "a b",
    "\u00fc",
    "a\0",
    "a\n",
    "+00",
    "+0D+0A",
    "+7F",
    "+FF",
    "+C3",
    "+C2+80",
    "+ED+A0+80",
  ];
  for (const text of bad)
    test(`${JSON.stringify(text)} is no xtext`, () => {
      assert.equal(decodeXtext(text), undefined);
      assert.equal(decodeXtext(text, { anyCase: true }), undefined);
    });

  test("digits in lower case are taken on demand only (RFC 4954 §8)", () => {
    assert.equal(decodeXtext("a+3Db+3dc"), undefined);
    assert.equal(decodeXtext("a+3Db+3dc", { anyCase: true }), "a=b=c");
    assert.equal(decodeXtext("+c3+Bc", { anyCase: true }), "\u00fc");
  });

  test("is written with upper-case digits", () => {
    assert.equal(encodeXtext("a+b=c d\u00fc\n"), "a+2Bb+3Dc+20d+C3+BC+0A");
    assert.equal(encodeXtext("plain@example"), "plain@example");
  });
});

describe("for any text", () => {
  const values = fc.string({
    unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });

  test("xtext written is read back, and is a parameter value", () => {
    const printable = fc
      .string({ unit: "binary" })
      .filter((text) => !/[\0-\x08\n-\x1f\x7f-\x9f\ufffd]/.test(text));
    fc.assert(
      fc.property(fc.oneof(printable, values), (text) => {
        const encoded = encodeXtext(text);
        assert.match(encoded, /^[!-<>-~]*$/);
        assert.equal(decodeXtext(encoded), text);
        if (text !== "") assert.ok(!isFault(parseParams(` ORCPT=${encoded}`, 0)));
      }),
    );
  });

  test("decodeXtext never throws and gives printable text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("+", "0", "D", "a", "=", "C3", "+C3", "+BC", "\u00fc") }),
        fc.boolean(),
        (text, anyCase) => {
          assert.ok(!/[\0-\x08\n-\x1f\x7f]/.test(decodeXtext(text, { anyCase }) ?? ""));
        },
      ),
    );
  });
});
