// NOTIFY, ORCPT, RET and ENVID (src/wire/dsn-params.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  formatNotify,
  formatOriginalRecipient,
  parseEnvelopeId,
  parseNotify,
  parseOriginalRecipient,
  parseReturn,
} from "../../src/wire/dsn-params.ts";
import type { Notify } from "../../src/wire/dsn-params.ts";
import { isFault } from "../../src/wire/fault.ts";
import { parseParams } from "../../src/wire/params.ts";
import { encodeXtext } from "../../src/wire/xtext.ts";
import { refuses } from "./fault-check.ts";

describe("NOTIFY (RFC 3461 §4.1)", () => {
  const good: readonly [value: string, notify: Notify][] = [
    ["NEVER", "never"],
    ["never", "never"],
    ["SUCCESS", ["success"]],
    ["Failure,delay", ["failure", "delay"]],
    ["DELAY,SUCCESS,FAILURE", ["delay", "success", "failure"]],
  ];
  for (const [value, notify] of good)
    test(`${value} is read`, () => assert.deepEqual(parseNotify(value), notify));

  const bad: readonly [value: string | undefined, text: string][] = [
    [undefined, "NOTIFY must be NEVER, or SUCCESS"],
    ["", "NOTIFY must be"],
    ["SUCCESS,", "NOTIFY must be"],
    [",SUCCESS", "NOTIFY must be"],
    ["SUCCESS;DELAY", "NOTIFY must be"],
    ["SUCCESS, DELAY", "NOTIFY must be"],
    ["ALWAYS", "NOTIFY must be"],
    ["__proto__", "NOTIFY must be"],
    ["\u017fUCCESS", "NOTIFY must be"],
    ["NEVER,NEVER", "NOTIFY=NEVER must stand alone"],
    ["NEVER,DELAY", "NOTIFY=NEVER must stand alone"],
    ["DELAY,never", "NOTIFY=NEVER must stand alone"],
    ["DELAY,SUCCESS,delay", "NOTIFY has a word twice"],
  ];
  for (const [value, text] of bad)
    test(`${value} is refused with 501 5.5.4`, () => refuses(parseNotify(value), "501 5.5.4", text));

  test("any of it that is written is read back", () => {
    const events = fc.subarray(["success", "failure", "delay"] as const, { minLength: 1 });
    fc.assert(
      fc.property(fc.oneof(fc.constant<Notify>("never"), events), (notify) =>
        assert.deepEqual(parseNotify(formatNotify(notify)), notify),
      ),
    );
  });
});

