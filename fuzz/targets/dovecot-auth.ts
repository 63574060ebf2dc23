// DovecotAuthReader and dovecotPlainRequest: cut anywhere, the lines of the whole; a request is one line whose words say what
// they were made of, whatever a user name holds.

import assert from "node:assert/strict";
import { DovecotAuthReader, dovecotPlainRequest } from "../../src/wire/dovecot-auth.ts";
import type { DovecotAuthLine } from "../../src/wire/dovecot-auth.ts";
import { cut, makeInput } from "../input.ts";
import type { FuzzInput } from "../input.ts";
import type { Features, Target } from "../target.ts";

const session = {
  local: { address: "192.0.2.25", port: 25 },
  client: { address: "192.0.2.1", port: 54_321 },
  secured: true,
} as const;

export const dovecotAuth: Target = {
  name: "dovecot-auth",
  maxBytes: 8000,
  words:
    "VERSION\t1\t2\n|MECH\tPLAIN\tplaintext\n|DONE\n|OK\t1\tuser=x\n|FAIL\t1\ttemp\n|CONT\t1\teA==\n|\x011|\x01t|\x01n|\t|\n".split(
      "|",
    ),
  seeds: () =>
    [
      "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t2\nCOOKIE\tx\nDONE\n",
      "OK\t1\tuser=a\x01tb\nFAIL\t2\tuser=x\treason=no\ttemp\nCONT\t3\teA==\n",
      "VERSION\tx\nOK\t\n",
    ].map((text, index) => makeInput(text, index)),
  run(input): Features {
    const { bytes } = input;
    const whole = new DovecotAuthReader().read(bytes);
    const reader = new DovecotAuthReader();
    const parts = cut(bytes, seedOf(input)).flatMap((piece) => reader.read(piece));
    assert.deepEqual(parts, whole, "the same however the bytes come");
    assert.equal(whole.length, bytes.toString("latin1").split("\n").length - 1, "each line once");
    for (const line of whole) checkLine(line);
    const [username = "", password = ""] = bytes.toString("utf8").split("\t");
    const request = dovecotPlainRequest(7, username, session, { username, password });
    assert.match(request, /^[^\n\r\0]+\n$/, "one line");
    const words = request.slice(0, -1).split("\t");
    assert.equal(words.length, 11, "as many words as were put in");
    const response = Buffer.from(words.at(-1)?.slice("resp=".length) ?? "", "base64").toString("utf8");
    assert.equal(response, `\0${username}\0${password}`);
    return whole.slice(0, 4).map(({ kind }, index) => `${index} ${kind}`);
  },
  describe: (input) =>
    `DovecotAuthReader: ${JSON.stringify(input.bytes.toString("latin1"))}, cut by ${seedOf(input)}`,
};

function checkLine(line: DovecotAuthLine): void {
  if ("id" in line) assert.ok(Number.isSafeInteger(line.id) && line.id >= 0);
  if (line.kind === "version") assert.ok(Number.isSafeInteger(line.major) && line.major >= 0);
  if (line.kind === "malformed") assert.match(line.problem, /^[ -~]+$/, "printable ASCII");
}

function seedOf({ choices }: FuzzInput): number {
  return (choices[0] ?? 0) * 256 + (choices[1] ?? 0);
}
