// What the submission module reads of header fields: addresses, comments, dates, Message-IDs
// (src/modules/submission/address-list.ts, comments.ts, fields.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { parseAddressList } from "../../src/modules/submission/address-list.ts";
import { withoutComments } from "../../src/modules/submission/comments.ts";
import { formatDate, isDate, isMessageId, makeMessageId } from "../../src/modules/submission/fields.ts";

describe("the addresses of a field (RFC 5322 §3.4)", () => {
  const read: readonly [text: string, addresses: readonly string[]][] = [
    ["anna@example.org", ["anna@example.org"]],
    [" Anna <anna@example.org> ", ["anna@example.org"]],
    ['"Doe, Anna" <anna@example.org>, bert@example.org', ["anna@example.org", "bert@example.org"]],
    ["Anna J. Doe <anna@example.org>", ["anna@example.org"]],
    ["=?utf-8?q?Gr=C3=BC=C3=9Fe?= <anna@example.org>", ["anna@example.org"]],
    ["Jürgen <jürgen@bücher.example>", ["jürgen@bücher.example"]],
    ["anna@example.org (Anna (at home) \\) )", ["anna@example.org"]],
    ["(x) Anna (y) < (z) anna (a) @ (b) example . org > (c)", ["anna@example.org"]],
    ['"a\\"(b" <anna@example.org>', ["anna@example.org"]],
    ['"anna smith"@example.org', ['"anna smith"@example.org']],
    ["anna@[192.0.2.1]", ["anna@[192.0.2.1]"]],
    ["anna@sales", ["anna@sales"]],
    ["undisclosed-recipients:;", []],
    [
      "Team: Anna <anna@example.org>, bert@example.org;, c@example.org",
      ["anna@example.org", "bert@example.org", "c@example.org"],
    ],
    [", anna@example.org,, ,", ["anna@example.org"]],
    ["<anna@example.org>", ["anna@example.org"]],
    ["", []],
  ];
  for (const [text, addresses] of read) {
    test(`are ${addresses.join(" and ") || "none"} in ${JSON.stringify(text)}`, () => {
      const list = parseAddressList(text);
      assert.deepEqual(list?.mailboxes.map(String), addresses);
      assert.equal(list.hasBareName, false);
    });
  }

  for (const text of ["anna@example.org <anna@example.org>", "[Sales] <anna@example.org>"]) {
    test(`are read, and the name noted as wrong, in ${text}`, () => {
      assert.deepEqual(parseAddressList(text)?.mailboxes.map(String), ["anna@example.org"]);
      assert.equal(parseAddressList(text)?.hasBareName, true);
    });
  }

  const refused: readonly string[] = [
    "anna",
    "Anna Doe",
    "anna doe@example.org",
    "anna@example.org bert@example.org",
    "anna@",
    "@example.org",
    "<>",
    "Anna <>",
    "Anna <anna>",
    "Anna <anna@example.org",
    "anna@example.org>",
    "<anna@example.org> Anna",
    "<anna@example.org> <bert@example.org>",
    "<@relay.example:anna@example.org>",
    "anna@example.org (open",
    "anna@example.org )",
    '"Anna <anna@example.org>',
    "Team: anna@example.org",
    "Team: Inner: anna@example.org;;",
    "Team:; anna@example.org",
    ": anna@example.org;",
    "anna@example.org;",
    "a..b@example.org",
    "anna@-.example",
    "anna@example.org\nBcc: bert@example.org",
    "Anna\0 <anna@example.org>",
    '"An\rna" <anna@example.org>',
  ];
  for (const text of refused) {
    test(`cannot be read in ${JSON.stringify(text)}`, () => assert.equal(parseAddressList(text), undefined));
  }

  test("are read or refused in fields as long as a header may be", () => {
    for (const text of [
      "(".repeat(200_000),
      "a ".repeat(100_000),
      "a.".repeat(100_000),
      "<a@b.c>,".repeat(25_000),
    ]) {
      parseAddressList(text);
    }
    assert.equal(parseAddressList("a@b.c,".repeat(40_000))?.mailboxes.length, 40_000);
  });

  test("are the same after they were written down, for any list of mailboxes", () => {
    const word = fc.string({ unit: fc.constantFrom(..."aZ9-_+'".split("")), minLength: 1, maxLength: 8 });
    const name = fc.oneof(
      fc.constant(""),
      word,
      fc.string().map((text) => `"${text.replaceAll(/[\0-\x1f\x7f]/g, " ").replaceAll(/["\\]/g, "\\$&")}"`),
    );
    const comment = fc.constantFrom("", "", "(c)", '(a (b) \\( ")');
    const mailbox = fc.tuple(name, word, comment);
    fc.assert(
      fc.property(fc.array(mailbox, { maxLength: 6 }), (list) => {
        const text = list
          .map(([shown, local, note]) => `${shown} ${note}<${local}@x.example>${note}`)
          .join(",");
        const addresses = parseAddressList(text)?.mailboxes.map(({ local }) => local);
        assert.deepEqual(
          addresses,
          list.map(([, local]) => local),
        );
      }),
    );
  });

  test("come from any text without a throw, and never with a line end", () => {
    const piece = fc.constantFrom(...'a|@|.|<|>|(|)|"|\\|,|:|;|[|]| |\t|\r|\n|\0|ü|x.example'.split("|"));
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(text, (value) => {
        for (const address of parseAddressList(value)?.mailboxes ?? [])
          assert.doesNotMatch(String(address), /[\r\n]/);
        isDate(value);
        isMessageId(value);
      }),
      { numRuns: 500 },
    );
  });
});

