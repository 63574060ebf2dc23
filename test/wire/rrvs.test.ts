// RRVS (src/wire/rrvs.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatRrvs, parseRrvs } from "../../src/wire/rrvs.ts";
import type { ValidSince } from "../../src/wire/rrvs.ts";
import { refuses } from "./fault-check.ts";

describe("RRVS is read (RFC 7293 §3.1)", () => {
  const since = Date.parse("2014-04-03T23:01:00Z");
  const cases: readonly [value: string, result: ValidSince][] = [
    ["2014-04-03T23:01:00Z", { since, ifUnsupported: "reject" }],
    ["2014-04-03T23:01:00Z;R", { since, ifUnsupported: "reject" }],
    ["2014-04-03T23:01:00Z;C", { since, ifUnsupported: "continue" }],
    ["2014-04-03t23:01:00z;c", { since, ifUnsupported: "continue" }],
    ["2014-04-04T01:01:00+02:00;r", { since, ifUnsupported: "reject" }],
  ];
  for (const [value, result] of cases) test(value, () => assert.deepEqual(parseRrvs(value), result));
});

describe("RRVS is refused with 501 5.5.4", () => {
  const date = "2014-04-03T23:01:00Z";
  for (const value of [
    undefined,
    "",
    ";C",
    `${date};`,
    `${date};X`,
    `${date};CR`,
    `${date};C;R`,
    `${date} ;C`,
  ])
    test(`${value}`, () => refuses(parseRrvs(value), "501 5.5.4", "RRVS must be a date-time"));
  for (const value of ["2014-04-03", "2014-02-30T00:00:00Z", "1396566060", `${date};C\n`])
    test(JSON.stringify(value), () => refuses(parseRrvs(value), "501 5.5.4", "RRVS must be a date-time"));
});

test("any RRVS that is written is read back", () => {
  const times = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(times, fc.constantFrom("continue", "reject"), (since, ifUnsupported) =>
      assert.deepEqual(parseRrvs(formatRrvs({ since, ifUnsupported })), { since, ifUnsupported }),
    ),
  );
});
