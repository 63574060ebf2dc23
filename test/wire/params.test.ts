// Parameters of MAIL and RCPT (src/wire/params.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { isFault } from "../../src/wire/fault.ts";
import { parseParams } from "../../src/wire/params.ts";

describe("parameters are read (RFC 5321 §4.1.2)", () => {
  const cases: readonly [text: string, params: [string, string | undefined][]][] = [
    ["", []],
    [" ", []],
    ["  \t ", []],
    [" SIZE=1000", [["SIZE", "1000"]]],
    [" smtputf8", [["SMTPUTF8", undefined]]],
    [
      " size=1 Body=8BitMime SMTPUTF8  ",
      [
        ["SIZE", "1"],
        ["BODY", "8BitMime"],
        ["SMTPUTF8", undefined],
      ],
    ],
    [
      "  A   B \t",
      [
        ["A", undefined],
        ["B", undefined],
      ],
    ],
    [" 8-X-=<>", [["8-X-", "<>"]]],
    [" A=!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~", [["A", "!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~"]]],
    [" ORCPT=utf-8;\u00fc@b", [["ORCPT", "utf-8;\u00fc@b"]]],
  ];
  for (const [text, params] of cases) {
    test(JSON.stringify(text), () => {
      const result = parseParams(`<a@b>${text}`, 5);
      if (isFault(result)) assert.fail(result.text);
      assert.deepEqual([...result], params);
    });
  }
});

describe("broken parameters are refused with 501 5.5.4", () => {
  const cases: readonly [text: string, reason: string][] = [
    ["SIZE=1", "Parameters must follow a space"],
    ["\tSIZE=1", "Parameters must follow a space"],
    [">", "Parameters must follow a space"],
    [" =", "Parameter is malformed"],
    [" =1", "Parameter is malformed"],
    [" SIZE=", "Parameter is malformed"],
    [" SIZE= BODY=7BIT", "Parameter is malformed"],
    [" SIZE==1", "Parameter is malformed"],
    [" A=b=c", "Parameter is malformed"],
    [" -A", "Parameter is malformed"],
    [" A_B", "Parameter is malformed"],
    [" __proto__", "Parameter is malformed"],
    [" A\tB", "Parameter is malformed"],
    [" A=b\tC", "Parameter is malformed"],
    [" A=b\0c", "Parameter is malformed"],
    [" A=b\x7f", "Parameter is malformed"],
    [" A=b\x85", "Parameter is malformed"],
    [" A=b\r\nc", "Parameter is malformed"],
    [" \u00fc", "Parameter is malformed"],
    [" SIZE=1 size=1", "Parameter is given twice"],
    [" A A", "Parameter is given twice"],
  ];
  for (const [text, reason] of cases) {
    test(`${JSON.stringify(text)}: ${reason}`, () => {
      assert.deepEqual(parseParams(text, 0), { fault: true, code: 501, enhanced: "5.5.4", text: reason });
    });
  }
});

test("commands without parameters share one empty map that cannot be written to", () => {
  const empty = parseParams("MAIL FROM:<>", 12);
  assert.equal(empty, parseParams("RCPT TO:<a@b> ", 13));
  assert.ok(empty instanceof Map);
  assert.equal(empty.size, 0);
  assert.throws(() => empty.set("SIZE", "1"), TypeError);
});

describe("for any text", () => {
  const values = fc.string({
    unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });

  test("parameters written out are read back", () => {
    const keyword = fc
      .string({ unit: fc.constantFrom(..."AZ09-".split("")), maxLength: 9 })
      .map((text) => `X${text}`);
    const value = fc.option(
      values.filter((text) => !text.includes("=")),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(keyword, value), { selector: ([key]) => key }), (params) => {
        const text = params.map(([key, value]) =>
          value === undefined ? ` ${key}` : ` ${key.toLowerCase()}=${value}`,
        );
        const result = parseParams(text.join(""), 0);
        if (isFault(result)) assert.fail(result.text);
        assert.deepEqual([...result], params);
      }),
    );
  });

  test("parseParams gives a map or a fault with 501 5.5.4", () => {
    const parts = fc.constantFrom(" ", "=", "A", "b", "-", "\t", "\0", "\u00fc");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(parts).map((list) => list.join("")),
        ),
        fc.nat(8),
        (text, from) => {
          const result = parseParams(text, from);
          if (isFault(result)) return assert.equal(`${result.code} ${result.enhanced}`, "501 5.5.4");
          for (const [key, value] of result) {
            assert.match(key, /^[A-Z0-9][A-Z0-9-]*$/);
            assert.ok(value === undefined || /^[^\0- =\x7f]+$/.test(value));
          }
        },
      ),
    );
  });
});
