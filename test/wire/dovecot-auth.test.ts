// The lines of Dovecot's authentication protocol (src/wire/dovecot-auth.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DovecotAuthReader, dovecotHandshake, dovecotPlainRequest } from "../../src/wire/dovecot-auth.ts";
import type { DovecotAuthLine } from "../../src/wire/dovecot-auth.ts";

const session = {
  local: { address: "192.0.2.25", port: 587 },
  client: { address: "2001:db8::1", port: 54_321 },
  secured: true,
};

test("the handshake names version and client", () => {
  assert.equal(dovecotHandshake(4_711), "VERSION\t1\t2\nCPID\t4711\n");
});

describe("a request", () => {
  test("carries session and credentials, the response last", () => {
    const credentials = { username: "tim", password: "tanstaaftanstaaf" };
    assert.equal(
      dovecotPlainRequest(7, "smtp", session, credentials),
      "AUTH\t7\tPLAIN\tservice=smtp\tnologin\tsecured\tlip=192.0.2.25\trip=2001:db8::1\tlport=587\trport=54321\t" +
        "resp=AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n", // RFC 4616 §4
    );
  });

  test("of a client without TLS does not claim to be secured", () => {
    const line = dovecotPlainRequest(
      1,
      "smtp",
      { ...session, secured: false },
      { username: "a", password: "b" },
    );
    assert.ok(!line.includes("secured"));
  });

  test("is one line whatever the credentials are", () => {
    const line = dovecotPlainRequest(1, "smtp", session, { username: "a\n\tb\x01", password: "c\r\n" });
    assert.equal(line.indexOf("\n"), line.length - 1);
    const resp = /resp=(\S+)\n$/.exec(line)?.[1] ?? "";
    assert.equal(Buffer.from(resp, "base64").toString(), "\0a\n\tb\x01\0c\r\n");
  });
});

describe("a line of the server", () => {
  const lines: readonly [text: string, line: DovecotAuthLine][] = [
    ["VERSION\t1\t2", { kind: "version", major: 1 }],
    ["VERSION\tx", { kind: "malformed", problem: "VERSION without a number" }],
    ["MECH\tPLAIN\tplaintext", { kind: "mechanism", name: "PLAIN", properties: ["plaintext"] }],
    ["SPID\t123", { kind: "other", name: "SPID" }],
    ["COOKIE\tabc", { kind: "other", name: "COOKIE" }],
    ["DONE", { kind: "done" }],
    ["OK\t3\tuser=tim", { kind: "ok", id: 3, fields: new Map([["user", "tim"]]) }],
    [
      "FAIL\t4\tuser=tim\ttemp\treason=a\x01tb=c",
      {
        kind: "fail",
        id: 4,
        fields: new Map([
          ["user", "tim"],
          ["temp", ""],
          ["reason", "a\tb=c"],
        ]),
      },
    ],
    ["FAIL\tx", { kind: "malformed", problem: "FAIL without a number" }],
    ["CONT\t5\tabcd", { kind: "continue", id: 5, data: "abcd" }],
    ["", { kind: "other", name: "" }],
  ];
  for (const [text, line] of lines) {
    test(JSON.stringify(text), () => {
      assert.deepEqual(new DovecotAuthReader().read(Buffer.from(`${text}\n`)), [line]);
    });
  }

  test("may come in any pieces", () => {
    const whole = Buffer.from(`${lines.map(([text]) => text).join("\n")}\n`);
    const wanted = lines.map(([, line]) => line);
    for (let at = 0; at <= whole.length; at++) {
      const reader = new DovecotAuthReader();
      assert.deepEqual([...reader.read(whole.subarray(0, at)), ...reader.read(whole.subarray(at))], wanted);
    }
    const reader = new DovecotAuthReader();
    assert.deepEqual(
      [...whole].flatMap((byte) => reader.read(Uint8Array.of(byte))),
      wanted,
    );
  });

  test("that never ends is malformed at 64 KiB", () => {
    const reader = new DovecotAuthReader();
    assert.deepEqual(reader.read(Buffer.alloc(65_536, 97)), []);
    assert.deepEqual(reader.read(Buffer.alloc(1, 97)), [
      { kind: "malformed", problem: "a line of more than 65536 octets" },
    ]);
  });
});
