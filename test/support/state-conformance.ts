// What every store of state keeps to, as modules see it: through the part of it that an event gives them. Run for each
// store there is; how a store is opened, and how time passes for it, is the caller's.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { State, StateValue } from "../../src/hooks/environment.ts";
import { maxKeyCharacters, moduleState } from "../../src/session/module-state.ts";

/** An empty store. */
export interface StateStand {
  readonly store: State;
  /** Makes milliseconds pass for the store. */
  pass(ms: number): void | Promise<void>;
  close?(): void | Promise<void>;
}

const values: readonly [what: string, value: StateValue][] = [
  ["null", null],
  ["false", false],
  ["zero", 0],
  ["a fraction", -1.5],
  ["a large number", Number.MAX_SAFE_INTEGER],
  ["an empty text", ""],
  ["text", 'Grüße 🦆 "quoted" \\ \r\n'],
  ["digits as text", "12"],
  ["long text", "x".repeat(100_000)],
  ["an empty list", []],
  ["a list", [1, "two", null, [false]]],
  ["an object", { seen: 3, by: { name: "a", at: [1, 2] }, none: null, "": 0 }],
  ["an object with __proto__ as a key", JSON.parse('{"__proto__":{"seen":1}}') as StateValue],
];

const keys = ["a", "with blanks", "a:b", "%", "*", "?", "\\", "'", '"', "x\r\ny", "Grüße 🦆", "__proto__"];

