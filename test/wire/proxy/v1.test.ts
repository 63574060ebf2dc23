// PROXY version 1 (src/wire/proxy/v1.ts) through the reader.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProxyProblem } from "../../../src/wire/proxy.ts";
import { formatProxyV1 } from "../../../src/wire/proxy.ts";
import { feed, read } from "./read.ts";

const longest = "PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".replaceAll(
  "f...f",
  Array.from({ length: 6 }, () => "ffff").join(":"),
);

describe("a line is read, wherever it is cut (PROXY protocol §2.1)", () => {
  const cases: readonly [line: string, source: string, destination: string][] = [
    ["PROXY TCP4 127.0.0.1 127.0.0.1 56676 21026\r\n", "127.0.0.1 56676", "127.0.0.1 21026"],
    ["PROXY TCP6 ::1 ::1 56974 21026\r\n", "::1 56974", "::1 21026"],
    [
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
      "255.255.255.255 65535",
      "255.255.255.255 65535",
    ],
    ["PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0", "0.0.0.0 0"],
    ["PROXY TCP6 2001:DB8:0::1 2001:db8::25 1 25\r\n", "2001:db8::1 1", "2001:db8::25 25"],
    ["PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 25\r\n", "192.0.2.1 1", "198.51.100.2 25"],
    ["PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 25\r\n", "2001:db8::1 1", "192.0.2.1 25"],
  ];
  for (const [line, source, destination] of cases)
    test(line.trimEnd(), () => {
      const { result, taken } = read(Buffer.from(line));
      assert.equal(taken, line.length);
      assert.ok(result.state === "done" && result.header.command === "proxy", JSON.stringify(result));
      const { header } = result;
      assert.equal(`${header.source.address} ${header.source.port}`, source);
      assert.equal(`${header.destination.address} ${header.destination.port}`, destination);
      assert.equal(header.source.family, source.includes(":") ? 6 : 4);
      assert.equal(header.version, 1);
      assert.deepEqual(header.tlvs, []);
    });

  test("104 octets of TCP6 are the longest line with addresses", () => {
    assert.equal(longest.length, 104);
    assert.equal(read(Buffer.from(longest)).result.state, "done");
  });

  const unknown = [
    "PROXY UNKNOWN\r\n",
    "PROXY UNKNOWN \r\n",
    "PROXY UNKNOWN ffff::f ffff::f 65535 65535\r\n",
  ];
  for (const line of [...unknown, "PROXY UNKNOWN \0\t\xff  x\r\n", `PROXY UNKNOWN ${"x".repeat(91)}\r\n`])
    test(`${JSON.stringify(line)} says nothing of the client`, () => {
      assert.ok(line.length <= 107);
      assert.deepEqual(read(Buffer.from(line, "latin1")), {
        result: { state: "done", header: { version: 1, command: "unknown" } },
        taken: line.length,
      });
    });
});

describe("a line is refused (PROXY protocol §2.1)", () => {
  const cases: readonly [line: string, problem: ProxyProblem][] = [
    ["PROXY  TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY TCP4  127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1  2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 2 \r\n", "bad-line"],
    ["PROXY\tTCP4 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 2 3\r\n", "bad-line"],
    ["PROXY tcp4 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY unknown\r\n", "bad-line"],
    ["PROXY UNKNOWNX\r\n", "bad-line"],
    ["PROXY UDP4 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY TCP5 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY\r\n", "bad-line"],
    ["PROXYTCP4 127.0.0.1 127.0.0.1 1 2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r", "bad-line"],
    ["PROXY UNKNOWN a\rb\r\n", "bad-line"],
    ["PROXY UNKNOWN a\nb\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 -1 2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 0x1 2\r\n", "bad-line"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 65536 2\r\n", "bad-port"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 65536\r\n", "bad-port"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 01 2\r\n", "bad-port"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 00\r\n", "bad-port"],
    ["PROXY TCP4 127.0.0.1 127.0.0.1 1 9999999999999999999999\r\n", "bad-port"],
    ["PROXY TCP4 127.0.0.01 127.0.0.1 1 2\r\n", "bad-address"],
    ["PROXY TCP4 127.0.0.1 127.0.0.256 1 2\r\n", "bad-address"],
    ["PROXY TCP4 ::1 ::1 1 2\r\n", "bad-address"],
    ["PROXY TCP6 127.0.0.1 127.0.0.1 1 2\r\n", "bad-address"],
    ["PROXY TCP6 [::1] ::1 1 2\r\n", "bad-address"],
    ["PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "bad-address"],
    [`PROXY UNKNOWN ${"x".repeat(93)}\r\n`, "line-too-long"],
    [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, "line-too-long"],
    [`PROXY ${"x".repeat(1000)}`, "line-too-long"],
    ["proxy TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "no-header"],
    ["PROXi", "no-header"],
    ["EHLO client.example\r\n", "no-header"],
    ["\x16\x03\x01\x02\0", "no-header"],
    [" PROXY UNKNOWN\r\n", "no-header"],
    ["\r\nPROXY UNKNOWN\r\n", "no-header"],
  ];
  for (const [line, problem] of cases)
    test(`${JSON.stringify(line.slice(0, 60))}: ${problem}`, () => {
      // A line that ends with CR only is refused by what comes then
      const input = Buffer.from(line.endsWith("\r") ? `${line}x` : line, "latin1");
      assert.deepEqual(read(input).result, { state: "bad", problem });
    });

  test("at the first octet that neither version begins with", () => {
    assert.deepEqual(feed([Buffer.from("PROXX")]), {
      result: { state: "bad", problem: "no-header" },
      taken: 5,
    });
    assert.deepEqual(feed([Buffer.from("EHLO x")]), {
      result: { state: "bad", problem: "no-header" },
      taken: 1,
    });
  });

  test("while it may still become a header there is no result", () => {
    for (const part of ["", "P", "PROX", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r", `PROXY ${"x".repeat(100)}`])
      assert.deepEqual(read(Buffer.from(part)), { result: { state: "incomplete" }, taken: part.length });
  });
});

describe("a line is written", () => {
  const four = { address: "192.0.2.1", family: 4, port: 56_324 } as const;
  const six = { address: "2001:db8::25", family: 6, port: 25 } as const;
  const cases = [
    [four, { ...four, port: 25 }, "PROXY TCP4 192.0.2.1 192.0.2.1 56324 25\r\n"],
    [six, six, "PROXY TCP6 2001:db8::25 2001:db8::25 25 25\r\n"],
    [four, six, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::25 56324 25\r\n"],
  ] as const;
  for (const [source, destination, line] of cases)
    test(line.trimEnd(), () => {
      const written = formatProxyV1({ command: "proxy", source, destination, tlvs: [] });
      assert.equal(written.toString(), line);
      const { result } = feed([written]);
      assert.deepEqual(result, {
        state: "done",
        header: { version: 1, command: "proxy", source, destination, tlvs: [] },
      });
    });

  test("UNKNOWN stands for a client without a name and for the proxy itself", () => {
    for (const command of ["local", "unknown"] as const)
      assert.equal(formatProxyV1({ command }).toString(), "PROXY UNKNOWN\r\n");
  });
});
