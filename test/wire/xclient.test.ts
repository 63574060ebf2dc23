// Attribute lists of XCLIENT and XFORWARD (src/wire/xclient.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { isFault } from "../../src/wire/fault.ts";
import {
  isUnavailable,
  parseXclient,
  parseXforward,
  xclientNames,
  xforwardNames,
} from "../../src/wire/xclient.ts";
import type { XclientAttributes, XforwardAttributes } from "../../src/wire/xclient.ts";
import { encodeXtext } from "../../src/wire/xtext.ts";
import { refuses } from "./fault-check.ts";

const permanent = { unavailable: "permanent" } as const;
const temporary = { unavailable: "temporary" } as const;

describe("XCLIENT is read (Postfix XCLIENT_README)", () => {
  const cases: readonly [argument: string, attributes: XclientAttributes][] = [
    // The examples of XCLIENT_README
    [
      "NAME=spike.porcupine.org ADDR=168.100.189.2",
      { name: "spike.porcupine.org", address: { address: "168.100.189.2", family: 4 } },
    ],
    ["PROTO=ESMTP HELO=spike.porcupine.org", { protocol: "ESMTP", helo: "spike.porcupine.org" }],
    [
      "name=[unavailable] addr=ipv6:2001:DB8::1 Port=25",
      { name: permanent, address: { address: "2001:db8::1", family: 6 }, port: 25 },
    ],
    ["ADDR=IPV6:::ffff:192.0.2.1", { address: { address: "192.0.2.1", family: 4 } }],
    ["ADDR=IPV6:::1", { address: { address: "::1", family: 6 } }],
    ["REVERSE_NAME=[TEMPUNAVAIL] NAME=[tempunavail]", { reverseName: temporary, name: temporary }],
    ["PORT=0", { port: 0 }],
    ["PORT=65535 DESTPORT=[UNAVAILABLE]", { port: 65_535, destinationPort: permanent }],
    ["PROTO=smtp", { protocol: "SMTP" }],
    ["LOGIN=user+2Btag@example.com", { login: "user+tag@example.com" }],
    ["LOGIN=user+2btag+20x", { login: "user+tag x" }],
    ["LOGIN=a=b", { login: "a=b" }],
    ["LOGIN=+5BUNAVAILABLE+5D", { login: permanent }],
    ["HELO=[192.0.2.1]", { helo: "[192.0.2.1]" }],
    ["HELO=m+C3+BCller", { helo: "m\u00fcller" }],
    [
      "  DESTADDR=192.0.2.25   DESTPORT=587  ",
      { destinationAddress: { address: "192.0.2.25", family: 4 }, destinationPort: 587 },
    ],
    [`HELO=${"x".repeat(255)}`, { helo: "x".repeat(255) }],
  ];
  for (const [argument, attributes] of cases)
    test(argument.slice(0, 70), () => assert.deepEqual(parseXclient(argument), attributes));
});

describe("XCLIENT is refused with 501 5.5.4, naming the attribute", () => {
  const cases: readonly [argument: string, text: string][] = [
    ["", "XCLIENT must have at least one attribute"],
    ["   ", "XCLIENT must have at least one attribute"],
    ["NAME", "XCLIENT attributes must be written NAME=VALUE"],
    [
      "FOO=bar",
      `XCLIENT attributes must be of NAME REVERSE_NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT`,
    ],
    ["=bar", "XCLIENT attributes must be of"],
    ["__proto__=x", "XCLIENT attributes must be of"],
    ["\u017fOURCE=LOCAL", "XCLIENT attributes must be of"],
    ["SOURCE=LOCAL", "XCLIENT attributes must be of"],
    ["ADDR=192.0.2.1 addr=192.0.2.2", "XCLIENT ADDR is given twice"],
    ["NAME=", "XCLIENT NAME must be"],
    ["NAME=a_b.example", "XCLIENT NAME must be a domain name"],
    ["NAME=[192.0.2.1]", "XCLIENT NAME must be"],
    ["NAME=b+C3+BCcher.example", "XCLIENT NAME must be"],
    ["REVERSE_NAME=-a.example", "XCLIENT REVERSE_NAME must be"],
    ["ADDR=[192.0.2.1]", "XCLIENT ADDR must be IPv4, IPV6: and IPv6"],
    ["ADDR=2001:db8::1", "XCLIENT ADDR must be"],
    ["ADDR=IPV6:192.0.2.1", "XCLIENT ADDR must be"],
    ["ADDR=IPV6:fe80::1%eth0", "XCLIENT ADDR must be"],
    ["ADDR=192.0.2.01", "XCLIENT ADDR must be"],
    ["ADDR=[TEMPUNAVAIL]", "XCLIENT ADDR must be"],
    ["PORT=65536", "XCLIENT PORT must be 0 to 65535"],
    ["PORT=-1", "XCLIENT PORT must be"],
    ["PORT=025", "XCLIENT PORT must be"],
    ["PORT=smtp", "XCLIENT PORT must be"],
    ["PROTO=LMTP", "XCLIENT PROTO must be SMTP or ESMTP"],
    ["PROTO=[UNAVAILABLE]", "XCLIENT PROTO must be"],
    ["HELO=", "XCLIENT HELO must be"],
    ["HELO=a+0D+0AMAIL", "XCLIENT HELO must be printable text"],
    ["HELO=a+09b", "XCLIENT HELO must be"],
    ["HELO=a+zz", "XCLIENT HELO must be"],
    ["HELO=\u00fc", "XCLIENT HELO must be"],
    ["LOGIN=a\0b", "XCLIENT LOGIN must be"],
    ["DESTADDR=x", "XCLIENT DESTADDR must be"],
    ["DESTPORT=x", "XCLIENT DESTPORT must be"],
    [`HELO=${"x".repeat(256)}`, "XCLIENT HELO must not be longer than 255 octets"],
  ];
  for (const [argument, text] of cases)
    test(JSON.stringify(argument.slice(0, 70)), () => refuses(parseXclient(argument), "501 5.5.4", text));
});

