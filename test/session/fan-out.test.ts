// The body for many hooks at once (src/session/fan-out.ts): everybody sees the same bytes, the slowest sets the pace,
// nobody can hold it up for longer than its time. What faults cost the session: test/faults/body.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { composeChain } from "../../src/hooks/chain.ts";
import type { HookCall } from "../../src/hooks/run.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { BodyEvent } from "../../src/hooks/stages.ts";
import { quarantine, reject } from "../../src/hooks/verdict.ts";
import { FanOut, readerQueueBytes } from "../../src/session/fan-out.ts";
import { turns } from "../hooks/fake-clock.ts";
import { FakeContext } from "../hooks/fake-context.ts";

const never = new Promise<never>(() => undefined);
type Stream = AsyncIterator<Uint8Array, undefined> & AsyncIterable<Uint8Array>;

interface Rig {
  readonly context: FakeContext;
  readonly fanOut: FanOut;
  /** By module name. */
  readonly streams: Record<string, Stream>;
  readonly calls: Record<string, HookCall>;
  said(): string;
}

/** Starts body hooks, named a, b, c by their place. */
function start(
  ...hooks: readonly ((event: BodyEvent & { readonly chunks: AsyncIterable<Uint8Array> }) => unknown)[]
): Rig {
  const context = new FakeContext();
  const modules = hooks.map((body, index) => ({ name: "abc".charAt(index), body }) as AnyModule);
  const fanOut = new FanOut(context);
  const streams: Rig["streams"] = {};
  const calls: Rig["calls"] = {};
  fanOut.start(composeChain(modules).taps.body, (call, chunks) => {
    streams[call.tap.module] = chunks as Stream;
    calls[call.tap.module] = call;
    return { chunks } as BodyEvent;
  });
  return {
    context,
    fanOut,
    streams,
    calls,
    said() {
      const { said } = fanOut;
      if (said === undefined) return "nobody";
      const kind = typeof said.answer === "string" ? said.answer : said.answer.kind;
      return `${said.module} ${kind}${said.fault ? " fault" : ""}`;
    },
  };
}

/** Leaves the stream to the test. */
const byHand = (): Promise<never> => never;
const full = Buffer.alloc(readerQueueBytes + 1);

/** Whether a promise has settled. */
async function isSettled(pending: void | Promise<void>): Promise<boolean> {
  let settled = pending === undefined;
  void pending?.then(() => {
    settled = true;
  });
  await turns();
  return settled;
}

async function readAll({ chunks }: BodyEvent): Promise<number> {
  let seen = 0;
  for await (const { length } of chunks) seen += length;
  return seen;
}

describe("readers", () => {
  test("each get all pieces in order, then the end", async () => {
    const heard: string[] = [];
    const listen =
      (name: string) =>
      async ({ chunks }: BodyEvent): Promise<void> => {
        for await (const chunk of chunks) heard.push(`${name}${Buffer.from(chunk).toString()}`);
        heard.push(`${name}.`);
      };
    const { fanOut, said } = start(listen("a"), listen("b"));
    for (const piece of ["1", "2", "3"]) {
      assert.equal(fanOut.write(Buffer.from(piece)), undefined);
      await turns();
    }
    await fanOut.end();
    assert.deepEqual(heard, ["a1", "b1", "a2", "b2", "a3", "b3", "a.", "b."]);
    assert.equal(said(), "nobody");
  });

  test("that are quick make nobody wait", async () => {
    const { fanOut } = start(readAll, readAll);
    for (let piece = 0; piece < 20; piece++) {
      await turns();
      assert.equal(fanOut.write(full), undefined);
    }
    await fanOut.end();
  });

  test("may ask ahead: what comes goes to the oldest question", async () => {
    const { fanOut, streams } = start(byHand);
    const stream = streams["a"] ?? assert.fail();
    const asked = [stream.next(), stream.next(), stream.next()];
    void fanOut.write(Buffer.from("1"));
    void fanOut.write(Buffer.from("2"));
    void fanOut.end();
    const results = await Promise.all(asked);
    assert.deepEqual(
      results.map((result) => [result.done, result.value?.toString()]),
      [
        [false, "1"],
        [false, "2"],
        [true, undefined],
      ],
    );
  });

  test("that have answered at once see nothing and cost nothing", () => {
    const { fanOut } = start(() => undefined);
    assert.equal(fanOut.write(full), undefined);
    assert.equal(fanOut.write(full), undefined);
    assert.equal(fanOut.end(), undefined);
  });

  test("without any: nothing is waited for", () => {
    const { fanOut, said } = start();
    assert.equal(fanOut.write(full), undefined);
    assert.equal(fanOut.end(), undefined);
    assert.equal(said(), "nobody");
  });
});

