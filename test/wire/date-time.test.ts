// Date-times of RFC 3339 (src/wire/date-time.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatDateTime, parseDateTime } from "../../src/wire/date-time.ts";

describe("date-times are read (RFC 3339 §5.6)", () => {
  const cases: readonly [text: string, utc: string][] = [
    // RFC 3339 §5.8
    ["1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"],
    ["1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z"],
    ["1990-12-31T23:59:60Z", "1990-12-31T23:59:59.999Z"],
    ["1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999Z"],
    ["1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"],
    ["2014-04-03T23:01:00Z", "2014-04-03T23:01:00.000Z"],
    ["2000-02-29t00:00:00z", "2000-02-29T00:00:00.000Z"],
    ["1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00.000Z"],
    ["1970-01-01T00:00:00.123999999999999999999999Z", "1970-01-01T00:00:00.123Z"],
    ["1970-01-01T23:59:00+23:59", "1970-01-01T00:00:00.000Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["0099-12-31T00:00:00Z", "0099-12-31T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
    ["2015-06-30T23:59:60.7Z", "2015-06-30T23:59:59.999Z"],
    ["2015-07-01T01:59:60+02:00", "2015-06-30T23:59:59.999Z"],
  ];
  for (const [text, utc] of cases)
    test(`${text} is ${utc}`, () => assert.equal(parseDateTime(text), Date.parse(utc)));
});

describe("all else is refused", () => {
  const cases = [
    "",
    "2014-04-03",
    "2014-04-03T23:01:00",
    "2014-04-03 23:01:00Z",
    "2014-04-03T23:01Z",
    "2014-04-03T23:01:00,5Z",
    "2014-04-03T23:01:00.Z",
    "2014-04-03T23:01:00+02",
    "2014-04-03T23:01:00+0200",
    "2014-04-03T23:01:00+24:00",
    "2014-04-03T23:01:00+00:60",
    "2014-04-03T24:00:00Z",
    "2014-04-03T23:60:00Z",
    "2014-04-03T23:01:61Z",
    "2014-04-03T23:01:60Z",
    "2014-03-31T23:59:60Z",
    "2014-06-30T23:59:60+01:00",
    "2014-00-01T00:00:00Z",
    "2014-13-01T00:00:00Z",
    "2014-04-00T00:00:00Z",
    "2014-04-31T00:00:00Z",
    "2014-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "14-04-03T23:01:00Z",
    "+002014-04-03T23:01:00Z",
    "-2014-04-03T23:01:00Z",
    "2014-4-3T23:01:00Z",
    " 2014-04-03T23:01:00Z",
    "2014-04-03T23:01:00Z ",
    "2014-04-03T23:01:00Z\n",
    "\u0662014-04-03T23:01:00Z",
    "0000-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:60-00:01",
    "Thu, 3 Apr 2014 23:01:00 +0000",
  ];
  for (const text of cases) test(JSON.stringify(text), () => assert.equal(parseDateTime(text), undefined));
});

describe("date-times are written in UTC", () => {
  test("without a fraction when there is none, else with three digits", () => {
    assert.equal(formatDateTime(0), "1970-01-01T00:00:00Z");
    assert.equal(formatDateTime(1_396_566_060_000), "2014-04-03T23:01:00Z");
    assert.equal(formatDateTime(1), "1970-01-01T00:00:00.001Z");
  });

  test("and those that a four-digit year cannot say throw RangeError", () => {
    for (const ms of [Number.NaN, Infinity, -Infinity, 253_402_300_800_000, -62_167_219_200_001])
      assert.throws(() => formatDateTime(ms), RangeError);
  });
});

describe("for any time", () => {
  const ms = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });

  test("what was written is read back", () => {
    fc.assert(fc.property(ms, (time) => assert.equal(parseDateTime(formatDateTime(time)), time)));
  });

  test("an offset moves it, and any fraction is cut to milliseconds", () => {
    const offset = fc.tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(ms, offset, fc.nat(), (time, [sign, hours, minutes], more) => {
        const local = formatDateTime(Math.floor(time / 1000) * 1000).slice(0, -1);
        const two = (number: number): string => String(number).padStart(2, "0");
        const text = `${local}.5${more}${sign}${two(hours)}:${two(minutes)}`;
        const shift = (hours * 60 + minutes) * 60_000 * (sign === "+" ? -1 : 1);
        const expected =
          Math.floor(time / 1000) * 1000 + Number(`0.5${more}`.slice(0, 5).padEnd(5, "0")) * 1000 + shift;
        const isWritable = expected >= -62_167_219_200_000 && expected <= 253_402_300_799_999;
        assert.equal(parseDateTime(text), isWritable ? Math.round(expected) : undefined, text);
      }),
    );
  });
});
