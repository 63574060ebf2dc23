// Paths of MAIL and RCPT and the names of HELO (src/wire/path.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { nullSender } from "../../src/wire/address.ts";
import { isFault } from "../../src/wire/fault.ts";
import { isAddressLiteral, isDomain, parseDomain, parsePath } from "../../src/wire/path.ts";

const sender = { utf8: false, null: true, postmaster: false };
const recipient = { utf8: false, null: false, postmaster: true };
const both = { utf8: true, null: true, postmaster: true };

describe("a path is read up to its closing bracket (RFC 5321 §4.1.2)", () => {
  const cases: readonly [path: string, canonical: string][] = [
    ["<a@b>", "a@b"],
    ["<First.Last@Mail.Example>", "First.Last@Mail.Example"],
    ['<"a>b c"@d>', '"a>b c"@d'],
    ['<"a\\">b"@d>', '"a\\">b"@d'],
    ["<a@[192.0.2.1]>", "a@[192.0.2.1]"],
    ["<a@[IPv6:::1]>", "a@[IPv6:::1]"],
    ["<a@[tag:x>y]>", "a@[tag:x>y]"],
    ["<@r:a@b>", "a@b"],
    ["<@r.example,@s.example:a@b>", "a@b"],
    ['<@r:"@s:x"@b>', '"@s:x"@b'],
    ["<Postmaster@b>", "Postmaster@b"],
  ];
  for (const [path, canonical] of cases) {
    for (const [before, after] of [
      ["", ""],
      ["MAIL FROM:", " SIZE=1 X=<>"],
      ["<<", ">>"],
    ] as const) {
      test(`${before}${path}${after} holds ${canonical}`, () => {
        const result = parsePath(before + path + after, before.length, recipient);
        if (isFault(result)) assert.fail(result.text);
        assert.equal(result.address.toString(), canonical);
        assert.equal(result.end, before.length + path.length);
      });
    }
  }

  test("<> is the null reverse-path where it is allowed", () => {
    assert.deepEqual(parsePath("MAIL FROM:<> SIZE=1", 10, sender), { address: nullSender, end: 12 });
  });

  test("<Postmaster> is taken in any case where it is allowed (RFC 5321 §4.5.1)", () => {
    for (const word of ["Postmaster", "postmaster", "POSTMASTER"]) {
      const result = parsePath(`RCPT TO:<${word}> X`, 8, recipient);
      if (isFault(result)) assert.fail(result.text);
      assert.equal(result.address.isPostmaster, true);
      assert.equal(result.address.local, word);
      assert.equal(result.end, 20);
    }
  });

  test("non-ASCII addresses are taken with utf8 (RFC 6531 §3.3)", () => {
    const result = parsePath("<j\u00fcrgen@b\u00fccher.example> SMTPUTF8", 0, both);
    if (isFault(result)) assert.fail(result.text);
    assert.equal(result.address.key, "j\u00fcrgen@xn--bcher-kva.example");
    assert.equal(result.end, 23);
  });
});

describe("a broken path is refused, with 5.1.7 for senders and 5.1.3 for recipients", () => {
  const label = "d".repeat(60);
  const long = `a@${label}.${label}.${label}.${label}.`; // 246 octets
  const cases: readonly [path: string, reason: string][] = [
    ["", "Address must be enclosed in < and >"],
    ["a@b", "Address must be enclosed in < and >"],
    [" <a@b>", "Address must be enclosed in < and >"],
    ["<a@b", "Address must be enclosed in < and >"],
    ["<a@[1.2.3.4]", "Address must be enclosed in < and >"],
    ["<", "Local part is missing"],
    ["<@>", "Source route is not valid"],
    ["<@b>", "Source route is not valid"],
    ["<@b,:a@c>", "Source route is not valid"],
    ["<@b,c:a@c>", "Source route is not valid"],
    ["<@b,@-:a@c>", "Source route is not valid"],
    ["<@[1.2.3.4]:a@c>", "Source route is not valid"],
    ["<@[:a@c>", "Source route is not valid"],
    ["<@b:>", "Local part is missing"],
    ["<@b:postmaster>", "Domain is missing"],
    ["<a>", "Domain is missing"],
    ["<a@>", "Domain is missing"],
    ["<a@b c>", "Domain has a character that is not allowed"],
    ["<a@b >", "Domain has a character that is not allowed"],
    ["<a@b_c>", "Domain has a character that is not allowed"],
    ["<a@b,c@d>", "Domain has a character that is not allowed"],
    ["<a@b.>", "Domain is not valid"],
    ["<a@[300.1.1.1]>", "Address literal is not valid"],
    ["< a@b>", "Local part has a character that is not allowed"],
    ["<<a@b>>", "Local part has a character that is not allowed"],
    ['<"a@b>', "Quoted local part is not closed"],
    [`<${"l".repeat(65)}@b>`, "Local part is longer than 64 octets"],
    [`<a@${"d".repeat(64)}>`, "Domain label is longer than 63 octets"],
    [`<${long}${"d".repeat(9)}>`, "Path is longer than 256 octets"],
    [`<a@${"d.".repeat(128)}d>`, "Domain is longer than 255 octets"],
  ];
  for (const [path, reason] of cases) {
    test(`${JSON.stringify(path.slice(0, 40))}: ${reason}`, () => {
      const at = (enhanced: string): object => ({ fault: true, code: 501, enhanced, text: reason });
      assert.deepEqual(parsePath(`MAIL FROM:${path}`, 10, sender), at("5.1.7"));
      assert.deepEqual(parsePath(`RCPT TO:${path}`, 8, recipient), at("5.1.3"));
    });
  }

  test("<> as recipient", () => {
    const result = parsePath("RCPT TO:<>", 8, recipient);
    assert.deepEqual(result, { fault: true, code: 501, enhanced: "5.1.3", text: "Address is empty" });
  });

  test("<postmaster> as sender", () => {
    const result = parsePath("MAIL FROM:<postmaster>", 10, sender);
    assert.deepEqual(result, { fault: true, code: 501, enhanced: "5.1.7", text: "Domain is missing" });
  });

  test("a path of 256 octets is taken, one of 257 is not (RFC 5321 §4.5.3.1.3)", () => {
    assert.ok(!isFault(parsePath(`<${long}${"d".repeat(8)}>`, 0, sender)));
    assert.ok(isFault(parsePath(`<${long}${"d".repeat(9)}>`, 0, sender)));
  });

  test("a source route counts in the length of the path", () => {
    assert.ok(!isFault(parsePath(`<@r,@s:${long}d>`, 0, sender)));
    assert.ok(isFault(parsePath(`<@r,@s:${long}${"d".repeat(4)}>`, 0, sender)));
  });

  test("non-ASCII without utf8: 550 5.6.7 for senders, 553 5.6.7 for recipients (RFC 6531 §3.5)", () => {
    for (const path of ["<\u00fc@b>", "<a@\u00fc>", '<"\u00fc"@b>', "<@\u00fc:a@b>"]) {
      const from = parsePath(path, 0, sender);
      const to = parsePath(path, 0, recipient);
      assert.ok(isFault(from) && isFault(to));
      assert.deepEqual([from.code, from.enhanced], [550, "5.6.7"]);
      assert.deepEqual([to.code, to.enhanced], [553, "5.6.7"]);
    }
  });

  test("octets are counted in UTF-8, not in characters", () => {
    const octets256 = `<${"\u00fc".repeat(32)}@${"\u00fc".repeat(50)}.${"\u00fc".repeat(42)}.${"d".repeat(3)}>`;
    assert.equal(Buffer.byteLength(octets256), 256);
    assert.ok(!isFault(parsePath(octets256, 0, both)));
    const result = parsePath(octets256.replace("ddd", "dddd"), 0, both);
    assert.ok(isFault(result));
    assert.equal(result.text, "Path is longer than 256 octets");
  });
});

