// What stands between a module and a store: the module's name, and a check of what is asked for that is the same
// whatever the store.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { State, StateOptions, StateValue } from "../../src/hooks/environment.ts";
import { MemoryState } from "../../src/hosts/state.ts";
import { maxKeyCharacters, moduleState } from "../../src/session/module-state.ts";

/** Says it does everything, and keeps what it was told. */
function recordingStore(): { readonly store: State; readonly told: readonly unknown[][] } {
  const told: unknown[][] = [];
  const tell =
    <T>(call: string, answer: T) =>
    (...args: readonly unknown[]): Promise<T> => {
      told.push([call, ...args]);
      return Promise.resolve(answer);
    };
  const store = {
    get: tell("get", undefined),
    set: tell("set", undefined),
    add: tell("add", true),
    delete: tell("delete", true),
    increment: tell("increment", 1),
  };
  return { store, told };
}

describe("what a store is told", () => {
  test("has the module's name before each key, and all options in order", async () => {
    const { store, told } = recordingStore();
    const { get, set, add, delete: forget, increment } = moduleState(store, "greylist");
    await get("a:b");
    await set("key", 1);
    await add("key", 2, { ttlMs: 0.2 });
    await forget("key");
    await increment("key");
    await increment("key", { by: -3, ttlMs: 1_000.5 });
    assert.deepEqual(told, [
      ["get", "greylist:a:b"],
      ["set", "greylist:key", 1, {}],
      ["add", "greylist:key", 2, { ttlMs: 1 }],
      ["delete", "greylist:key"],
      ["increment", "greylist:key", { by: 1 }],
      ["increment", "greylist:key", { by: -3, ttlMs: 1_001 }],
    ]);
  });

  test("is a value that nobody can change, down to its parts", async () => {
    const { store, told } = recordingStore();
    const list = [{ name: "a" }];
    await moduleState(store, "one").set("key", { list });
    const kept = told[0]?.[2] as { readonly list: readonly { name: string }[] };
    assert.deepEqual(kept, { list: [{ name: "a" }] });
    assert.ok([kept, kept.list, kept.list[0]].every((part) => Object.isFrozen(part)));
    assert.ok(!Object.isFrozen(list));
  });
});

describe("a TypeError, and nothing told to the store, for", () => {
  class Thing {
    readonly name = "a";
  }
  const circle: Record<string, unknown> = {};
  circle["itself"] = { circle };
  const noJson: readonly [what: string, value: unknown, message: RegExp][] = [
    ["undefined", undefined, /want JSON as value, found undefined/],
    ["NaN", Number.NaN, /found number/],
    ["an endless number", [1, Infinity], /want JSON as value\[1\], found number/],
    ["a bigint", 1n, /found bigint/],
    ["a function", { on: { hit: () => 1 } }, /want JSON as value\.on\.hit, found function/],
    ["a date", new Date(0), /an object that is not plain/],
    ["a Map", new Map(), /an object that is not plain/],
    ["bytes", Buffer.from("x"), /an object that is not plain/],
    ["an object of a class", new Thing(), /an object that is not plain/],
    ["a promise", Promise.resolve(1), /an object that is not plain/],
    ["a list with a hole", Array.from({ length: 2 }), /value\[0\], found undefined/],
    ["a circle", circle, /a circle/],
  ];
  for (const [what, value, message] of noJson) {
    test(`${what} as value`, async () => {
      const { store, told } = recordingStore();
      const state = moduleState(store, "one");
      // As somebody without a compiler would
      for (const keep of [state.set, state.add]) {
        await assert.rejects(keep("key", value as StateValue), { name: "TypeError", message });
      }
      assert.deepEqual(told, []);
    });
  }

  for (const key of ["", "x".repeat(maxKeyCharacters + 1), 5, undefined, null]) {
    test(`${typeof key === "string" ? `${key.length} characters` : String(key)} as key`, async () => {
      const { store, told } = recordingStore();
      const state = moduleState(store, "one");
      const asKey = key as string;
      const calls = [
        () => state.get(asKey),
        () => state.set(asKey, 1),
        () => state.add(asKey, 1),
        () => state.delete(asKey),
        () => state.increment(asKey),
      ];
      for (const call of calls) await assert.rejects(call(), TypeError);
      assert.deepEqual(told, []);
    });
  }

  for (const ttlMs of [0, -1, Number.NaN, Infinity, "1000", null]) {
    test(`${JSON.stringify(ttlMs) ?? ""} (${String(ttlMs)}) as ttlMs`, async () => {
      const { store, told } = recordingStore();
      const state = moduleState(store, "one");
      const options = { ttlMs } as StateOptions;
      for (const call of [
        () => state.set("key", 1, options),
        () => state.add("key", 1, options),
        () => state.increment("key", options),
      ])
        await assert.rejects(call(), { name: "TypeError", message: /want ttlMs in milliseconds/ });
      assert.deepEqual(told, []);
    });
  }

  for (const by of [0.5, Number.NaN, Infinity, 2 ** 53, "1", null]) {
    test(`${String(by)} as by`, async () => {
      const { store, told } = recordingStore();
      await assert.rejects(moduleState(store, "one").increment("key", { by: by as number }), TypeError);
      assert.deepEqual(told, []);
    });
  }
});

test("what a store fails with is what the module's call rejects with", async () => {
  const failure = new Error("connection lost");
  const fail = (): never => {
    throw failure;
  };
  const store = { get: fail, set: fail, add: fail, delete: fail, increment: fail };
  await assert.rejects(moduleState(store, "one").get("key"), failure);
});

test("what get gives cannot be changed in the store", async () => {
  const state = moduleState(new MemoryState(), "one");
  await state.set("key", [1]);
  const got = (await state.get("key")) as number[];
  assert.throws(() => got.push(2), TypeError);
  assert.deepEqual(await state.get("key"), [1]);
});
