// The bounds of the DNS cache.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Lookups } from "../../src/hosts/dns-cache.ts";

function counted(limits: { entries: number; characters: number }) {
  const asked: string[] = [];
  const lookups = new Lookups<string>({ monotonic: () => 0 }, limits, (text) => text.length);
  const find = (key: string, answer = "") =>
    lookups.find(
      key,
      () => {
        asked.push(key);
        return Promise.resolve({ answers: [answer] });
      },
      undefined,
    );
  return { asked, find };
}

async function inTurn(find: (key: string) => Promise<unknown>, keys: string): Promise<void> {
  for (const key of keys) await find(key);
}

describe("the DNS cache", () => {
  test("drops the least recently used entry when there are too many", async () => {
    const { asked, find } = counted({ entries: 2, characters: 1e6 });
    await inTurn(find, "abacab");
    // c pushed b out, since a had been used again; then b pushed c out
    assert.equal(asked.join(""), "abcb");
  });

  test("drops entries when their answers are too long together", async () => {
    const { asked, find } = counted({ entries: 100, characters: 1_100 });
    await inTurn((key) => find(key, "x".repeat(400)), "abcba");
    assert.equal(asked.join(""), "abca");
  });

  test("never keeps an answer that is too long for it alone", async () => {
    const { asked, find } = counted({ entries: 100, characters: 1_000 });
    await inTurn((key) => find(key, "x".repeat(2_000)), "aa");
    assert.equal(asked.join(""), "aa");
  });
});
