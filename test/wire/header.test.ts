// Header blocks read byte-exactly and fields written safely (src/wire/header.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { findHeaderEnd, formatHeader, HeaderBlock } from "../../src/wire/header.ts";

function block(text: string): HeaderBlock {
  return new HeaderBlock(Buffer.from(text, "latin1"));
}

describe("a block is read as fields", () => {
  const cases: readonly [what: string, text: string, fields: [name: string, value: string][]][] = [
    ["nothing", "", []],
    ["one field", "Subject: hello\r\n", [["Subject", "hello"]]],
    [
      "case and order kept",
      "b: 1\r\nA: 2\r\nB: 3\r\n",
      [
        ["b", "1"],
        ["A", "2"],
        ["B", "3"],
      ],
    ],
    [
      "folds undone (RFC 5322 §2.2.3)",
      "A: 1\r\n 2\r\n\t3\r\nB: 4\r\n",
      [
        ["A", "1 2\t3"],
        ["B", "4"],
      ],
    ],
    ["a fold right after the colon", "A:\r\n 1\r\n", [["A", "1"]]],
    ["a fold of blanks only (RFC 5322 §4.2)", "A: 1\r\n  \r\n 2\r\n", [["A", "1   2"]]],
    [
      "no value",
      "A:\r\nB: \r\n",
      [
        ["A", ""],
        ["B", ""],
      ],
    ],
    ["no blank after the colon", "A:1\r\n", [["A", "1"]]],
    ["only the blanks in front dropped", "A: \t 1 \r\n", [["A", "1 "]]],
    ["blanks before the colon (RFC 5322 §4.5)", "A \t: 1\r\n", [["A", "1"]]],
    ["colons in the value", "A: b: c\r\n", [["A", "b: c"]]],
    ["every character of a name", "!#~;_-9: 1\r\n", [["!#~;_-9", "1"]]],
    [
      "a last line without CRLF",
      "A: 1\r\nB: 2",
      [
        ["A", "1"],
        ["B", "2"],
      ],
    ],
    [
      "a line without colon",
      "A: 1\r\nno field\r\nB: 2\r\n",
      [
        ["A", "1"],
        ["", "no field"],
        ["B", "2"],
      ],
    ],
    ["a line without colon, folded", "no field\r\n at: all\r\n", [["", "no field at: all"]]],
    [
      "an mbox line",
      "From a@b Thu Feb 1 15:06:00 2024\r\nA: 1\r\n",
      [
        ["", "From a@b Thu Feb 1 15:06:00 2024"],
        ["A", "1"],
      ],
    ],
    ["an empty name", ": 1\r\n", [["", ": 1"]]],
    ["a name with a blank", "A b: 1\r\n", [["", "A b: 1"]]],
    ["a name in 8 bits", "\xfc: 1\r\n", [["", "\xfc: 1"]]],
    [
      "a fold without field",
      " x: 1\r\nA: 2\r\n",
      [
        ["", " x: 1"],
        ["A", "2"],
      ],
    ],
    [
      "an empty line",
      "A: 1\r\n\r\nB: 2\r\n",
      [
        ["A", "1"],
        ["", ""],
        ["B", "2"],
      ],
    ],
    ["bare LF as part of the value", "A: 1\nB: 2\r\n", [["A", "1\nB: 2"]]],
    [
      "bare CR as part of the value",
      "A: 1\rB: 2\r\r\nC: 3\r\n",
      [
        ["A", "1\rB: 2\r"],
        ["C", "3"],
      ],
    ],
    ["NUL as part of the value", "A: 1\0\r\n", [["A", "1\0"]]],
    ["UTF-8", "A: \xc3\xbc\r\n", [["A", "\u00fc"]]],
    ["Latin-1 where it is no UTF-8", "A: \xfc\r\n", [["A", "\u00fc"]]],
    ["a byte order mark", "A: \xef\xbb\xbfx\r\n", [["A", "\ufeffx"]]],
    ["a name of Object", "__proto__: 1\r\n", [["__proto__", "1"]]],
  ];
  for (const [what, text, fields] of cases) {
    test(what, () => {
      const parsed = block(text);
      assert.deepEqual(
        parsed.fields.map((field) => [field.name, field.value]),
        fields,
      );
      assert.equal(Buffer.concat(parsed.fields.map((field) => field.raw)).toString("latin1"), text);
      assert.equal(parsed.size, text.length);
    });
  }
});

