// The argument of BDAT (src/wire/bdat.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { formatBdat, parseBdat } from "../../src/wire/bdat.ts";
import type { Chunk } from "../../src/wire/bdat.ts";

describe("BDAT is read (RFC 3030 §2)", () => {
  const cases: readonly [argument: string, chunk: Chunk][] = [
    ["0", { size: 0, last: false }],
    ["0 LAST", { size: 0, last: true }],
    ["1000", { size: 1000, last: false }],
    ["67 last", { size: 67, last: true }],
    ["67 LaSt", { size: 67, last: true }],
    [" 67   LAST", { size: 67, last: true }],
    ["00000000000000000000000000000067", { size: 67, last: false }],
    ["9007199254740991", { size: Number.MAX_SAFE_INTEGER, last: false }],
  ];
  for (const [argument, chunk] of cases) test(argument, () => assert.deepEqual(parseBdat(argument), chunk));
});

describe("BDAT is not read", () => {
  const cases = [
    "",
    " ",
    "LAST",
    "-1",
    "+1",
    "0x10",
    "1e3",
    "1.5",
    "1_000",
    "1,000",
    "10LAST",
    "10 LAS",
    "10 LASTS",
  ];
  const more = [
    "10 LAST LAST",
    "10 LAST x",
    "10 20",
    "10\tLAST",
    "10 LAST ",
    "10 LA\u017fT",
    "\u0661",
    "10\n",
  ];
  for (const argument of [...cases, ...more, "9007199254740992", "9".repeat(400)])
    test(JSON.stringify(argument).slice(0, 60), () => assert.equal(parseBdat(argument), undefined));
});

test("any chunk that is written is read back", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.boolean(), (size, last) =>
      assert.deepEqual(parseBdat(formatBdat({ size, last }).slice(5)), { size, last }),
    ),
  );
  for (const size of [-1, 0.5, 2 ** 53, Number.NaN])
    assert.throws(() => formatBdat({ size, last: true }), RangeError);
});