describe("ORCPT (RFC 3461 §4.2, RFC 6533 §3)", () => {
  const good: readonly [value: string, type: string, address: string][] = [
    ["rfc822;bob@example.com", "rfc822", "bob@example.com"],
    ["RFC822;Bob@Example.COM", "rfc822", "Bob@Example.COM"],
    ["rfc822;user+2Btag@example.com", "rfc822", "user+tag@example.com"],
    ["rfc822;user+2btag@example.com", "rfc822", "user+tag@example.com"],
    ["rfc822;+22a+20b+22@example.com", "rfc822", '"a b"@example.com'],
    ["x400;/c=".replace("=", "+3D"), "x400", "/c="],
    ["x-x_{}|;a;b", "x-x_{}|", "a;b"],
    ["utf-8;bob@example.com", "utf-8", "bob@example.com"],
    ["UTF-8;us\\x{E9}r@b\\x{fc}cher.example", "utf-8", "us\u00e9r@b\u00fccher.example"],
    ["utf-8;\u7528\u6237@example.com", "utf-8", "\u7528\u6237@example.com"],
    ["utf-8;\\x{1F4E7}@example.com", "utf-8", "\u{1f4e7}@example.com"],
    ["utf-8;\\x{10FFFD}@example.com", "utf-8", "\u{10fffd}@example.com"],
    ["utf-8;a\\x{2B}b\\x{3D}\\x{20}\\x{5C}x@example.com", "utf-8", "a+b= \\x@example.com"],
    ["utf-8;a+b@example.com", "utf-8", "a+b@example.com"],
    ["utf-8;a+2Bb@example.com", "utf-8", "a+2Bb@example.com"],
    [`rfc822;${"x".repeat(493)}`, "rfc822", "x".repeat(493)],
  ];
  for (const [value, type, address] of good)
    test(`${value.slice(0, 70)} is read`, () =>
      assert.deepEqual(parseOriginalRecipient(value), { type, address }));

  const bad: readonly [value: string | undefined, text: string][] = [
    [undefined, "ORCPT must be an address type"],
    ["", "ORCPT must be an address type"],
    ["bob@example.com", "ORCPT must be an address type"],
    [";bob@example.com", "ORCPT must be an address type"],
    ["rfc822;", "ORCPT must be an address type"],
    ["rfc 822;bob", "ORCPT must be an address type"],
    ["rfc.822;bob", "ORCPT must be an address type"],
    ["\u00fc;bob", "ORCPT must be an address type"],
    ["rfc822;a+b@example.com", "ORCPT address must be xtext"],
    ["rfc822;a=b@example.com", "ORCPT address must be xtext"],
    ["rfc822;a b", "ORCPT address must be xtext"],
    ["rfc822;a+0D+0Ab", "ORCPT address must be xtext"],
    ["rfc822;a+C3+BCb", "ORCPT address must be xtext"],
    ["rfc822;\u00fc@example.com", "ORCPT address must be xtext"],
    ["utf-8;a=b", "ORCPT address must be printable"],
    ["utf-8;a b", "ORCPT address must be printable"],
    ["utf-8;a\\b", "ORCPT address must be printable"],
    ["utf-8;a\\x{}", "ORCPT address must be printable"],
    ["utf-8;a\\x{E}", "ORCPT address must be printable"],
    ["utf-8;a\\x{E9", "ORCPT address must be printable"],
    ["utf-8;a\\X{E9}", "ORCPT address must be printable"],
    ["utf-8;a\\x{0E9}", "ORCPT address must be printable"],
    ["utf-8;a\\x{61}", "ORCPT address must be printable"],
    ["utf-8;a\\x{00}", "ORCPT address must be printable"],
    ["utf-8;a\\x{0D}\\x{0A}", "ORCPT address must be printable"],
    ["utf-8;a\\x{7F}", "ORCPT address must be printable"],
    ["utf-8;a\\x{85}", "ORCPT address must be printable"],
    ["utf-8;a\\x{D83D}\\x{DCE7}", "ORCPT address must be printable"],
    ["utf-8;a\\x{110000}", "ORCPT address must be printable"],
    ["utf-8;a\\x{1000000}", "ORCPT address must be printable"],
    ["utf-8;a\ufffd", "ORCPT address must be printable"],
    [`rfc822;${"x".repeat(494)}`, "ORCPT must not be longer than 500"],
  ];
  for (const [value, text] of bad)
    test(`${value?.slice(0, 70)} is refused with 501 5.5.4`, () =>
      refuses(parseOriginalRecipient(value), "501 5.5.4", text));

  test("is written with xtext, or with the forms of RFC 6533", () => {
    const address = "us\u00e9r+\u{1f4e7}\\@example.com";
    assert.equal(formatOriginalRecipient({ type: "rfc822", address: "a+b@c" }), "rfc822;a+2Bb@c");
    assert.equal(
      formatOriginalRecipient({ type: "utf-8", address }),
      "utf-8;us\\x{E9}r\\x{2B}\\x{1F4E7}\\x{5C}@example.com",
    );
    assert.equal(
      formatOriginalRecipient({ type: "utf-8", address }, { utf8: true }),
      "utf-8;us\u00e9r\\x{2B}\u{1f4e7}\\x{5C}@example.com",
    );
  });

  test("any of it that is written is a parameter and is read back", () => {
    const ascii = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 });
    const any = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((text) => !/[\0-\x1f\x7f-\x9f\ufffd]/.test(text));
    const recipient = fc.oneof(
      ascii.map((address) => ({ type: "rfc822", address })),
      any.map((address) => ({ type: "utf-8", address })),
    );
    fc.assert(
      fc.property(recipient, fc.boolean(), (original, utf8) => {
        const value = formatOriginalRecipient(original, { utf8 });
        if (value.length > 500) return;
        assert.ok(utf8 || /^[ -~]*$/.test(value));
        const params = parseParams(` ORCPT=${value}`, 0);
        if (isFault(params)) assert.fail(`${value}: ${params.text}`);
        assert.deepEqual(parseOriginalRecipient(params.get("ORCPT")), original);
      }),
    );
  });
});

describe("RET (RFC 3461 §4.3)", () => {
  test("is FULL or HDRS in any case", () => {
    assert.equal(parseReturn("FULL"), "full");
    assert.equal(parseReturn("hdrs"), "headers");
  });
  for (const value of [undefined, "", "HEADERS", "FULL,HDRS", "FULL ", "HDR\u017f"])
    test(`${value} is refused with 501 5.5.4`, () =>
      refuses(parseReturn(value), "501 5.5.4", "RET must be FULL or HDRS"));
});

describe("ENVID (RFC 3461 §4.4)", () => {
  const good: readonly [value: string, id: string][] = [
    ["QQ314159", "QQ314159"],
    ["a+2Bb+20c+3Dd", "a+b c=d"],
    ["x".repeat(100), "x".repeat(100)],
  ];
  for (const [value, id] of good) test(`${value} is read`, () => assert.equal(parseEnvelopeId(value), id));

  const bad: readonly [value: string | undefined, text: string][] = [
    [undefined, "ENVID must be xtext of printable ASCII"],
    ["a=b", "ENVID must be xtext"],
    ["a+b", "ENVID must be xtext"],
    ["a+0Ab", "ENVID must be xtext"],
    ["a+00b", "ENVID must be xtext"],
    ["a+C3+BCb", "ENVID must be xtext"],
    ["\u00fc", "ENVID must be xtext"],
    ["x".repeat(101), "ENVID must not be longer than 100"],
  ];
  for (const [value, text] of bad)
    test(`${value?.slice(0, 40)} is refused with 501 5.5.4`, () =>
      refuses(parseEnvelopeId(value), "501 5.5.4", text));

  test("any that is written is read back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 33 }), (id) =>
        assert.equal(parseEnvelopeId(encodeXtext(id)), id),
      ),
    );
  });
});
