// Mailboxes as values: grammar, comparison keys and the canonical form (src/wire/address.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Address, nullSender, parseMailbox } from "../../src/wire/address.ts";
import { isFault } from "../../src/wire/fault.ts";

const label63 = "d".repeat(63);
const domain255 = `${label63}.${label63}.${label63}.${"d".repeat(63)}`;

function mailbox(text: string, utf8 = false): Address {
  const address = parseMailbox(text, { utf8 });
  if (isFault(address)) assert.fail(`${text}: ${address.text}`);
  return address;
}

describe("a mailbox is taken apart (RFC 5321 §4.1.2)", () => {
  const cases: readonly [text: string, local: string, domain: string, canonical?: string][] = [
    ["a@b", "a", "b"],
    ["First.Last+tag@Mail.Example.COM", "First.Last+tag", "Mail.Example.COM"],
    ["!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~", "x.example"],
    ["a@1-2.3", "a", "1-2.3"],
    ["a@127.0.0.1", "a", "127.0.0.1"],
    [`a@${domain255}`, "a", domain255],
    [`${"l".repeat(64)}@b`, "l".repeat(64), "b"],
    ['"a b"@c', "a b", "c"],
    ['"a"@c', "a", "c", "a@c"],
    ['"a.b"@c', "a.b", "c", "a.b@c"],
    ['".a"@c', ".a", "c"],
    ['"a..b"@c', "a..b", "c"],
    ['""@c', "", "c"],
    ['" "@c', " ", "c"],
    ['"\\a\\b"@c', "ab", "c", "ab@c"],
    ['"a\\"b\\\\"@c', 'a"b\\', "c"],
    ['"a>,@:;<"@c', "a>,@:;<", "c"],
    ['"\\ "@c', " ", "c", '" "@c'],
    ["a@[192.0.2.1]", "a", "[192.0.2.1]"],
    ["a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"],
    ["a@[tag:>@;]", "a", "[tag:>@;]"],
  ];
  for (const [text, local, domain, canonical = text] of cases) {
    test(`${text} has the local part ${JSON.stringify(local)}`, () => {
      const address = mailbox(text);
      assert.equal(address.local, local);
      assert.equal(address.domain, domain);
      assert.equal(address.toString(), canonical);
      assert.equal(address.isNull, false);
      assert.equal(address.isPostmaster, false);
      assert.equal(address.isAscii, true);
    });
  }
});

describe("a text that is no mailbox is refused with 501 5.1.3", () => {
  const cases: readonly [text: string, reason: string][] = [
    ["", "Local part is missing"],
    ["@b", "Local part is missing"],
    ["a", "Domain is missing"],
    ["a@", "Domain is missing"],
    [".a@b", "Local part has a misplaced dot"],
    ["a.@b", "Local part has a misplaced dot"],
    ["a..b@c", "Local part has a misplaced dot"],
    ["a b@c", "Local part has a character that is not allowed"],
    ["a,b@c", "Local part has a character that is not allowed"],
    ["a\0@c", "Local part has a character that is not allowed"],
    ['a"b"@c', "Local part has a character that is not allowed"],
    ['"a\tb"@c', "Local part has a character that is not allowed"],
    ['"a\\\u00e9"@c', "Local part has a character that is not allowed"],
    ['"a\r\nb"@c', "Local part has a character that is not allowed"],
    ['"a\x7f"@c', "Local part has a character that is not allowed"],
    ['"a@c', "Quoted local part is not closed"],
    ['"a\\"@c', "Quoted local part is not closed"],
    ['"a\\', "Quoted local part is not closed"],
    ['"a".b@c', "Domain is missing"],
    [`${"l".repeat(65)}@b`, "Local part is longer than 64 octets"],
    [`"${"l".repeat(63)}"@b`, "Local part is longer than 64 octets"],
    ["a@b@c", "Domain has a character that is not allowed"],
    ["a@b c", "Domain has a character that is not allowed"],
    ["a@b_c", "Domain has a character that is not allowed"],
    ["a@b\n", "Domain has a character that is not allowed"],
    ["a@b>", "Domain has a character that is not allowed"],
    ["a@[1.2.3.4].b", "Domain has a character that is not allowed"],
    ["a@.b", "Domain is not valid"],
    ["a@b.", "Domain is not valid"],
    ["a@b..c", "Domain is not valid"],
    ["a@-b", "Domain is not valid"],
    ["a@b-", "Domain is not valid"],
    [`a@${label63}d`, "Domain label is longer than 63 octets"],
    [`a@${domain255}.b`, "Domain is longer than 255 octets"],
    ["a@[1.2.3.4", "Address literal is not closed"],
    ["a@[]", "Address literal is not valid"],
    [`a@[tag:${"x".repeat(250)}]`, "Domain is longer than 255 octets"],
  ];
  for (const [text, reason] of cases) {
    test(`${JSON.stringify(text.slice(0, 40))}: ${reason}`, () => {
      const options = { utf8: text.includes("\u00e9") };
      assert.deepEqual(parseMailbox(text, options), {
        fault: true,
        code: 501,
        enhanced: "5.1.3",
        text: reason,
      });
    });
  }
});