/** Declares the tests of a store. `open` is called once for each. */
export function stateConformance(name: string, open: () => StateStand | Promise<StateStand>): void {
  const stand = async (t: TestContext) => {
    const opened = await open();
    t.after(() => opened.close?.());
    return {
      state: moduleState(opened.store, "one"),
      other: moduleState(opened.store, "two"),
      pass: async (ms: number) => opened.pass(ms),
    };
  };

  describe(`${name} keeps values:`, () => {
    for (const [what, value] of values) {
      test(what, async (t) => {
        const { state } = await stand(t);
        await state.set("key", value);
        assert.deepEqual(await state.get("key"), value);
        assert.equal(await state.add("added", value), true);
        assert.deepEqual(await state.get("added"), value);
      });
    }

    test("nothing, where nothing was set", async (t) => {
      const { state } = await stand(t);
      assert.equal(await state.get("key"), undefined);
    });

    test("the latest", async (t) => {
      const { state } = await stand(t);
      await state.set("key", [1]);
      await state.set("key", "two");
      assert.equal(await state.get("key"), "two");
    });

    test("as they were, whatever becomes of what was given", async (t) => {
      const { state } = await stand(t);
      const list = [1];
      const given = { list };
      const kept = [state.set("set", given), state.add("added", given)];
      list.push(2);
      await Promise.all(kept);
      list.push(3);
      assert.deepEqual(await state.get("set"), { list: [1] });
      assert.deepEqual(await state.get("added"), { list: [1] });
    });
  });

  describe(`${name} tells keys apart:`, () => {
    test("of any characters, and of any case", async (t) => {
      const { state } = await stand(t);
      const all = [...keys, "A", "x".repeat(maxKeyCharacters), `${"x".repeat(maxKeyCharacters - 1)}y`];
      for (const [at, key] of all.entries()) await state.set(key, at);
      for (const [at, key] of all.entries()) assert.equal(await state.get(key), at, key);
      for (const key of all) assert.equal(await state.delete(key), true, key);
    });

    test("of modules, in each of its calls", async (t) => {
      const { state, other } = await stand(t);
      await state.set("key", 1);
      assert.equal(await other.get("key"), undefined);
      assert.equal(await other.delete("key"), false);
      assert.equal(await other.increment("key"), 1);
      assert.equal(await other.delete("key"), true);
      assert.equal(await other.add("key", "other"), true);
      await other.set("key", "another");
      assert.equal(await state.get("key"), 1);
      assert.equal(await other.get("one:key"), undefined);
    });
  });

  describe(`${name} adds`, () => {
    test("only where there is nothing", async (t) => {
      const { state } = await stand(t);
      assert.equal(await state.add("key", 1), true);
      assert.equal(await state.add("key", 2), false);
      assert.equal(await state.get("key"), 1);
      await state.delete("key");
      assert.equal(await state.add("key", 3), true);
      assert.equal(await state.get("key"), 3);
    });

    test("one of several at once", async (t) => {
      const { state } = await stand(t);
      const added = await Promise.all(Array.from({ length: 10 }, (_, at) => state.add("key", at)));
      assert.equal(added.filter(Boolean).length, 1);
      assert.equal(await state.get("key"), added.indexOf(true));
    });
  });

  test(`${name} forgets what is deleted, and tells whether there was something`, async (t) => {
    const { state } = await stand(t);
    assert.equal(await state.delete("key"), false);
    await state.set("key", null);
    assert.equal(await state.delete("key"), true);
    assert.equal(await state.get("key"), undefined);
    assert.equal(await state.delete("key"), false);
  });

  describe(`${name} counts`, () => {
    test("from 0, in any steps", async (t) => {
      const { state } = await stand(t);
      assert.equal(await state.increment("key"), 1);
      assert.equal(await state.increment("key", { by: 41 }), 42);
      assert.equal(await state.increment("key", { by: -50 }), -8);
      assert.equal(await state.increment("key", { by: 0 }), -8);
      assert.equal(await state.get("key"), -8);
    });

    test("on from a number that was set", async (t) => {
      const { state } = await stand(t);
      await state.set("key", 9);
      assert.equal(await state.increment("key"), 10);
      await state.set("key", 3);
      assert.equal(await state.increment("key"), 4);
    });

    test("each of several at once", async (t) => {
      const { state } = await stand(t);
      const sums = await Promise.all(Array.from({ length: 20 }, () => state.increment("key")));
      assert.deepEqual(
        sums.toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, at) => at + 1),
      );
    });

    for (const value of ["12", null, true, [1], { count: 1 }]) {
      test(`no ${JSON.stringify(value)}: TypeError, and the value stays`, async (t) => {
        const { state } = await stand(t);
        await state.set("key", value);
        await assert.rejects(state.increment("key"), TypeError);
        assert.deepEqual(await state.get("key"), value);
      });
    }
  });

  describe(`${name} forgets`, () => {
    test("at the end of ttlMs, and no millisecond before", async (t) => {
      const { state, pass } = await stand(t);
      await state.set("set", 1, { ttlMs: 1_000 });
      await state.add("added", 1, { ttlMs: 1_000 });
      await state.increment("counted", { ttlMs: 1_000 });
      await state.set("stays", 1);
      await pass(999);
      for (const key of ["set", "added", "counted"]) assert.equal(await state.get(key), 1, key);
      await pass(1);
      for (const key of ["set", "added", "counted"]) assert.equal(await state.get(key), undefined, key);
      assert.equal(await state.get("stays"), 1);
    });

    test("for every call", async (t) => {
      const { state, pass } = await stand(t);
      for (const key of ["add", "delete", "increment"]) await state.set(key, 5, { ttlMs: 1_000 });
      await pass(1_000);
      assert.equal(await state.add("add", 6), true);
      assert.equal(await state.delete("delete"), false);
      assert.equal(await state.increment("increment"), 1);
      await pass(1_000_000);
      assert.equal(await state.get("add"), 6);
      assert.equal(await state.get("increment"), 1);
    });

    test("by the latest set: another time, or none", async (t) => {
      const { state, pass } = await stand(t);
      await state.set("longer", 1, { ttlMs: 1_000 });
      await state.set("ever", 1, { ttlMs: 1_000 });
      await pass(500);
      await state.set("longer", 2, { ttlMs: 1_000 });
      await state.set("ever", 2);
      await pass(999);
      assert.equal(await state.get("longer"), 2);
      await pass(1);
      assert.equal(await state.get("longer"), undefined);
      assert.equal(await state.get("ever"), 2);
    });

    test("by the add that succeeded", async (t) => {
      const { state, pass } = await stand(t);
      await state.add("key", 1, { ttlMs: 1_000 });
      assert.equal(await state.add("key", 2, { ttlMs: 5_000 }), false);
      await pass(1_000);
      assert.equal(await state.get("key"), undefined);
    });

    test("a count when the window of its first call ends, and begins another", async (t) => {
      const { state, pass } = await stand(t);
      const hit = () => state.increment("key", { ttlMs: 1_000 });
      assert.equal(await hit(), 1);
      await pass(600);
      assert.equal(await hit(), 2);
      await pass(399);
      assert.equal(await hit(), 3);
      await pass(1);
      assert.equal(await hit(), 1);
      await pass(999);
      assert.equal(await hit(), 2);
    });

    test("no count that began without ttlMs, whatever later calls say", async (t) => {
      const { state, pass } = await stand(t);
      await state.increment("key");
      assert.equal(await state.increment("key", { ttlMs: 1_000 }), 2);
      await pass(1_000_000);
      assert.equal(await state.get("key"), 2);
    });
  });
}
