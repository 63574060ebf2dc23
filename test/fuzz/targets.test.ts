// A short run of each fuzz target with a fixed seed: its seeds, its corpus, and some hundred mutations. `npm run fuzz` goes
// on from there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCorpus } from "../../fuzz/corpus.ts";
import { crashText } from "../../fuzz/crash.ts";
import { inputToLine } from "../../fuzz/input.ts";
import { fuzz } from "../../fuzz/loop.ts";
import { targets } from "../../fuzz/targets/index.ts";

/** Mutated inputs of one target, besides those it begins with. */
const mutations = 300;

describe("fuzz targets", () => {
  for (const target of targets) {
    test(`${target.name} holds on its seeds, its corpus and ${mutations} mutations`, async () => {
      const corpus = readCorpus(target.name);
      const inputs = target.seeds().length + corpus.length + mutations;
      const result = await fuzz(target, { inputs, seed: 1, corpus });
      assert.deepEqual(
        result.crashes.map((crash) =>
          crashText(crash, target, `npm run fuzz -- ${target.name} --replay FILE`),
        ),
        [],
      );
      assert.equal(result.inputs, inputs);
    });
  }

  test("have names of their own, and describe every seed in words", () => {
    assert.equal(new Set(targets.map(({ name }) => name)).size, targets.length);
    for (const target of targets) {
      for (const seed of target.seeds())
        assert.match(target.describe(seed), /^[^\0]+$/, `${target.name} ${inputToLine(seed)}`);
    }
  });
});
