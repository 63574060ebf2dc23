// State in memory: what every store keeps to, and its bound.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryState } from "../../src/hosts/state.ts";
import { FakeClock } from "../support/clock.ts";
import { stateConformance } from "../support/state-conformance.ts";

stateConformance("state in memory", () => {
  const clock = new FakeClock();
  return { store: new MemoryState({ clock }), pass: (ms) => clock.advance(ms) };
});

describe("state in memory, when it is full,", () => {
  const uses: readonly [what: string, use: (state: MemoryState) => Promise<unknown>][] = [
    ["get", (state) => state.get("first")],
    ["set", (state) => state.set("first", 5)],
    ["add", (state) => state.add("first", 5)],
    ["increment", (state) => state.increment("first")],
  ];
  for (const [what, use] of uses) {
    test(`forgets what was not used for longest; ${what} is a use`, async () => {
      const state = new MemoryState({ clock: new FakeClock(), maxEntries: 3 });
      for (const key of ["first", "second", "third"]) await state.set(key, 1);
      await use(state);
      await state.set("fourth", 1);
      assert.deepEqual(keysOf(state), ["third", "first", "fourth"]);
    });
  }

  test("forgets nothing for a key that is there", async () => {
    const state = new MemoryState({ clock: new FakeClock(), maxEntries: 2 });
    for (const key of ["a", "b", "a", "b", "b", "a"]) await state.set(key, 1);
    assert.deepEqual(keysOf(state), ["b", "a"]);
  });

  test("has room again for each that is deleted or has expired, at either end and between", async () => {
    const clock = new FakeClock();
    for (const gone of ["a", "b", "c"]) {
      const state = new MemoryState({ clock, maxEntries: 3 });
      for (const key of ["a", "b", "c"]) await state.set(key, 1);
      await state.delete(gone);
      await state.set("d", 1);
      await state.set("e", 1, { ttlMs: 10 });
      clock.advance(10);
      assert.equal(await state.get("e"), undefined);
      await state.set("f", 1);
      assert.deepEqual(keysOf(state), [...["a", "b", "c"].filter((key) => key !== gone).slice(1), "d", "f"]);
    }
  });

  test("never holds more than it may", async () => {
    const state = new MemoryState({ clock: new FakeClock(), maxEntries: 10 });
    for (let at = 0; at < 1_000; at += 1) {
      await state.add(`added ${at % 17}`, at);
      await state.increment(`counted ${at % 13}`);
      if (at % 5 === 0) await state.delete(`added ${at % 11}`);
      assert.ok(state.entries().length <= 10);
    }
  });

  test("shows when each entry will be forgotten, and none that is", async () => {
    const clock = new FakeClock();
    const state = new MemoryState({ clock });
    await state.set("stays", [1]);
    await state.set("goes", 1, { ttlMs: 100 });
    await state.set("is gone", 1, { ttlMs: 40 });
    clock.advance(40);
    assert.deepEqual(state.entries(), [
      { key: "stays", value: [1], ttlMs: undefined },
      { key: "goes", value: 1, ttlMs: 60 },
    ]);
  });
});

function keysOf(state: MemoryState): string[] {
  return state.entries().map(({ key }) => key);
}
