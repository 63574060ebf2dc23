// PROXY version 2 (src/wire/proxy/v2.ts, tlv.ts) through the reader: the worked headers, and what is refused.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProxyHeader, ProxyProblem } from "../../../src/wire/proxy.ts";
import { feed, hex, read, v2 } from "./read.ts";

const signature = "0d0a0d0a000d0a515549540a";
const four = hex("c0000201 c6336402 dc04 0019");
const six = hex("20010db8000000000000000000000001 20010db8000000000000000000000025 dc04 0019");
const endpoints4 = {
  source: { address: "192.0.2.1", family: 4, port: 56_324 },
  destination: { address: "198.51.100.2", family: 4, port: 25 },
} as const;
const haproxy = `${signature} 21 11 00 51
  7f000001 7f000001 b64c 53d9
  030004 6e650f51
  02000a 6d782e6578616d706c65
  050003 616263
  200028 01 00000000
    210007 544c5376312e33
    230016 544c535f4145535f3235365f47434d5f534841333834`;

function headerOf(input: Uint8Array): ProxyHeader {
  const { result, taken } = read(input);
  assert.ok(result.state === "done", JSON.stringify(result));
  assert.equal(taken, input.length);
  return result.header;
}

describe("worked headers are read, wherever they are cut (PROXY protocol §2.2)", () => {
  test("LOCAL, as HAProxy checks health with it", () => {
    assert.deepEqual(headerOf(hex(`${signature} 20 00 0000`)), { version: 2, command: "local" });
  });

  test("TCP over IPv4", () => {
    assert.deepEqual(headerOf(hex(`${signature} 21 11 000c c0000201 c6336402 dc04 0019`)), {
      version: 2,
      command: "proxy",
      ...endpoints4,
      tlvs: [],
    });
  });

  test("TCP over IPv6", () => {
    assert.deepEqual(headerOf(hex(`${signature} 21 21 0024 ${six.toString("hex")}`)), {
      version: 2,
      command: "proxy",
      source: { address: "2001:db8::1", family: 6, port: 56_324 },
      destination: { address: "2001:db8::25", family: 6, port: 25 },
      tlvs: [],
    });
  });

  test("CRC32C, AUTHORITY, UNIQUE_ID and SSL, as HAProxy sends them for a TLS client", () => {
    const input = hex(haproxy);
    assert.equal(input.length, 97);
    assert.deepEqual(headerOf(input), {
      version: 2,
      command: "proxy",
      source: { address: "127.0.0.1", family: 4, port: 46_668 },
      destination: { address: "127.0.0.1", family: 4, port: 21_465 },
      authority: "mx.example",
      uniqueId: Buffer.from("abc"),
      tls: {
        overTls: true,
        certificateGiven: false,
        certificateVerified: false,
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        tlvs: [],
      },
      tlvs: [],
    });
  });
});

describe("connections without addresses", () => {
  const cases: readonly [name: string, input: Buffer, command: "local" | "unknown"][] = [
    ["LOCAL with addresses", v2(0x20, 0x11, four), "local"],
    ["LOCAL with what is no field", v2(0x20, 0x00, hex("ffffff")), "local"],
    ["LOCAL with a family that does not exist", v2(0x20, 0xff, hex("00")), "local"],
    ["UNSPEC", v2(0x21, 0x00), "unknown"],
    ["UNSPEC with anything", v2(0x21, 0x00, hex("0102030405")), "unknown"],
    ["UNIX stream", v2(0x21, 0x31, Buffer.alloc(216)), "unknown"],
    ["UNIX stream with fields", v2(0x21, 0x31, Buffer.alloc(220)), "unknown"],
  ];
  for (const [name, input, command] of cases)
    test(`${name} takes all its octets and is ${command}`, () =>
      assert.deepEqual(headerOf(input), { version: 2, command }));
});

