// MT-PRIORITY (src/wire/priority.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePriority } from "../../src/wire/priority.ts";
import { refuses } from "./fault-check.ts";

describe("MT-PRIORITY (RFC 6710 §3)", () => {
  test("is -9 to 9", () => {
    for (let priority = -9; priority <= 9; priority += 1)
      assert.equal(parsePriority(String(priority)), priority);
  });
  for (const value of [
    undefined,
    "",
    "10",
    "-10",
    "+3",
    "-0",
    "00",
    "03",
    "1.5",
    "high",
    " 3",
    "3 ",
    "--3",
    "\u0663",
  ])
    test(`is refused with 501 5.5.2: ${value}`, () =>
      refuses(parsePriority(value), "501 5.5.2", "MT-PRIORITY must be -9 to 9"));
});
