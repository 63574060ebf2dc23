// The argument of ETRN (RFC 1985 §5.1).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseQueueRequest } from "../../src/wire/etrn.ts";
import type { QueueRequest } from "../../src/wire/etrn.ts";

describe("the argument of ETRN", () => {
  const taken: readonly [argument: string, request: QueueRequest][] = [
    ["example.org", { kind: "host", node: "example.org" }],
    ["Example.ORG", { kind: "host", node: "Example.ORG" }],
    ["localname", { kind: "host", node: "localname" }],
    ["@example.org", { kind: "domain", node: "example.org" }],
    ["#slow", { kind: "queue", node: "slow" }],
    ["##", { kind: "queue", node: "#" }],
    [`#${"x".repeat(255)}`, { kind: "queue", node: "x".repeat(255) }],
  ];
  for (const [argument, request] of taken) {
    test(`may be ${argument.slice(0, 40)}`, () => assert.deepEqual(parseQueueRequest(argument), request));
  }

  const refused = [
    "",
    "@",
    "#",
    "a b",
    "#a b",
    "@@example.org",
    "@#x",
    "-a",
    "a..b",
    "b\u00fccher.test",
    "#\u00fc",
    "#\x01",
  ];
  for (const argument of [...refused, `#${"x".repeat(256)}`, `${"a.".repeat(128)}b`]) {
    test(`may not be ${JSON.stringify(argument.slice(0, 40))}`, () => {
      assert.equal(parseQueueRequest(argument), undefined);
    });
  }
});
