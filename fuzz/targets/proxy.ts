// ProxyReader: cut anywhere, the same header or the same refusal, and never an octet beyond the header; the length is that
// which a reference finds in the whole. What was read can be written and read again.

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { formatProxyV1, formatProxyV2, ProxyReader } from "../../src/wire/proxy.ts";
import type { ProxyHeader, ProxyState } from "../../src/wire/proxy.ts";
import { choose, cut, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";

const bounds = [4096, 0, 12, 65_535] as const;
const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const addresses4 = "c0000201c6336402dc040019";

function v2(command: number, family: number, hex: string): Buffer {
  const rest = Buffer.from(hex, "hex");
  return Buffer.concat([
    signature,
    Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]),
    rest,
  ]);
}

const connection = {
  command: "proxy",
  source: { address: "2001:db8::1", family: 6, port: 56_324 },
  destination: { address: "192.0.2.25", family: 4, port: 25 },
  alpn: "smtp",
  authority: "mx.example",
  uniqueId: Buffer.from("abc"),
  tls: {
    overTls: true,
    certificateGiven: true,
    certificateVerified: true,
    version: "TLSv1.3",
    commonName: "client",
    clientCertificate: Buffer.from("0\x82"),
    tlvs: [],
  },
  tlvs: [{ type: 0xea, value: Buffer.from("\x01vpce") }],
} as const;

export const proxy: Target = {
  name: "proxy",
  maxBytes: 700,
  words: [
    "PROXY TCP4 ",
    "PROXY TCP6 ",
    "PROXY UNKNOWN",
    "192.0.2.1 ",
    "::ffff:192.0.2.1 ",
    " 65535",
    "\r\n",
    signature.toString("latin1"),
    "\x20\x00\x00\x00",
    "\x21\x11\x00\x0c",
    "\x21\x21\x00\x24",
    "\x03\x00\x04",
    "\x20\x00\x05\x01",
    "\x04\x00\x00",
    "EHLO x\r\n",
  ],
  seeds: () => [
    makeInput("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\nEHLO x\r\n", 0, 3),
    makeInput("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n", 0, 0),
    makeInput("PROXY UNKNOWN ffff::f ffff::f 65535 65535\r\n"),
    makeInput(v2(0x20, 0x00, "")),
    makeInput(v2(0x21, 0x00, "010203")),
    makeInput(v2(0x21, 0x11, addresses4), 2),
    makeInput(v2(0x21, 0x11, `${addresses4}020003616263ea0001000400`)),
    makeInput(v2(0x21, 0x31, "00".repeat(216))),
    makeInput(formatProxyV2(connection, { checksum: true }), 3),
    makeInput(formatProxyV2(connection)),
  ],
  run(input): Features {
    const maxLength = choose(input, 0, bounds);
    const whole = read([input.bytes], maxLength);
    assert.deepEqual(read(cut(input.bytes, seedOf(input)), maxLength), whole, "the same wherever it is cut");
    const { result, taken } = whole;
    if (result.state === "incomplete") {
      assert.equal(taken, input.bytes.length, "takes all while it is incomplete");
      assert.ok(taken < Math.max(107, 16 + maxLength), "bounded");
      return [`incomplete ${taken < 16}`];
    }
    if (result.state === "bad") return [result.problem];
    assert.equal(taken, lengthOf(input.bytes), "as long as the reference finds it");
    return checkHeader(result.header, input.bytes.subarray(0, taken));
  },
  describe: (input) =>
    `ProxyReader, maxLength ${choose(input, 0, bounds)}: ${cut(input.bytes, seedOf(input))
      .map((piece) => JSON.stringify(piece.toString("latin1")))
      .join(" + ")}`,
};

function seedOf({ choices }: FuzzInput): number {
  return (choices[1] ?? 0) * 256 + (choices[2] ?? 0);
}

/** Each piece in one and the same memory, as from a socket. */
function read(
  pieces: readonly Buffer[],
  maxLength: number,
): { readonly result: ProxyState; readonly taken: number } {
  const reader = new ProxyReader({ maxLength });
  const memory = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)) + 4, "\r\n");
  let taken = 0;
  for (const piece of pieces) {
    piece.copy(memory, 2);
    const next = reader.feed(memory, 2, piece.length + 2);
    assert.ok(next >= 2 && next <= piece.length + 2, "within the piece");
    taken += next - 2;
    memory.fill("\r\n");
    if (reader.result.state !== "incomplete") break;
  }
  assert.equal(reader.length, taken);
  return { result: reader.result, taken };
}

function lengthOf(bytes: Buffer): number {
  if (bytes[0] === 0x50) return bytes.indexOf("\r\n") + 2;
  assert.deepEqual(bytes.subarray(0, 12), signature);
  return 16 + bytes.readUInt16BE(14);
}

function checkHeader(header: ProxyHeader, bytes: Buffer): string[] {
  if (header.version === 1) assert.ok(bytes.length <= 107);
  if (header.command !== "proxy") return [`${header.version} ${header.command}`];
  for (const { address, family, port } of [header.source, header.destination]) {
    assert.ok(family === 4 ? isIPv4(address) : isIPv6(address));
    assert.ok(!/^::ffff:(?:[\d.]+\.\d+|[\da-f]+:[\da-f]+)$/i.test(address), "IPv4-mapped is IPv4");
    assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535);
  }
  const { version, ...rest } = header;
  const { tls } = rest;
  assert.ok((rest.uniqueId?.length ?? 0) <= 128);
  assert.ok(!/[\0-\x1f\x7f-\x9f]/.test(`${rest.authority ?? ""}${tls?.commonName ?? ""}`), "no controls");
  assert.ok(
    tls?.certificateVerified !== true || (tls.certificateGiven && tls.overTls),
    "no certificate without TLS",
  );
  for (const checksum of [false, true]) {
    const written = formatProxyV2(rest, { checksum });
    const again = new ProxyReader({ maxLength: 65_535 });
    assert.equal(again.feed(written, 0, written.length), written.length);
    assert.deepEqual(
      again.result,
      { state: "done", header: { version: 2, ...rest } },
      "written and read again",
    );
  }
  if (version === 1) {
    const line = formatProxyV1(rest);
    const again = new ProxyReader();
    again.feed(line, 0, line.length);
    assert.deepEqual(again.result, { state: "done", header }, "written and read again");
  }
  return [
    `${version} ${header.source.family} ${header.destination.family}`,
    `details ${Object.keys(rest).length} ${Math.min(rest.tlvs.length, 3)}`,
    `tls ${tls === undefined ? "no" : Object.keys(tls).length} ${tls?.overTls} ${tls?.certificateVerified}`,
  ];
}
