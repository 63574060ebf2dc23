// The reader of PROXY headers (src/wire/proxy.ts): where it stops, its bounds, and that writing and reading agree.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatProxyV1, formatProxyV2, ProxyReader } from "../../../src/wire/proxy.ts";
import type { ProxiedConnection, ProxyTls } from "../../../src/wire/proxy.ts";
import { ipFromOctets } from "../../../src/wire/ip.ts";
import { feed, hex, read, v2 } from "./read.ts";

const local = v2(0x20, 0x00);
const line = Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n");
const four = hex("c0000201 c6336402 dc04 0019");

describe("what follows a header is left to the next layer (PROXY protocol §2)", () => {
  const headers: readonly [name: string, header: Buffer][] = [
    ["version 1", line],
    ["UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n")],
    ["version 2", v2(0x21, 0x11, four)],
    ["LOCAL", local],
  ];
  const rests: readonly [name: string, rest: Buffer][] = [
    ["EHLO of an early talker", Buffer.from("EHLO client.example\r\n")],
    ["a TLS ClientHello", hex("16030100c8010000c40303")],
    ["a line end", Buffer.from("\r\n")],
    ["a second header of version 1", line],
    ["a second header of version 2", local],
  ];
  for (const [header, bytes] of headers)
    for (const [rest, more] of rests)
      test(`${header}, then ${rest}`, () => {
        const { result, taken } = read(Buffer.concat([bytes, more]));
        assert.equal(result.state, "done");
        assert.equal(taken, bytes.length);
      });

  test("and after the end nothing is taken any more", () => {
    for (const first of [local, Buffer.from("EHLO x\r\n")]) {
      const reader = new ProxyReader();
      reader.feed(first, 0, first.length);
      const { result, length } = reader;
      assert.notEqual(result.state, "incomplete");
      assert.equal(reader.feed(line, 3, line.length), 3);
      assert.equal(reader.result, result);
      assert.equal(reader.length, length);
    }
  });
});

describe("bounds", () => {
  test("the longest address and field part is 4096 octets by default", () => {
    const padding = Buffer.concat([four, hex("040ff1"), Buffer.alloc(4081)]);
    assert.equal(padding.length, 4096);
    assert.equal(feed([v2(0x21, 0x11, padding)]).result.state, "done");
  });

  test("another bound holds for LOCAL and UNSPEC as well", () => {
    for (const [command, family] of [
      [0x20, 0x00],
      [0x21, 0x00],
      [0x21, 0x11],
    ] as const) {
      assert.equal(read(v2(command, family, four), { maxLength: 12 }).result.state, "done");
      assert.deepEqual(read(v2(command, family, four), { maxLength: 11 }).result, {
        state: "bad",
        problem: "too-long",
      });
    }
  });

  test("with all that the format allows, 65551 octets are read", () => {
    const rest = Buffer.concat([four, hex("04fff0"), Buffer.alloc(65_520)]);
    const { result, taken } = feed([v2(0x21, 0x11, rest)], { maxLength: 65_535 });
    assert.equal(result.state, "done");
    assert.equal(taken, 65_551);
  });
});

test("nothing has come: length 0, which is how a silent client differs from a slow one", () => {
  const reader = new ProxyReader();
  assert.equal(reader.feed(line, 0, 0), 0);
  assert.equal(reader.length, 0);
  reader.feed(line, 0, 1);
  assert.equal(reader.length, 1);
});

