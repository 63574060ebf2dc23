// Solicitation class keywords (src/wire/soliciting.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatSolicit, isSolicitationKeyword, parseSolicit } from "../../src/wire/soliciting.ts";
import { refuses } from "./fault-check.ts";

describe("SOLICIT is read (RFC 3865 §2.2)", () => {
  const cases: readonly [value: string, keywords: string[]][] = [
    ["net.example:ADV", ["net.example:ADV"]],
    ["org.example:ADV:ADLT", ["org.example:ADV:ADLT"]],
    ["net.example.adv,com.example:ADV", ["net.example.adv", "com.example:ADV"]],
    ["a", ["a"]],
    ["A-_.:9,b,a", ["A-_.:9", "b", "a"]],
    ["x".repeat(1000), ["x".repeat(1000)]],
  ];
  for (const [value, keywords] of cases)
    test(value.slice(0, 60), () => assert.deepEqual(parseSolicit(value), keywords));
});

describe("SOLICIT is refused with 501 5.5.4", () => {
  const cases = [
    undefined,
    "",
    ",",
    "a,",
    ",a",
    "a,,b",
    "1a",
    ".a",
    "-a",
    "a b",
    "a, b",
    "a;b",
    "a=b",
    "\u00fc",
    "a\n",
  ];
  for (const value of [...cases, "x".repeat(1001)])
    test(`${value?.slice(0, 60)}`, () => refuses(parseSolicit(value), "501 5.5.4", "SOLICIT must be"));
});

test("EHLO's keywords are written with the same grammar (RFC 3865 §2.1)", () => {
  assert.equal(formatSolicit(["net.example:ADV", "org.example"]), "net.example:ADV,org.example");
  for (const keywords of [[], [""], ["1a"], ["a,b"], ["a b"], ["x".repeat(600), "y".repeat(600)]])
    assert.throws(() => formatSolicit(keywords), TypeError);
});

test("any keywords that are written are read back", () => {
  const keyword = fc
    .string({ unit: fc.constantFrom(..."Zz9.-_:".split("")), maxLength: 12 })
    .map((text) => `a${text}`);
  fc.assert(
    fc.property(fc.array(keyword, { minLength: 1 }), (keywords) => {
      assert.ok(keywords.every(isSolicitationKeyword));
      assert.deepEqual(parseSolicit(formatSolicit(keywords)), keywords);
    }),
  );
});