test("IPv4-mapped addresses are IPv4", () => {
  const mapped = "00000000000000000000ffff";
  const header = headerOf(v2(0x21, 0x21, hex(`${mapped}c0000201 ${mapped}c6336402 dc04 0019`)));
  assert.deepEqual(header, { version: 2, command: "proxy", ...endpoints4, tlvs: [] });
});

describe("a header is refused (PROXY protocol §2.2)", () => {
  const tlv = (text: string): Buffer => Buffer.concat([four, hex(text)]);
  const badSum = hex(haproxy);
  badSum[31] = 0;
  const changed = hex(haproxy);
  changed[16] = 0x7e;
  const others = Array.from({ length: 14 }, (_, index): [string, Buffer, ProxyProblem] => [
    `command ${index + 2}`,
    v2(0x22 + index, 0x11, four),
    "bad-command",
  ]);
  const cases: readonly [name: string, input: Buffer, problem: ProxyProblem][] = [
    ["version 1", v2(0x11, 0x11, four), "bad-command"],
    ["version 3", v2(0x31, 0x11, four), "bad-command"],
    ...others,
    ["UDP over IPv4", v2(0x21, 0x12, four), "bad-family"],
    ["UDP over IPv6", v2(0x21, 0x22, six), "bad-family"],
    ["UNIX datagram", v2(0x21, 0x32, Buffer.alloc(216)), "bad-family"],
    ["IPv4 without transport", v2(0x21, 0x10, four), "bad-family"],
    ["a stream without family", v2(0x21, 0x01, four), "bad-family"],
    ["family 4", v2(0x21, 0x41, four), "bad-family"],
    ["length 0 with INET", v2(0x21, 0x11), "too-short"],
    ["length 11 with INET", v2(0x21, 0x11, four.subarray(1)), "too-short"],
    ["length 35 with INET6", v2(0x21, 0x21, six.subarray(1)), "too-short"],
    ["length 215 with UNIX", v2(0x21, 0x31, Buffer.alloc(215)), "too-short"],
    ["length 65535", v2(0x21, 0x11, four, 65_535), "too-long"],
    ["length 65535 with LOCAL", v2(0x20, 0x00, four, 65_535), "too-long"],
    ["length 4097", v2(0x21, 0x11, four, 4097), "too-long"],
    ["a field that passes the end", v2(0x21, 0x11, tlv("020003 6162")), "bad-tlv"],
    ["a field without its length", v2(0x21, 0x11, tlv("0400")), "bad-tlv"],
    ["a checksum of 3 octets", v2(0x21, 0x11, tlv("030003 000000")), "bad-tlv"],
    ["two checksums", v2(0x21, 0x11, tlv("030004 00000000 030004 00000000")), "bad-tlv"],
    ["two names", v2(0x21, 0x11, tlv("020001 61 020001 62")), "bad-tlv"],
    ["two protocols", v2(0x21, 0x11, tlv("010001 61 010001 61")), "bad-tlv"],
    ["two unique ids", v2(0x21, 0x11, tlv("050001 61 050001 61")), "bad-tlv"],
    ["a unique id of 129 octets", v2(0x21, 0x11, tlv(`050081 ${"61".repeat(129)}`)), "bad-tlv"],
    ["SSL of 4 octets", v2(0x21, 0x11, tlv("200004 01000000")), "bad-tlv"],
    ["SSL twice", v2(0x21, 0x11, tlv("200005 0100000000 200005 0100000000")), "bad-tlv"],
    ["a field in SSL that passes its end", v2(0x21, 0x11, tlv("200008 0100000000 210001 040000")), "bad-tlv"],
    ["two versions in SSL", v2(0x21, 0x11, tlv("20000d 0100000000 210001 61 210001 61")), "bad-tlv"],
    ["a wrong checksum", badSum, "bad-checksum"],
    ["a checksum of other addresses", changed, "bad-checksum"],
    ["another signature", hex("0d0a0d0a000d0a515549540d"), "no-header"],
    ["a blank line first", Buffer.from("\r\nEHLO x\r\n"), "no-header"],
  ];
  for (const [name, input, problem] of cases)
    test(`${name}: ${problem}`, () => assert.deepEqual(read(input).result, { state: "bad", problem }));

  test("as early as it can be known", () => {
    const outcome = (input: Buffer): [number, string] => {
      const { result, taken } = feed([input]);
      return [taken, result.state];
    };
    assert.deepEqual(outcome(v2(0x22, 0x11, four)), [13, "bad"]);
    assert.deepEqual(outcome(v2(0x21, 0x12, four)), [14, "bad"]);
    assert.deepEqual(outcome(v2(0x21, 0x11, four, 65_535)), [16, "bad"]);
  });

  test("while octets are missing there is no result", () => {
    const whole = hex(haproxy);
    for (const end of [1, 11, 12, 13, 14, 15, 16, 17, whole.length - 1])
      assert.deepEqual(feed([whole.subarray(0, end)]), { result: { state: "incomplete" }, taken: end });
  });
});