test("comments become a space each, except in quotes (RFC 5322 §3.2.2)", () => {
  assert.equal(withoutComments("a(b(c)\\)d)e"), "a e");
  assert.equal(withoutComments('"(a)" (b)'), '"(a)"  ');
  assert.equal(withoutComments('("a) b'), "  b");
  assert.equal(withoutComments("a(b"), undefined);
  assert.equal(withoutComments("a)b"), undefined);
  assert.equal(withoutComments('"a'), undefined);
});

describe("a date (RFC 5322 §3.3)", () => {
  const cases: readonly [value: string, fits: boolean][] = [
    ["Fri, 21 Nov 1997 09:55:06 -0600", true],
    ["21 Nov 97 09:55:06 GMT", true],
    ["Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", true],
    ["Thu,\t13 Feb 1969 23:32 -0330 (Newfoundland Time)", true],
    ["29 Feb 2023 00:00:60 +0000", true],
    ["30 Feb 2024 00:00:00 +0000", false],
    ["31 Apr 2024 00:00:00 +0000", false],
    ["0 May 2024 00:00:00 +0000", false],
    ["1 May 2024 24:00:00 +0000", false],
    ["1 May 2024 00:60:00 +0000", false],
    ["2024-05-01T00:00:00Z", false],
    ["Wed May 1 00:00:00 2024", false],
    ["1 May 2024 00:00:00", false],
    ["1 May 2024 00:00:00 CEST", false],
    ["1 May 2024 00:00:00 +0000 later", false],
    ["", false],
    ["(only a comment)", false],
  ];
  for (const [value, fits] of cases) {
    test(`is${fits ? "" : " not"} ${JSON.stringify(value)}`, () => assert.equal(isDate(value), fits));
  }

  test("is what is written, for any time", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
        const text = formatDate(date.getTime());
        assert.ok(isDate(text), text);
        assert.equal(Date.parse(text), Math.trunc(date.getTime() / 1000) * 1000);
      }),
    );
  });
});

describe("a Message-ID (RFC 5322 §3.6.4)", () => {
  const cases: readonly [value: string, fits: boolean][] = [
    ["<1234@local.machine.example>", true],
    [" <a.b$c=d@x> (comment)", true],
    ['<"quoted part"@x.example>', true],
    ["<a@[192.0.2.1]>", true],
    ["<ü@bücher.example>", true],
    ["a@b.example", false],
    ["<a>", false],
    ["<a@b@c>", false],
    ["<a b@c>", false],
    ["<a..b@c>", false],
    ["<a@b> <c@d>", false],
    ["<a@>", false],
    ["", false],
  ];
  for (const [value, fits] of cases) {
    test(`is${fits ? "" : " not"} ${JSON.stringify(value)}`, () => assert.equal(isMessageId(value), fits));
  }

  test("is what is made", () => {
    assert.equal(makeMessageId(1_700_000_000_000.5, "TEST1", "mx.test"), "<loyw3v28.TEST1@mx.test>");
    assert.ok(isMessageId(makeMessageId(0, "A", "localhost")));
  });
});
