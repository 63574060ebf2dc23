// IP addresses (src/wire/ip.ts).

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ipFromOctets, ipToOctets, parseIPv4, parseIPv6 } from "../../src/wire/ip.ts";

describe("IPv4 is dotted decimal", () => {
  for (const text of ["0.0.0.0", "192.0.2.1", "255.255.255.255"])
    test(`${text} is read`, () => assert.deepEqual(parseIPv4(text), { address: text, family: 4 }));
  const bad = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.00",
    "1.2.3.-4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "1.2.3.\u0664",
    "::1",
  ];
  for (const text of bad)
    test(`${JSON.stringify(text)} is refused`, () => assert.equal(parseIPv4(text), undefined));
});

describe("IPv6 is read and comes out as RFC 5952 has it", () => {
  const good: readonly [text: string, address: string][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
    ["::192.0.2.1", "::c000:201"],
  ];
  for (const [text, address] of good)
    test(`${text} is ${address}`, () => assert.deepEqual(parseIPv6(text), { address, family: 6 }));

  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"])
    test(`${text} is IPv4 (RFC 4291 §2.5.5.2)`, () =>
      assert.deepEqual(parseIPv6(text), { address: "192.0.2.1", family: 4 }));

  const bad = [
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1::",
    ":1::2",
    "1::2:",
  ];
  const more = [
    "12345::",
    "g::",
    "fe80::1%eth0",
    "[::1]",
    "::192.0.2",
    "::192.0.2.256",
    "::192.0.2.1:1",
    "1:2:3:4:5:6:7:192.0.2.1",
    "192.0.2.1",
    "::01.2.3.4",
    " ::1",
  ];
  for (const text of [...bad, ...more])
    test(`${JSON.stringify(text)} is refused`, () => assert.equal(parseIPv6(text), undefined));
});

describe("octets", () => {
  test("are 4 or 16, IPv4 mapped on demand", () => {
    assert.deepEqual([...ipToOctets("192.0.2.1")], [192, 0, 2, 1]);
    assert.equal(Buffer.from(ipToOctets("192.0.2.1", 6)).toString("hex"), "00000000000000000000ffffc0000201");
    assert.equal(Buffer.from(ipToOctets("2001:db8::1")).toString("hex"), "20010db8000000000000000000000001");
    for (const text of ["", "localhost", "[::1]"]) assert.throws(() => ipToOctets(text), TypeError);
    assert.throws(() => ipToOctets("::1", 4), TypeError);
    assert.throws(() => ipFromOctets(new Uint8Array(5)), RangeError);
  });

  test("of any address come back as the same address, which reads the same as node:net has it", () => {
    const octet = fc.oneof(fc.constantFrom(0, 0, 0, 0xff), fc.nat(255));
    const octets = fc.oneof(
      ...[4, 16].map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    );
    const sparse = fc.array(octet, { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(fc.oneof(octets, sparse), (bytes) => {
        const ip = ipFromOctets(bytes);
        assert.ok(ip.family === 4 ? isIPv4(ip.address) : isIPv6(ip.address), ip.address);
        assert.deepEqual((ip.family === 4 ? parseIPv4 : parseIPv6)(ip.address), ip);
        const width = bytes.length === 16 ? 6 : 4;
        assert.deepEqual(Uint8Array.from(ipToOctets(ip.address, width)), bytes);
        if (ip.family === 6) assert.equal(new URL(`http://[${ip.address}]/`).hostname, `[${ip.address}]`);
      }),
    );
  });

  test("come from just the texts that node:net takes, apart from zones", () => {
    const part = fc.constantFrom(
      ":",
      "::",
      "0",
      "1",
      "ffff",
      "12345",
      "1.2.3.4",
      "01.2.3.4",
      "256",
      ".",
      "g",
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 16 }).map((parts) => parts.join("")),
        (text) => {
          assert.equal(parseIPv4(text) !== undefined, isIPv4(text), text);
          assert.equal(parseIPv6(text) !== undefined, isIPv6(text), text);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