describe("any header that is written is read back, wherever it is cut", () => {
  const ip = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ipFromOctets),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map(ipFromOctets),
  );
  const endpoint = fc.tuple(ip, fc.nat(0xffff)).map(([address, port]) => ({ ...address, port }));
  const text = fc
    .string({ unit: "grapheme", maxLength: 20 })
    .filter((value) => !/[\0-\x1f\x7f-\x9f\ufffd]/.test(value));
  const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
    fc.uint8Array({ maxLength }).map((value) => Buffer.from(value));
  const tlv = (types: readonly number[]): fc.Arbitrary<{ type: number; value: Buffer }> =>
    fc.tuple(fc.constantFrom(...types), octets(30)).map(([type, value]) => ({ type, value }));
  const tls: fc.Arbitrary<ProxyTls> = fc
    .record(
      {
        overTls: fc.boolean(),
        given: fc.boolean(),
        verified: fc.boolean(),
        version: text,
        commonName: text,
        cipher: text,
        signatureAlgorithm: text,
        keyAlgorithm: text,
        group: text,
        signatureScheme: text,
        clientCertificate: octets(200),
        tlvs: fc.array(tlv([0x29, 0x2f, 0x00]), { maxLength: 2 }),
      },
      { requiredKeys: ["overTls", "given", "verified", "tlvs"], noNullPrototype: true },
    )
    .map(({ given, verified, ...rest }) => {
      const certificateGiven = rest.overTls && given;
      return { ...rest, certificateGiven, certificateVerified: certificateGiven && verified };
    });
  const proxied: fc.Arbitrary<ProxiedConnection> = fc.record(
    {
      command: fc.constant("proxy" as const),
      source: endpoint,
      destination: endpoint,
      alpn: fc.string({ unit: "grapheme-ascii", maxLength: 9 }),
      authority: text,
      uniqueId: octets(128),
      tls,
      tlvs: fc.array(tlv([0x30, 0xe0, 0xea, 0xee, 0xff, 0x00]), { maxLength: 3 }),
    },
    { requiredKeys: ["command", "source", "destination", "tlvs"], noNullPrototype: true },
  );

  test("version 2, with and without a checksum", () => {
    fc.assert(
      fc.property(proxied, fc.boolean(), fc.array(fc.nat(500)), (connection, checksum, cuts) => {
        const written = formatProxyV2(connection, { checksum });
        const edges = [0, ...cuts.filter((at) => at < written.length), written.length].toSorted(
          (a, b) => a - b,
        );
        const pieces = edges.slice(1).map((edge, index) => written.subarray(edges[index], edge));
        const { result, taken } = feed(pieces);
        assert.equal(taken, written.length);
        assert.deepEqual(result, { state: "done", header: { version: 2, ...connection } });
      }),
      { numRuns: 300 },
    );
  });

  test("a checksum finds any octet that changes behind the fixed part", () => {
    fc.assert(
      fc.property(proxied, fc.nat(), fc.integer({ min: 1, max: 255 }), (connection, place, change) => {
        const written = formatProxyV2(connection, { checksum: true });
        const at = 16 + (place % (written.length - 16));
        written[at] = (written[at] ?? 0) ^ change;
        const { result } = feed([written]);
        // What hits the field of the checksum itself may hide it: then it is another header without one
        const isField =
          (connection.source.family === 4 && connection.destination.family === 4 ? 28 : 52) === at;
        assert.ok(isField || result.state === "bad", `octet ${at}`);
      }),
      { numRuns: 300 },
    );
  });

  test("version 1", () => {
    fc.assert(
      fc.property(endpoint, endpoint, (source, destination) => {
        const { result } = feed([formatProxyV1({ command: "proxy", source, destination, tlvs: [] })]);
        assert.deepEqual(result, {
          state: "done",
          header: { version: 1, command: "proxy", source, destination, tlvs: [] },
        });
      }),
    );
  });

  test("LOCAL and UNSPEC", () => {
    for (const command of ["local", "unknown"] as const)
      assert.deepEqual(feed([formatProxyV2({ command })]), {
        result: { state: "done", header: { version: 2, command } },
        taken: 16,
      });
  });
});

test("what cannot be written throws", () => {
  const end = { address: "192.0.2.1", family: 4, port: 1 } as const;
  const connection = { command: "proxy", source: end, destination: end, tlvs: [] } as const;
  const bad = { ...end, address: "localhost" };
  assert.throws(() => formatProxyV1({ ...connection, source: bad }), TypeError);
  assert.throws(() => formatProxyV2({ ...connection, destination: bad }), TypeError);
  assert.throws(() => formatProxyV2({ ...connection, source: { ...end, port: 65_536 } }), RangeError);
  assert.throws(
    () => formatProxyV2({ ...connection, tlvs: [{ type: 0xe0, value: new Uint8Array(65_536) }] }),
    RangeError,
  );
  assert.throws(
    () => formatProxyV2({ ...connection, tlvs: [{ type: 0xe0, value: new Uint8Array(65_530) }] }),
    RangeError,
  );
});

test("no input makes the reader throw, take too much, or say different things of the same octets", () => {
  const piece = fc.oneof(
    fc
      .constantFrom("PROXY ", "UNKNOWN", "TCP4 ", "192.0.2.1 ", "::1 ", "25", "\r\n", "\r", " ")
      .map((x) => Buffer.from(x)),
    fc.constantFrom(
      v2(0x21, 0x11).subarray(0, 14),
      hex("000c"),
      hex("0013"),
      four,
      hex("030004"),
      hex("20000501"),
    ),
    fc.uint8Array({ maxLength: 5 }).map((value) => Buffer.from(value)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      assert.deepEqual(feed(pieces), feed([Buffer.concat(pieces)]));
    }),
    { numRuns: 1000 },
  );
});