describe("fields (PROXY protocol §2.2.1 to §2.2.8)", () => {
  const withFields = (text: string): ProxyHeader =>
    headerOf(v2(0x21, 0x11, Buffer.concat([four, hex(text)])));
  const tlsOf = (text: string): unknown => {
    const header = withFields(text);
    return header.command === "proxy" ? header.tls : undefined;
  };
  const none = { overTls: false, certificateGiven: false, certificateVerified: false, tlvs: [] };

  test("others are kept as they are, padding and order do not matter", () => {
    const header = withFields("040000 ea0003 017670 040002 0000 300002 6e73 010002 6832");
    assert.deepEqual(header, {
      version: 2,
      command: "proxy",
      ...endpoints4,
      alpn: "h2",
      tlvs: [
        { type: 0xea, value: hex("017670") },
        { type: 0x30, value: hex("6e73") },
      ],
    });
  });

  test("texts hold no controls and no ill-formed UTF-8", () => {
    const header = withFields("020007 61 0d0a 80 c3bc 09");
    assert.ok(header.command === "proxy");
    assert.equal(header.authority, "a\ufffd\ufffd\ufffd\u00fc\ufffd");
  });

  const cases: readonly [name: string, flags: string, tls: object][] = [
    ["no TLS, as HAProxy says it", "00 00000000", none],
    ["TLS without certificate", "01 00000000", { ...none, overTls: true }],
    ["TLS, nothing verified", "01 00000001", { ...none, overTls: true }],
    [
      "a certificate, verified",
      "03 00000000",
      { overTls: true, certificateGiven: true, certificateVerified: true },
    ],
    [
      "one of the TLS session",
      "05 00000000",
      { overTls: true, certificateGiven: true, certificateVerified: true },
    ],
    ["a certificate that failed", "07 00000012", { ...none, overTls: true, certificateGiven: true }],
    [
      "one that failed with a large number",
      "07 01000000",
      { ...none, overTls: true, certificateGiven: true },
    ],
    ["a certificate without TLS", "06 00000000", none],
  ];
  for (const [name, flags, tls] of cases)
    test(`SSL: ${name}`, () => assert.deepEqual(tlsOf(`200005 ${flags}`), { ...none, ...tls }));

  test("SSL: all fields within", () => {
    const text =
      "210001 61 220002 c3bc 230001 62 240001 63 250001 64 260001 65 270001 66 280002 3082 2f0001 67";
    const length = hex(text).length + 5;
    assert.deepEqual(tlsOf(`20 ${length.toString(16).padStart(4, "0")} 01 00000000 ${text}`), {
      ...none,
      overTls: true,
      version: "a",
      commonName: "\u00fc",
      cipher: "b",
      signatureAlgorithm: "c",
      keyAlgorithm: "d",
      group: "e",
      signatureScheme: "f",
      clientCertificate: hex("3082"),
      tlvs: [{ type: 0x2f, value: hex("67") }],
    });
  });
});