describe("XFORWARD (Postfix XFORWARD_README)", () => {
  const good: readonly [argument: string, attributes: XforwardAttributes][] = [
    [
      "NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP",
      {
        name: "spike.porcupine.org",
        address: { address: "168.100.189.2", family: 4 },
        protocol: "ESMTP",
      },
    ],
    ["HELO=spike.porcupine.org SOURCE=LOCAL", { helo: "spike.porcupine.org", source: "local" }],
    ["SOURCE=remote IDENT=4F2abc PORT=1", { source: "remote", ident: "4F2abc", port: 1 }],
    ["NAME=not_a+20domain PROTO=UTF8LMTP", { name: "not_a domain", protocol: "UTF8LMTP" }],
    [
      "NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] PROTO=[UNAVAILABLE]",
      { name: permanent, address: permanent, port: permanent, protocol: permanent },
    ],
    [
      "HELO=[UNAVAILABLE] IDENT=[UNAVAILABLE] SOURCE=[UNAVAILABLE]",
      { helo: permanent, ident: permanent, source: permanent },
    ],
  ];
  for (const [argument, attributes] of good)
    test(`${argument} is read`, () => assert.deepEqual(parseXforward(argument), attributes));

  const bad: readonly [argument: string, text: string][] = [
    ["", "XFORWARD must have at least one attribute"],
    ["LOGIN=user", "XFORWARD attributes must be of NAME ADDR PORT PROTO HELO IDENT SOURCE"],
    ["SOURCE=ELSEWHERE", "XFORWARD SOURCE must be LOCAL, REMOTE"],
    [`PROTO=${"x".repeat(65)}`, "XFORWARD PROTO must be at most 64 characters"],
    ["IDENT=", "XFORWARD IDENT must be"],
    ["ADDR=unknown", "XFORWARD ADDR must be"],
  ];
  for (const [argument, text] of bad)
    test(`${argument.slice(0, 40)} is refused with 501 5.5.4`, () =>
      refuses(parseXforward(argument), "501 5.5.4", text));
});

test("the names for EHLO are those that are read", () => {
  for (const [names, parse] of [
    [xclientNames, parseXclient],
    [xforwardNames, parseXforward],
  ] as const) {
    for (const name of names.split(" ")) {
      const faults = ["[UNAVAILABLE]", "ESMTP"].map((value) => isFault(parse(`${name}=${value}`)));
      assert.ok(faults.includes(false), name);
    }
  }
});

test("unavailable values are told from those that are there, also after copying", () => {
  const found = parseXclient("NAME=[TEMPUNAVAIL] ADDR=192.0.2.1 LOGIN=x");
  if (isFault(found)) assert.fail(found.text);
  assert.deepEqual([found.name, found.address, found.login, found.port].map(isUnavailable), [
    true,
    false,
    false,
    false,
  ]);
  assert.ok(isUnavailable(structuredClone(found.name)));
});

test("any values that are encoded as xtext come back", () => {
  const value = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((text) => !/[\0-\x1f\x7f-\x9f\ufffd]/.test(text) && encodeXtext(text).length <= 255)
    .filter((text) => !text.toUpperCase().includes("UNAVAIL"));
  fc.assert(
    fc.property(value, value, (helo, login) => {
      const argument = `HELO=${encodeXtext(helo)} LOGIN=${encodeXtext(login)}`;
      assert.deepEqual(parseXclient(argument), { helo, login });
    }),
  );
});