describe("non-ASCII addresses (RFC 6531)", () => {
  test("need utf8, else 553 5.6.7 (RFC 6531 §3.5)", () => {
    for (const text of ["j\u00fcrgen@b", "a@b\u00fccher.example", '"\u00fc"@b']) {
      const result = parseMailbox(text);
      assert.ok(isFault(result));
      assert.deepEqual([result.code, result.enhanced], [553, "5.6.7"]);
    }
  });

  test("compare their domains as A-labels", () => {
    const address = mailbox("J\u00fcrgen@B\u00fccher.Example", true);
    assert.equal(address.domain, "B\u00fccher.Example");
    assert.equal(address.domainKey, "xn--bcher-kva.example");
    assert.equal(address.key, "j\u00fcrgen@xn--bcher-kva.example");
    assert.equal(address.key, mailbox("j\u00fcrgen@XN--BCHER-KVA.example", true).key);
    assert.equal(address.toString(), "J\u00fcrgen@B\u00fccher.Example");
    assert.equal(address.isAscii, false);
  });

  test("compare their local parts in NFC", () => {
    assert.equal(mailbox("Ju\u0308rgen@b", true).key, mailbox("j\u00fcrgen@b", true).key);
  });

  test("are not read as IPv4 hosts", () => {
    assert.equal(mailbox("a@\u00fc.1", true).domainKey, "xn--tda.1");
  });

  const refused: readonly [text: string, reason: string][] = [
    ["a@\uff42\uff4f\uff42", "Domain is not valid"], // full-width letters
    ["a@\uff11.\uff12.\uff13.\uff14", "Domain is not valid"],
    ["a@b\u3002c", "Domain is not valid"], // ideographic full stop
    ["a@exam\u00adple", "Domain is not valid"], // soft hyphen
    ["a@\u212a", "Domain is not valid"], // Kelvin sign
    ["a@\u00fc-", "Domain is not valid"],
    ["a@\u00fc..b", "Domain is not valid"],
    ["a@\uff0f\u00fc", "Domain is not valid"], // full-width solidus
    ["a@-\u00fc", "Domain is not valid"],
    ["a@-.\u00fc", "Domain is not valid"],
    ["a@xn--a.\u00fc", "Domain is not valid"],
    [`a@${"\u00fc".repeat(62)}`, "Domain label is longer than 63 octets"],
    [`a@${"\u00fc.".repeat(85)}b`, "Domain is longer than 255 octets"],
    [`${"\u00fc".repeat(33)}@b`, "Local part is longer than 64 octets"],
    ["a\ufffd@b", "Address is not well-formed UTF-8"],
    ["a\ud800@b", "Address is not well-formed UTF-8"],
    ["a\u0085@b", "Address is not well-formed UTF-8"],
    ["a@b\ufffd", "Address is not well-formed UTF-8"],
    ["\u00fc@b@c", "Domain has a character that is not allowed"],
    ["a@[\u00fc]", "Address literal is not valid"],
  ];
  for (const [text, reason] of refused) {
    test(`refuses ${encodeURI(text.toWellFormed()).slice(0, 40)}: ${reason}`, () => {
      assert.deepEqual(parseMailbox(text, { utf8: true }), {
        fault: true,
        code: 501,
        enhanced: "5.1.3",
        text: reason,
      });
    });
  }

  test("take labels that are long as U-label but short enough as A-label (RFC 5890 §4.2)", () => {
    const label = "\u4e2d\u6587".repeat(11);
    assert.ok(Buffer.byteLength(label) > 63);
    assert.ok(mailbox(`a@${label}`, true).domainKey.length <= 63);
  });
});

describe("the key", () => {
  test("ignores case and needless quoting (RFC 5321 §4.1.2)", () => {
    for (const text of ["A@B", '"a"@b', '"\\A"@B']) assert.equal(mailbox(text).key, "a@b");
  });

  test("of the null reverse-path is empty", () => {
    assert.equal(nullSender.key, "");
    assert.equal(nullSender.domainKey, "");
    assert.equal(nullSender.toString(), "");
    assert.equal(nullSender.isNull, true);
    assert.equal(nullSender.isPostmaster, false);
    assert.equal(nullSender.literal, undefined);
    assert.ok(Object.isFrozen(nullSender));
  });

  test("of the bare postmaster is the word alone (RFC 5321 §4.5.1)", () => {
    const postmaster = new Address("PostMaster", "");
    assert.equal(postmaster.key, "postmaster");
    assert.equal(postmaster.isPostmaster, true);
    assert.equal(postmaster.isNull, false);
    assert.equal(postmaster.toString(), "PostMaster");
    assert.equal(mailbox("postmaster@b").isPostmaster, false);
  });
});

