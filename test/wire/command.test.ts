// Command lines to verb and argument.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  hasControl,
  maxAuthLineBytes,
  maxCommandBytes,
  parseCommand,
  toUpperAscii,
} from "../../src/wire/command.ts";

/** A character per byte of the UTF-8. */
function bytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

const cases: readonly (readonly [name: string, line: string, verb: string, argument: string])[] = [
  ["a verb alone", "NOOP", "NOOP", ""],
  ["a verb in any case (RFC 5321 §2.4)", "nOoP", "NOOP", ""],
  ["verb and argument", "VRFY user", "VRFY", "user"],
  ["the argument as it came", "MAIL FROM:<aB@c> SIZE=1  BODY=7BIT", "MAIL", "FROM:<aB@c> SIZE=1  BODY=7BIT"],
  ["one space between them", "NOOP  two", "NOOP", " two"],
  ["blanks at the end (RFC 5321 §4.1.1)", "NOOP a \t ", "NOOP", "a"],
  ["blanks behind the verb", "QUIT \t", "QUIT", ""],
  ["a TAB behind the verb", "QUIT\t", "QUIT", ""],
  ["no TAB for a space between them", "NOOP\ta b", "NOOP\tA", "b"],
  ["an empty line", "", "", ""],
  ["blanks only", "  ", "", ""],
  ["a blank first", " NOOP", "", "NOOP"],
  [
    "UTF-8 in the argument (RFC 6531 §3.3)",
    bytes("MAIL FROM:<jürgen@例え.test>"),
    "MAIL",
    "FROM:<jürgen@例え.test>",
  ],
  ["UTF-8 in the verb, which makes it none", bytes("RſET ıx"), "RſET", "ıx"],
  ["ill-formed octets as U+FFFD", "MAIL FROM:<j\xfcrgen@b>", "MAIL", "FROM:<j\ufffdrgen@b>"],
  ["ill-formed octets beside good UTF-8", `NOOP ${bytes("ü")}\xc3`, "NOOP", "ü\ufffd"],
  ["a byte order mark as what it is", bytes("\ufeffNOOP"), "\ufeffNOOP", ""],
  ["no other white space at the end than blanks", bytes("NOOP a\u00a0"), "NOOP", "a\u00a0"],
];

describe("parseCommand", () => {
  for (const [name, line, verb, argument] of cases) {
    test(`takes ${name}`, () => assert.deepEqual(parseCommand(line), { verb, argument }));
  }

  test("takes any line, and gives its parts back", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(127).map((code) => String.fromCharCode(code)) }), (line) => {
        const { verb, argument } = parseCommand(line);
        const trimmed = line.replace(/[ \t]+$/, "");
        assert.equal(verb.includes(" "), false);
        assert.equal(
          argument === "" ? verb : `${verb} ${argument}`,
          toUpperAscii(verb) + trimmed.slice(verb.length),
        );
      }),
    );
  });
});

describe("toUpperAscii", () => {
  test("changes ASCII letters and nothing else", () => {
    const letters = "abcdefghijklmnopqrstuvwxyz";
    assert.equal(toUpperAscii(letters), letters.toUpperCase());
    for (const text of ["ß", "ſ", "ı", "ﬁ", "ü", "ǆ", "K", "0-_"]) assert.equal(toUpperAscii(text), text);
  });
});

describe("hasControl", () => {
  test("finds controls but TAB, CR and LF among them (RFC 5321 §4.1.2)", () => {
    for (let code = 0; code < 256; code += 1) {
      const control = (code < 32 && code !== 9) || code === 127;
      assert.equal(hasControl(`a${String.fromCharCode(code)}b`), control, String(code));
    }
  });
});

test("the limits are not below those of the standards", () => {
  assert.ok(maxCommandBytes >= 512 + 1036); // RFC 5321 §4.5.3.1.4, RFC 3461 §4
  assert.ok(maxAuthLineBytes >= 12_288); // RFC 4954 §4
});