describe("fields are looked up", () => {
  const parsed = block("Received: 1\r\nSubject: s\r\nRECEIVED: 2\r\nbroken\r\nreceived : 3\r\n");

  test("by name in any case (RFC 5322 §1.2.2)", () => {
    assert.equal(parsed.get("received"), "1");
    assert.equal(parsed.get("SUBJECT"), "s");
    assert.equal(parsed.get("to"), undefined);
    assert.deepEqual(parsed.all("Received"), ["1", "2", "3"]);
    assert.deepEqual(parsed.all("to"), []);
    assert.equal(parsed.count("Received"), 3);
    assert.equal(parsed.count("to"), 0);
  });

  test("one after the other, the same objects each time", () => {
    assert.deepEqual(
      [...parsed].map((field) => field.key),
      ["received", "subject", "received", "", "received"],
    );
    assert.equal(parsed.fields, parsed.fields);
    assert.equal([...parsed][0], parsed.fields[0]);
  });

  test("in a Uint8Array that is a window on a larger buffer", () => {
    const bytes = new Uint8Array(Buffer.from("..A: 1\r\n..")).subarray(2, 8);
    const [field] = new HeaderBlock(bytes).fields;
    assert.equal(field?.value, "1");
    assert.deepEqual(Uint8Array.from(field?.raw ?? []), Uint8Array.from(bytes));
  });
});

describe("the end of the header block is found", () => {
  const cases: readonly [text: string, end: number][] = [
    ["A: 1\r\n\r\nbody", 8],
    ["\r\nbody", 2],
    ["\r\n\r\n", 2],
    ["A: 1\r\n\r\n\r\n", 8],
    ["", -1],
    ["\r", -1],
    ["A: 1\r\n", -1],
    ["A: 1\r\n\r", -1],
    ["A: 1\n\nbody", -1],
    ["A: 1\r\n\nbody", -1],
    ["A: 1\n\r\nbody", -1],
    ["A: 1\r\r\n\r\nbody", 9],
  ];
  for (const [text, end] of cases) {
    test(`${JSON.stringify(text)}: ${end}`, () => {
      assert.equal(findHeaderEnd(Buffer.from(text), 0), end);
      assert.equal(findHeaderEnd(new Uint8Array(Buffer.from(text)), 0), end);
      // The same when the input comes byte by byte
      let found = -1;
      for (let length = 1; length <= text.length && found < 0; length++) {
        found = findHeaderEnd(Buffer.from(text.slice(0, length)), length - 1);
      }
      assert.equal(found, end);
    });
  }
});