describe("names of HELO and EHLO (RFC 5321 §4.1.1.1)", () => {
  const longest = `${`${"d".repeat(63)}.`.repeat(3)}${"d".repeat(63)}`;
  const domains = ["localhost", "Mail.Example.COM", "a-b.c", "1.2.3.4", "x--y", "d".repeat(63), longest];
  const others = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a\n",
    "d".repeat(64),
    `${longest}d`,
    "[1.2.3.4]",
  ];

  test("domains are known from other texts", () => {
    for (const text of domains) assert.equal(isDomain(text), true, text);
    for (const text of others) assert.equal(isDomain(text), false, text);
  });

  test("U-labels are domains with utf8 only", () => {
    assert.equal(isDomain("b\u00fccher.example"), false);
    assert.equal(isDomain("b\u00fccher.example", { utf8: true }), true);
    assert.equal(parseDomain("B\u00fccher.Example", { utf8: true }), "xn--bcher-kva.example");
  });

  test("a parsed domain comes in lower case, a refused one with its reason", () => {
    assert.equal(parseDomain("Mail.Example"), "mail.example");
    assert.deepEqual(parseDomain("a_b"), {
      fault: true,
      code: 501,
      enhanced: "5.5.4",
      text: "Domain is not valid",
    });
  });

  test("address literals are known from other texts", () => {
    for (const text of ["[192.0.2.1]", "[IPv6:::1]", "[tag:x]"])
      assert.equal(isAddressLiteral(text), true, text);
    for (const text of [
      "",
      "[",
      "]",
      "[]",
      "192.0.2.1",
      "[::1]",
      "[192.0.2.1",
      "[192.0.2.1]]",
      "a@[192.0.2.1]",
    ]) {
      assert.equal(isAddressLiteral(text), false, text);
    }
    assert.equal(isAddressLiteral(`[tag:${"x".repeat(250)}]`), false);
  });
});

describe("for any text", () => {
  const parts = fc.constantFrom(" ", "\0", "\ud800", ...'< > @ " \\ [ ] : , . a IPv6: \u00fc'.split(" "));
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(parts).map((list) => list.join("")),
  );

  test("parsePath gives an address and an end within bounds, or a fault", () => {
    fc.assert(
      fc.property(
        texts,
        fc.nat(8),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (text, from, utf8, isSender, postmaster) => {
          for (const line of [text, `<${text}>`, `<a@${text}>`, `<"${text}"@b>`]) {
            const result = parsePath(line, from, { utf8, null: isSender, postmaster });
            if (isFault(result)) {
              assert.match(result.text, /^[ -~]{1,80}$/);
              assert.match(`${result.code} ${result.enhanced}`, /^(501 5\.1\.[37]|55[03] 5\.6\.7)$/);
              continue;
            }
            assert.ok(result.end >= from + 2 && result.end <= line.length);
            assert.equal(line[result.end - 1], ">");
            assert.ok(!/[\0-\x1f\x7f]/.test(result.address.toString()));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("an accepted path parses to the same address from its canonical form", () => {
    fc.assert(
      fc.property(texts, texts, (left, right) => {
        const result = parsePath(`<${left}@${right}>`, 0, both);
        if (isFault(result)) return;
        const again = parsePath(`<${result.address.toString()}>`, 0, both);
        if (isFault(again)) assert.fail(again.text);
        assert.equal(again.address.key, result.address.key);
      }),
      { numRuns: 1000 },
    );
  });
});