describe("the slowest reader sets the pace:", () => {
  test("past a bound the writer waits for it, and only for it", async () => {
    const { fanOut, streams } = start(readAll, byHand);
    assert.equal(fanOut.write(Buffer.alloc(readerQueueBytes)), undefined);
    const pending = fanOut.write(Buffer.alloc(1));
    assert.ok(!(await isSettled(pending)));
    await streams["b"]?.next();
    assert.ok(await isSettled(pending));
  });

  test("the writer goes on when the reader leaves", async () => {
    const { fanOut, streams } = start(byHand);
    const pending = fanOut.write(full);
    assert.ok(!(await isSettled(pending)));
    await streams["a"]?.return?.();
    assert.ok(await isSettled(pending));
    assert.equal(fanOut.write(full), undefined);
  });

  test("the writer goes on when the reader answers", async () => {
    const answer = Promise.withResolvers<undefined>();
    const { fanOut } = start(() => answer.promise);
    const pending = fanOut.write(full);
    assert.ok(!(await isSettled(pending)));
    answer.resolve(undefined);
    assert.ok(await isSettled(pending));
  });

  test("the writer goes on when the reader has lost its time", async () => {
    const { fanOut, context, said, calls } = start(byHand);
    const pending = fanOut.write(full);
    const signal = calls["a"]?.signal;
    context.clock.advance(30_000);
    assert.ok(await isSettled(pending));
    assert.equal(said(), "a defer fault");
    assert.deepEqual([context.reasons, signal?.aborted, context.clock.pending], [["timeout"], true, 0]);
  });

  test("the writer goes on when another refuses: nobody need see the rest", async () => {
    const refusal = Promise.withResolvers<unknown>();
    const { fanOut, said } = start(byHand, () => refusal.promise);
    const pending = fanOut.write(full);
    assert.ok(!(await isSettled(pending)));
    refusal.resolve(reject("5.7.1", "No"));
    assert.ok(await isSettled(pending));
    assert.equal(said(), "b reject");
  });

  test("the writer waits on when another only wants quarantine", async () => {
    const wish = Promise.withResolvers<unknown>();
    const { fanOut, streams } = start(byHand, () => wish.promise);
    const pending = fanOut.write(full);
    wish.resolve(quarantine("odd"));
    assert.ok(!(await isSettled(pending)));
    await streams["a"]?.next();
    assert.ok(await isSettled(pending));
  });

  test("its time counts only while it is waited for", async () => {
    const { fanOut, context, streams, said } = start(byHand);
    context.clock.advance(1_000_000);
    for (let round = 0; round < 3; round++) {
      const pending = fanOut.write(full);
      await turns();
      context.clock.advance(9_000);
      await streams["a"]?.next();
      assert.ok(await isSettled(pending));
      context.clock.advance(1_000_000);
    }
    assert.equal(said(), "nobody");
    const pending = fanOut.write(full);
    context.clock.advance(2_999);
    assert.ok(!(await isSettled(pending)));
    context.clock.advance(1);
    assert.ok(await isSettled(pending));
    assert.equal(said(), "a defer fault");
  });
});

