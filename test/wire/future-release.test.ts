// HOLDFOR and HOLDUNTIL of FUTURERELEASE (src/wire/future-release.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { maxHoldSeconds, parseHoldFor, parseHoldUntil } from "../../src/wire/future-release.ts";
import { refuses } from "./fault-check.ts";

describe("HOLDFOR (RFC 4865 §3)", () => {
  test("is seconds from 1 to 999999999", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maxHoldSeconds }), (seconds) =>
        assert.equal(parseHoldFor(String(seconds)), seconds),
      ),
    );
    assert.equal(parseHoldFor("1"), 1);
    assert.equal(parseHoldFor("999999999"), maxHoldSeconds);
  });
  const cases = [
    undefined,
    "",
    "0",
    "01",
    "-1",
    "+1",
    "1.5",
    "1e3",
    " 1",
    "1 ",
    "1000000000",
    "0x10",
    "PT1H",
  ];
  for (const value of cases)
    test(`is refused with 501 5.5.4: ${value}`, () =>
      refuses(parseHoldFor(value), "501 5.5.4", "HOLDFOR must be seconds"));
});

describe("HOLDUNTIL (RFC 4865 §3, erratum 2040)", () => {
  const good: readonly [value: string, utc: string][] = [
    ["2030-01-31T23:59:59Z", "2030-01-31T23:59:59.000Z"],
    ["2030-01-31T23:59:59+01:00", "2030-01-31T22:59:59.000Z"],
    ["1999-01-31T00:00:00z", "1999-01-31T00:00:00.000Z"],
  ];
  for (const [value, utc] of good)
    test(`${value} is ${utc}`, () => assert.equal(parseHoldUntil(value), Date.parse(utc)));
  for (const value of [undefined, "", "3600", "2030-01-31", "2030-01-31T23:59:59", "2030-02-30T00:00:00Z"])
    test(`is refused with 501 5.5.4: ${value}`, () =>
      refuses(parseHoldUntil(value), "501 5.5.4", "HOLDUNTIL must be a date-time"));
});
