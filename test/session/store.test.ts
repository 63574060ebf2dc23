// Bodies of messages (src/session/store.ts): where they are kept, what it costs, and that it is given back.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryBudget } from "../../src/session/environment.ts";
import { BodyStore, memoryThresholdBytes, StorageFull } from "../../src/session/store.ts";
import { turns } from "../hooks/fake-clock.ts";
import { FakeSpools, makeEnvironment, textOf } from "./fixtures.ts";
import type { TestEnvironment } from "./fixtures.ts";

const chunkBytes = 65_536;

/** Writes `count` chunks of 64 KiB, each filled with its number. */
async function fill(store: BodyStore, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const pending = store.write(Buffer.alloc(chunkBytes, index % 256));
    if (pending !== undefined) await pending;
  }
}

function setUp(options: { memoryBytes?: number; spools?: FakeSpools } = {}): {
  environment: TestEnvironment;
  spools: FakeSpools;
  store: BodyStore;
} {
  const spools = options.spools ?? new FakeSpools();
  const environment = makeEnvironment({
    openSpool: spools.make,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
  });
  return { environment, spools, store: new BodyStore(environment) };
}

describe("a body", () => {
  test("stays in memory up to the threshold, written without a promise", async () => {
    const { environment, spools, store } = setUp();
    for (let index = 0; index < memoryThresholdBytes / chunkBytes; index++) {
      assert.equal(store.write(Buffer.alloc(chunkBytes)), undefined);
    }
    assert.equal(store.end(), undefined);
    assert.deepEqual([environment.memory.used, spools.opened], [memoryThresholdBytes, 0]);
    assert.equal((await textOf(store.read())).length, memoryThresholdBytes);
  });

  test("goes to the spool with the first byte past the threshold and takes no memory from then on", async () => {
    const { environment, spools, store } = setUp();
    await fill(store, memoryThresholdBytes / chunkBytes);
    await store.write(Buffer.from("x"));
    assert.deepEqual(
      [environment.memory.used, spools.opened, spools.bytes],
      [0, 1, memoryThresholdBytes + 1],
    );
  });

  test("that comes octet by octet is put together", async () => {
    const { environment, store } = setUp();
    const text = "0123456789".repeat(5_000);
    for (const octet of text.slice(0, 25_000)) assert.equal(store.write(Buffer.from(octet)), undefined);
    for (let at = 25_000; at < text.length; at += 5_000) {
      assert.equal(store.write(Buffer.from(text.slice(at, at + 5_000))), undefined);
    }
    const pieces: string[] = [];
    for await (const piece of store.read()) pieces.push(Buffer.from(piece).toString());
    assert.equal(pieces.join(""), text);
    assert.ok(pieces.length < 20, `${pieces.length} pieces`);
    assert.equal(environment.memory.used, text.length);
  });

  test("goes to the spool earlier where the memory of all sessions is used up", async () => {
    const { environment, spools, store } = setUp({ memoryBytes: 100_000 });
    await fill(store, 2);
    await store.end();
    assert.deepEqual([environment.memory.used, spools.bytes, store.size], [0, 131_072, 131_072]);
  });

  test("of 100 MB is appended in batches of bounded size", async () => {
    const { environment, spools, store } = setUp({ spools: new FakeSpools(false) });
    await fill(store, 1600);
    await store.end();
    assert.equal(store.size, 104_857_600);
    assert.equal(spools.bytes, 104_857_600);
    assert.ok(spools.largestAppend <= memoryThresholdBytes + chunkBytes);
    assert.equal(environment.memory.used, 0);
  });

  for (const [where, chunks] of [
    ["memory", 3],
    ["a spool", 40],
  ] as const) {
    test(`in ${where} can be read any number of times, and at the same time`, async () => {
      const { store } = setUp();
      await fill(store, chunks);
      await store.end();
      const texts = await Promise.all([textOf(store.read()), textOf(store.read())]);
      texts.push(await textOf(store.read()));
      for (const text of texts) {
        assert.equal(text.length, chunks * chunkBytes);
        for (let index = 0; index < chunks; index++) assert.equal(text.charCodeAt(index * chunkBytes), index);
      }
    });
  }

  test("without a spool stays in memory as long as there is any", async () => {
    const environment = makeEnvironment({ memoryBytes: 1_000_000 });
    const store = new BodyStore(environment);
    await fill(store, 15);
    assert.equal(environment.memory.used, 15 * chunkBytes);
    await assert.rejects(async () => store.write(Buffer.alloc(chunkBytes)), StorageFull);
    store.dispose();
    assert.equal(environment.memory.used, 0);
  });
});