describe("at the end", () => {
  test("everybody is heard, in module order", async () => {
    const late = Promise.withResolvers<unknown>();
    const { fanOut, said } = start(
      () => late.promise,
      () => reject("5.7.2", "B"),
    );
    const pending = fanOut.end();
    assert.ok(!(await isSettled(pending)), "an earlier module may still refuse");
    late.resolve(reject("5.7.1", "A"));
    assert.ok(await isSettled(pending));
    assert.equal(said(), "a reject");
  });

  test("nobody behind a refusal is waited for", async () => {
    const { fanOut, said } = start(
      () => undefined,
      () => reject("5.7.1", "No"),
      byHand,
    );
    assert.equal(fanOut.end(), undefined);
    assert.equal(said(), "b reject");
  });

  test("a refusal counts more than an earlier quarantine, which counts more than nothing", async () => {
    const first = start(
      () => quarantine("x"),
      () => reject("5.7.1", "No"),
    );
    assert.equal(first.said(), "b reject");
    const second = start(
      () => undefined,
      () => quarantine("x"),
      () => quarantine("y"),
    );
    assert.equal(second.said(), "b quarantine");
  });

  test("a hook that left its stream long ago is still heard", async () => {
    const { fanOut, said } = start(async ({ chunks }) => {
      for await (const _chunk of chunks) break;
      await turns();
      return reject("5.7.1", "No");
    });
    void fanOut.write(full);
    await turns();
    void fanOut.write(full);
    await fanOut.end();
    assert.equal(said(), "a reject");
  });

  test("a hook that does not end has its time, then it is a fault", async () => {
    const { fanOut, context, said } = start(byHand);
    const pending = fanOut.end();
    context.clock.advance(29_999);
    assert.ok(!(await isSettled(pending)));
    context.clock.advance(1);
    assert.ok(await isSettled(pending));
    assert.equal(said(), "a defer fault");
  });

  test("a stream says so a few times; who asks on waits and cannot spin", async () => {
    const { fanOut, streams } = start(byHand);
    void fanOut.end();
    let answers = 0;
    for (let question = 0; question < 100; question++) void streams["a"]?.next().then(() => (answers += 1));
    await turns();
    assert.ok(answers >= 1 && answers < 100, `${answers} answers`);
  });
});

describe("a message that is given up", () => {
  test("ends all streams, aborts the signals, and wakes the writer", async () => {
    const { fanOut, streams, calls, context } = start(byHand, byHand);
    const signal = calls["a"]?.signal;
    const reading = streams["b"]?.next();
    const pending = fanOut.write(full);
    await reading;
    const asked = streams["b"]?.next();
    fanOut.abandon("The client is gone");
    assert.ok(await isSettled(pending));
    assert.equal((await streams["a"]?.next())?.done, true, "what was waiting to be read is dropped");
    assert.equal((await asked)?.done, true);
    assert.ok(signal?.aborted);
    assert.equal(context.clock.pending, 0);
    assert.equal(fanOut.write(full), undefined);
    assert.equal(fanOut.end(), undefined);
  });

  const afterwards: readonly [what: string, hook: () => { promise: Promise<unknown>; end: () => void }][] = [
    [
      "rejects",
      () => {
        const { promise, reject: fail } = Promise.withResolvers<unknown>();
        return { promise, end: () => fail(new Error("aborted")) };
      },
    ],
    [
      "answers nonsense",
      () => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        return { promise, end: () => resolve(42) };
      },
    ],
    ["never ends", () => ({ promise: never, end: () => undefined })],
  ];
  for (const [what, hook] of afterwards) {
    test(`is no fault of a hook that then ${what}`, async () => {
      const { promise, end } = hook();
      const { fanOut, context, said } = start(() => promise);
      const pending = fanOut.write(full);
      await turns();
      fanOut.abandon("The client is gone");
      end();
      assert.ok(await isSettled(pending));
      context.clock.advance(60_000);
      assert.deepEqual([context.reasons, said()], [[], "nobody"]);
    });
  }
});