describe("a field is written", () => {
  const words = "word ".repeat(40).trim();
  const cases: readonly [what: string, name: string, value: string, field: string][] = [
    ["on one line when it is short", "A", "1", "A: 1\r\n"],
    ["without blanks at the ends", "A", " \t1 \t", "A: 1\r\n"],
    ["without a blank when it is empty", "A", " ", "A:\r\n"],
    ["with 78 octets on a line", "A", `${"x".repeat(73)} y`, `A: ${"x".repeat(73)} y\r\n`],
    ["folded when it has more", "A", `${"x".repeat(74)} y`, `A: ${"x".repeat(74)}\r\n y\r\n`],
    [
      "folded before the whole run of blanks",
      "A",
      `${"x".repeat(73)} \t y`,
      `A: ${"x".repeat(73)}\r\n \t y\r\n`,
    ],
    ["folded after a word that is too long", "A", `${"x".repeat(90)} y`, `A: ${"x".repeat(90)}\r\n y\r\n`],
    ["not folded where there is no blank", "A", "x".repeat(995), `A: ${"x".repeat(995)}\r\n`],
    ["broken within a word at 998 octets", "A", "x".repeat(996), `A: ${"x".repeat(995)}\r\n x\r\n`],
    ["with bare CR, LF and NUL as spaces", "A", "1\r2\n3\x004", "A: 1 2 3 4\r\n"],
    ["with a bare LF that cannot begin a field", "A", "1\nB: 2", "A: 1 B: 2\r\n"],
    ["with the folds it has", "A", "1;\r\n\t2;\r\n  3", "A: 1;\r\n\t2;\r\n  3\r\n"],
    ["without folds of blanks only", "A", "\r\n 1\r\n \r\n\t\r\n 2\r\n ", "A: 1\r\n 2\r\n"],
    ["without a CRLF at the end of the value", "A", "1\r\n", "A: 1\r\n"],
    ["in UTF-8", "A", "\u00fc", "A: \xc3\xbc\r\n"],
    ["with long runs of blanks cut", "A", `1${" ".repeat(78)}2`, "A: 1 2\r\n"],
  ];
  for (const [what, name, value, field] of cases) {
    test(what, () => assert.equal(formatHeader(name, value).toString("latin1"), field));
  }

  test("folded so that unfolding gives the value again", () => {
    const field = formatHeader("Subject", words);
    assert.equal(block(field.toString("latin1")).get("subject"), words);
    for (const line of field.toString().split("\r\n")) assert.ok(line.length <= 78);
  });

  test("broken between characters, never within one", () => {
    const field = formatHeader("A", "\u20ac".repeat(1000));
    const [parsed] = new HeaderBlock(field).fields;
    assert.equal(parsed?.value.replaceAll(" ", ""), "\u20ac".repeat(1000));
  });

  test("not when the value would begin another field", () => {
    for (const value of ["1\r\nBcc: x", "1\r\n\r\nbody", "\r\nB: 2", "1\r\r\nB: 2", "1\r\n\0"]) {
      assert.throws(() => formatHeader("A", value), TypeError, JSON.stringify(value));
    }
  });

  test("not when the name is none", () => {
    for (const name of ["", "A:", "A b", " A", "A\r\nB", "A\n", "\u00fc", "A\0", "x".repeat(257)]) {
      assert.throws(() => formatHeader(name, "1"), TypeError, JSON.stringify(name));
    }
    assert.ok(formatHeader("x".repeat(256), "y".repeat(2000)).length > 2256);
  });
});

describe("for any input", () => {
  const pieces = fc.constantFrom(..."A|:| |\t|\r\n|\r|\n|\0|\xfc|Subject: x\r\n|word".split("|"));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.array(pieces).map((list) => new Uint8Array(Buffer.from(list.join(""), "latin1"))),
  );

  test("the raw fields joined are the block", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const { fields } = new HeaderBlock(input);
        assert.ok(Buffer.concat(fields.map((field) => field.raw)).equals(input));
        for (const field of fields) assert.ok(field.raw.length > 0 && !field.value.endsWith("\r\n"));
      }),
    );
  });

  test("a formatted field is one field of lines within 998 octets", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .array(
          fc.oneof(
            pieces,
            fc.nat(1200).map((n) => "\u00fcx".repeat(n)),
          ),
          { maxLength: 12 },
        )
        .map((list) => list.join("")),
    );
    const names = fc.string({ unit: fc.constantFrom(..."aZ9-!~_;".split("")), minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(names, text, (name, value) => {
        let field: Buffer;
        try {
          field = formatHeader(name, value);
        } catch (error) {
          assert.ok(error instanceof TypeError && /\r\n[^ \t]/.test(value));
          return;
        }
        const octets = field.toString("latin1");
        assert.ok(octets.endsWith("\r\n"));
        const inner = octets.slice(0, -2);
        assert.ok(!/[\r\n\0]/.test(inner.replace(/\r\n(?=[ \t])/g, "")));
        for (const line of inner.split("\r\n")) assert.ok(line.length <= 998 && /[^ \t]/.test(line));
        const parsed = new HeaderBlock(field).fields;
        assert.equal(parsed.length, 1);
        assert.equal(parsed[0]?.name, name);
        const plain = (text: string): string => text.toWellFormed().replace(/[ \t\r\n\0]/g, "");
        assert.equal(plain(parsed[0]?.value ?? ""), plain(value));
      }),
      { numRuns: 60 },
    );
  });
});
