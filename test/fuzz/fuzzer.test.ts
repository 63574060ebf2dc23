// The fuzzer itself: that it finds what is planted, makes it small, and repeats itself; that coverage tells blocks apart.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readInputs } from "../../fuzz/corpus.ts";
import { Coverage } from "../../fuzz/coverage.ts";
import { crashText, kindOf } from "../../fuzz/crash.ts";
import { cut, inputToLine, lineToInput, makeInput } from "../../fuzz/input.ts";
import type { FuzzInput } from "../../fuzz/input.ts";
import { fuzz } from "../../fuzz/loop.ts";
import { mutate } from "../../fuzz/mutate.ts";
import { Random } from "../../fuzz/random.ts";
import type { Features, Target } from "../../fuzz/target.ts";

/** A target that gets further with each letter of "bug", and breaks at the last. */
function planted(breaks: (text: string) => Features | Promise<Features>): Target {
  return {
    name: "planted",
    maxBytes: 200,
    words: ["b", "u", "g"],
    seeds: () => [makeInput("hello")],
    run: ({ bytes }) => breaks(bytes.toString("latin1")),
    describe: ({ bytes }) => JSON.stringify(bytes.toString("latin1")),
  };
}

function letters(text: string): Features {
  return ["b", "bu"].filter((part) => text.includes(part));
}

const ways: readonly [name: string, breaks: (text: string) => Features | Promise<Features>][] = [
  [
    "throws",
    (text) => {
      if (text.includes("bug")) throw new Error(`Found at ${text.indexOf("bug")}`);
      return letters(text);
    },
  ],
  [
    "rejects",
    async (text) => {
      await Promise.resolve();
      if (text.includes("bug")) throw new Error(`Found at ${text.indexOf("bug")}`);
      return letters(text);
    },
  ],
];

describe("the fuzz loop", () => {
  for (const [name, breaks] of ways) {
    test(`finds a planted bug that ${name}, counts it once and makes it small`, async () => {
      const { crashes, inputs } = await fuzz(planted(breaks), { inputs: 40_000, seed: 3 });
      assert.equal(inputs, 40_000);
      assert.equal(crashes.length, 1);
      assert.equal(inputToLine(crashes[0]?.input ?? makeInput("")), '0000000000000000 "bug"');
    });
  }

  test("makes the same inputs of the same seed, others of another", async () => {
    const inputsOf = async (seed: number): Promise<string> => {
      const seen: string[] = [];
      const target = planted((text) => {
        seen.push(text);
        return letters(text);
      });
      await fuzz(target, { inputs: 2000, seed });
      return seen.join("\n");
    };
    const first = await inputsOf(1);
    assert.equal(await inputsOf(1), first);
    assert.notEqual(await inputsOf(2), first);
  });

  test("keeps what brings a new feature, and ends at the number of kinds of crashers", async () => {
    const kept = await fuzz(planted(letters), { inputs: 5000 });
    assert.deepEqual([kept.features, kept.found.length], [2, 2]);
    const target = planted((text) => {
      throw new Error("xyz".charAt(text.length % 3));
    });
    const { crashes, inputs } = await fuzz(target, { inputs: 5000, crashers: 2 });
    assert.equal(crashes.length, 2);
    assert.ok(inputs < 5000);
  });
});

describe("a crasher", () => {
  test("is of the same kind whatever its numbers and texts", () => {
    assert.equal(kindOf(new Error('no "a" at 12')), kindOf(new Error('no "b\\"c" at 7\nmore')));
    assert.notEqual(kindOf(new Error("one")), kindOf(new Error("two")));
  });

  test("is written as text from which its input can be read again", () => {
    const crash = { target: "planted", input: makeInput("a\r\n\xff", 1), error: new Error("broken") };
    const text = crashText(crash, planted(letters), "the command");
    assert.match(text, /^# Error: broken\n/);
    assert.match(text, /^# {3}the command$/m);
    assert.deepEqual(readInputs(text), [crash.input]);
  });
});

describe("inputs", () => {
  const all = makeInput(
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
    255,
    0,
    7,
  );

  test("are written as printable ASCII and read again as they were", () => {
    assert.match(inputToLine(all), /^ff00070{10} "[ -~]+"$/);
    assert.deepEqual(lineToInput(inputToLine(all)), all);
    for (const line of ["", '"x"', '00 "x"', "0000000000000000 x"])
      assert.throws(() => lineToInput(line), SyntaxError);
  });

  test("are cut into pieces that join to the whole, none of them empty", () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const bytes = all.bytes.subarray(0, seed % 257);
      const pieces = cut(bytes, seed);
      assert.ok(Buffer.concat(pieces).equals(bytes), `seed ${seed}`);
      assert.ok(pieces.every(({ length }) => length > 0));
    }
  });

  test("are mutated within the longest length, and the original stays as it is", () => {
    const random = new Random(5);
    const original = inputToLine(all);
    const different = new Set<string>();
    let input: FuzzInput = all;
    for (let count = 0; count < 2000; count += 1) {
      const next = mutate(input, all, random, ["word"], 300);
      assert.ok(next.bytes.length <= 300);
      different.add(inputToLine(next));
      input = count % 10 === 0 ? all : next;
    }
    assert.equal(inputToLine(all), original);
    assert.ok(different.size > 1500);
  });
});

describe("coverage", () => {
  test("tells which branches of newly loaded code have run, once each, and again after it was forgotten", async () => {
    const coverage = new Coverage("data:");
    try {
      const source =
        "export function sign(n) { if (n < 0) { return 'less'; } return n > 0 ? 'more' : 'none'; }";
      const { sign } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
        sign(n: number): string;
      };
      const sawNew = (n: number): boolean => {
        sign(n);
        return coverage.sawNew();
      };
      assert.deepEqual([1, 1, -1, -1, 0, 0].map(sawNew), [true, false, true, false, true, false]);
      coverage.reset();
      assert.equal(sawNew(-1), true);
      assert.equal(sawNew(0), true);
      const restore = coverage.forgetNew();
      assert.equal(sawNew(0), true);
      restore();
      assert.equal(sawNew(0), false);
      assert.ok(coverage.size > 0);
    } finally {
      coverage.stop();
    }
  });
});
