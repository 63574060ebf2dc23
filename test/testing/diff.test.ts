// Differences line by line.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { diffLines } from "../../src/testing/diff.ts";

describe("diffLines", () => {
  const cases: readonly [expected: string, actual: string, shown: string][] = [
    ["", "", ""],
    ["a b c", "a b c", " a| b| c"],
    ["a b c", "a c", " a|-b| c"],
    ["a c", "a b c", " a|+b| c"],
    ["a b c", "a x c", " a|-b|+x| c"],
    ["a b c d e", "x b c y e", "-a|+x| b| c|-d|+y| e"],
    ["a b", "", "-a|-b"],
    ["", "a", "+a"],
    ["a a b", "a b", " a|-a| b"],
  ];
  for (const [expected, actual, shown] of cases) {
    test(`of "${expected}" and "${actual}"`, () => {
      const lines = diffLines(expected.split(" ").filter(Boolean), actual.split(" ").filter(Boolean));
      assert.equal(lines.map((line) => line.replace(/^(.) /, "$1")).join("|"), shown);
    });
  }

  test("of long texts is found in bounded time", () => {
    const long = Array.from({ length: 5_000 }, (_, line) => `a ${line}`);
    const none = long.map((line) => `b${line}`);
    assert.equal(diffLines(long, none).length, 10_000);
  });
});