describe("address literals (RFC 5321 §4.1.3)", () => {
  const good: readonly [literal: string, parts: object][] = [
    ["[0.0.0.0]", { family: 4, address: "0.0.0.0" }],
    ["[255.255.255.255]", { family: 4, address: "255.255.255.255" }],
    ["[010.001.000.008]", { family: 4, address: "10.1.0.8" }],
    ["[IPv6:1:2:3:4:5:6:7:8]", { family: 6, address: "1:2:3:4:5:6:7:8" }],
    ["[ipv6:2001:DB8::1]", { family: 6, address: "2001:DB8::1" }],
    ["[IPv6:::]", { family: 6, address: "::" }],
    ["[IPv6:::1]", { family: 6, address: "::1" }],
    ["[IPv6:1::]", { family: 6, address: "1::" }],
    ["[IPv6:1:2:3::4:5:6]", { family: 6, address: "1:2:3::4:5:6" }],
    ["[IPv6:1:2:3:4:5:6:1.2.3.4]", { family: 6, address: "1:2:3:4:5:6:1.2.3.4" }],
    ["[IPv6:::ffff:1.2.3.4]", { family: 6, address: "::ffff:1.2.3.4" }],
    ["[IPv6:::1.2.3.4]", { family: 6, address: "::1.2.3.4" }],
    ["[IPv6:1:2::3:4:1.2.3.4]", { family: 6, address: "1:2::3:4:1.2.3.4" }],
    ["[x-400:a/b=c]", { tag: "x-400", content: "a/b=c" }],
  ];
  for (const [literal, parts] of good) {
    test(`takes ${literal}`, () => assert.deepEqual(mailbox(`a@${literal}`).literal, parts));
  }

  const bad = [
    ..."1.2.3 1.2.3.4.5 256.1.1.1 1.2.3.0004 1.2.3. 0x1.2.3.4 +1.2.3.4 example.com tag: :x -: a-:b".split(
      " ",
    ),
    ..."IPv6: IPv6:1:2:3:4:5:6:7 IPv6:1:2:3:4:5:6:7:8:9 IPv6:1:2:3:4:5:6:7:: IPv6:12345::".split(" "),
    ..."IPv6::1 IPv6:1: IPv6:1::2::3 IPv6:::: IPv6:g:: IPv6:1.2.3.4 IPv6:1.2.3.4:: IPv6:::1.2.3.256".split(
      " ",
    ),
    ..."IPv6:1:2:3:4:5:1.2.3.4 IPv6:1:2:3:4:5:6:7:1.2.3.4 IPv6:1:2:3::4:5:1.2.3.4 IPv6:fe80::1%eth0".split(
      " ",
    ),
    ..."IPv6:::1.2.3.4:1 tag:a[b tag:a\\b tag:[".split(" "),
    "tag:a b",
    " 1.2.3.4",
  ];
  for (const inner of bad) {
    test(`refuses [${inner}]`, () => {
      const result = parseMailbox(`a@[${inner}]`);
      assert.ok(isFault(result));
      assert.equal(result.text, "Address literal is not valid");
    });
  }

  test("are absent from names", () => assert.equal(mailbox("a@1.2.3.4").literal, undefined));
  test("compare in lower case", () => assert.equal(mailbox("A@[IPv6:A::]").key, "a@[ipv6:a::]"));
});

const atext = "!#$%&'*+-/=?^_`{|}~abcXYZ019".split("");
const alnum = fc.string({ unit: fc.constantFrom(..."aZ09".split("")), minLength: 1, maxLength: 4 });
const labels = fc.tuple(alnum, fc.constantFrom("", "-", "--"), alnum).map((parts) => parts.join(""));
const domains = fc.array(labels, { minLength: 1, maxLength: 5 }).map((list) => list.join("."));
const dotted = fc
  .array(fc.string({ unit: fc.constantFrom(...atext), minLength: 1, maxLength: 9 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((words) => words.join("."));
const quoted = fc.string({
  unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  maxLength: 31,
});

describe("for any address", () => {
  test("parsing its canonical form gives it back", () => {
    fc.assert(
      fc.property(fc.oneof(dotted, quoted), domains, (local, domain) => {
        const address = new Address(local, domain);
        const parsed = mailbox(address.toString());
        assert.equal(parsed.local, local);
        assert.equal(parsed.domain, domain);
        assert.equal(parsed.key, address.key);
      }),
    );
  });

  test("quoting every character changes nothing (RFC 5321 §4.1.2)", () => {
    fc.assert(
      fc.property(quoted, domains, (local, domain) => {
        const needless = `"${local.replace(/./gs, "\\$&")}"@${domain}`;
        assert.equal(mailbox(needless).toString(), new Address(local, domain).toString());
      }),
    );
  });

  test("what parses once parses again, whatever the text", () => {
    const text = fc
      .tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }))
      .map((parts) => parts.join("@"));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (text) => {
        const address = parseMailbox(text, { utf8: true });
        if (isFault(address)) return;
        const again = mailbox(address.toString(), true);
        assert.equal(again.key, address.key);
        assert.equal(again.toString(), address.toString());
      }),
    );
  });
});