describe("StorageFull", () => {
  test("is what a spool that cannot be opened comes to, its error the cause", async () => {
    const cause = new Error("EACCES");
    const environment = makeEnvironment({
      openSpool() {
        throw cause;
      },
    });
    const store = new BodyStore(environment);
    await fill(store, 4);
    await assert.rejects(
      async () => store.write(Buffer.from("x")),
      (error) => {
        assert.ok(error instanceof StorageFull);
        assert.equal(error.cause, cause);
        return true;
      },
    );
    store.dispose();
    assert.equal(environment.memory.used, 0);
  });

  for (const appends of [0, 1, 3]) {
    test(`is what a spool that is full after ${appends} batches comes to`, async () => {
      const spools = new FakeSpools();
      spools.appendsLeft = appends;
      const { environment, store } = setUp({ spools });
      await assert.rejects(async () => {
        await fill(store, 64);
        await store.end();
      }, StorageFull);
      store.dispose();
      assert.deepEqual([environment.memory.used, spools.open, spools.bytes], [0, 0, 0]);
    });
  }

  test("may come as late as the end", async () => {
    const spools = new FakeSpools();
    spools.appendsLeft = 1;
    const { store } = setUp({ spools });
    await fill(store, 5);
    await fill(store, 1);
    await assert.rejects(async () => store.end(), StorageFull);
  });
});

describe("everything is given back", () => {
  const paths: readonly [what: string, run: (store: BodyStore) => Promise<void> | void][] = [
    ["of a body in memory", (store) => fill(store, 3)],
    ["of a body in a spool", (store) => fill(store, 30)],
    ["of a body with a batch that was not appended yet", (store) => fill(store, 31)],
    ["of an empty body", () => undefined],
    ["when it is disposed of twice", (store) => fill(store, 3).then(() => store.dispose())],
    [
      "when it is disposed of while a batch is being appended",
      async (store) => {
        await fill(store, 4);
        const pending = store.write(Buffer.from("x"));
        store.dispose();
        await pending;
      },
    ],
    [
      "when somebody writes on afterwards, who hears of it",
      async (store) => {
        await fill(store, 2);
        store.dispose();
        await assert.rejects(async () => store.write(Buffer.alloc(chunkBytes)), /no longer kept/);
      },
    ],
  ];
  for (const [what, run] of paths) {
    test(what, async () => {
      const { environment, spools, store } = setUp();
      await run(store);
      store.dispose();
      await turns();
      assert.deepEqual([environment.memory.used, spools.open, spools.bytes], [0, 0, 0]);
    });
  }

  test("to the budget of all sessions, whichever ends first", async () => {
    const environment = makeEnvironment();
    const stores = Array.from({ length: 5 }, () => new BodyStore(environment));
    await Promise.all(stores.map((store, index) => fill(store, index)));
    assert.equal(environment.memory.used, 10 * chunkBytes);
    for (const store of stores.toReversed()) store.dispose();
    assert.equal(environment.memory.used, 0);
  });
});

describe("a body that is disposed of is not read in part for the whole:", () => {
  for (const [where, chunks] of [
    ["memory", 3],
    ["a spool", 40],
  ] as const) {
    test(`reading it from ${where} throws`, async () => {
      const { store } = setUp();
      await fill(store, chunks);
      await store.end();
      store.dispose();
      await assert.rejects(textOf(store.read()), /no longer kept/);
    });
  }

  test("reading on throws when it is disposed of meanwhile", async () => {
    const { store } = setUp();
    await fill(store, 40);
    await store.end();
    const reading = store.read();
    await reading.next();
    store.dispose();
    await assert.rejects(textOf(reading), /no longer kept/);
  });
});

test("a budget lends what it has and no more", () => {
  const budget = new MemoryBudget(100);
  assert.ok(budget.reserve(60) && budget.reserve(40));
  assert.equal(budget.reserve(1), false);
  budget.release(60);
  assert.ok(budget.reserve(1));
  assert.equal(budget.used, 41);
});
