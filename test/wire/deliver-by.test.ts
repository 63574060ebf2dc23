// BY of DELIVERBY (src/wire/deliver-by.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatDeliverBy, maxDeliverBySeconds, parseDeliverBy } from "../../src/wire/deliver-by.ts";
import type { DeliverBy } from "../../src/wire/deliver-by.ts";
import { refuses } from "./fault-check.ts";

describe("BY is read (RFC 2852 §4)", () => {
  const cases: readonly [value: string, by: DeliverBy][] = [
    ["120;R", { seconds: 120, mode: "return", trace: false }],
    ["120;N", { seconds: 120, mode: "notify", trace: false }],
    ["+98;rt", { seconds: 98, mode: "return", trace: true }],
    ["-5;NT", { seconds: -5, mode: "notify", trace: true }],
    ["0;n", { seconds: 0, mode: "notify", trace: false }],
    ["-0;N", { seconds: 0, mode: "notify", trace: false }],
    ["1;R", { seconds: 1, mode: "return", trace: false }],
    ["000000001;R", { seconds: 1, mode: "return", trace: false }],
    ["999999999;R", { seconds: maxDeliverBySeconds, mode: "return", trace: false }],
    ["-999999999;N", { seconds: -maxDeliverBySeconds, mode: "notify", trace: false }],
  ];
  for (const [value, by] of cases) test(value, () => assert.deepEqual(parseDeliverBy(value), by));
});

describe("BY is refused with 501 5.5.4", () => {
  const cases = [
    undefined,
    "",
    "120",
    "120;",
    ";R",
    "R",
    "120;X",
    "120;T",
    "120;RN",
    "120;TR",
    "120;RTT",
    "120;R ",
  ];
  for (const value of [
    ...cases,
    "1000000000;R",
    "1.5;R",
    "1e3;R",
    "--1;N",
    "+-1;N",
    " 1;N",
    "0x1;N",
    "\u0661;N",
  ])
    test(JSON.stringify(value) ?? "no value", () =>
      refuses(parseDeliverBy(value), "501 5.5.4", "BY must be"),
    );
  for (const value of ["0;R", "-0;R", "-1;RT", "+0;r"])
    test(`${value}, which is past already (RFC 2852 §4)`, () =>
      refuses(parseDeliverBy(value), "501 5.5.4", "BY with R must be 1 second or more"));
});

test("any BY that is written is read back", () => {
  const seconds = fc.integer({ min: -maxDeliverBySeconds, max: maxDeliverBySeconds });
  fc.assert(
    fc.property(seconds, fc.boolean(), fc.boolean(), (time, returns, trace) => {
      const by: DeliverBy = { seconds: time, mode: returns ? "return" : "notify", trace };
      if (returns && time <= 0) assert.throws(() => formatDeliverBy(by), RangeError);
      else assert.deepEqual(parseDeliverBy(formatDeliverBy(by)), by);
    }),
  );
  for (const time of [1.5, Number.NaN, 1e9])
    assert.throws(() => formatDeliverBy({ seconds: time, mode: "notify", trace: false }), RangeError);
});
