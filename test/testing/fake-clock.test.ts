// The clock that tests move: what fires, when, and in which order.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeClock } from "../../src/testing/index.ts";

describe("the fake clock", () => {
  test("stands still at the time it was given", () => {
    assert.equal(fakeClock().now(), Date.UTC(2026, 0, 1));
    assert.equal(fakeClock({ now: new Date(1_000) }).now(), 1_000);
    assert.equal(fakeClock({ now: 5 }).monotonic(), 0);
  });

  test("fires deadlines in the order of their times, each at its time", async () => {
    const clock = fakeClock({ now: 0 });
    const fired: string[] = [];
    for (const ms of [300, 100, 200]) clock.after(ms, () => fired.push(`${ms} at ${clock.now()}`));
    clock.after(100, () => fired.push("100 too"));
    await clock.advance(250);
    assert.deepEqual(fired, ["100 at 100", "100 too", "200 at 200"]);
    assert.equal(clock.now(), 250);
    assert.deepEqual(clock.pending, [50]);
    await clock.advance(50);
    assert.equal(fired.at(-1), "300 at 300");
  });

  test("fires what promises set on the way", async () => {
    const clock = fakeClock();
    const at: number[] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
    const run = async () => {
      for (let turn = 0; turn < 3; turn += 1) {
        await sleep(100);
        at.push(clock.elapsedMs);
      }
    };
    const running = run();
    await clock.advance(1_000);
    await running;
    assert.deepEqual(at, [100, 200, 300]);
  });

  test("fires nothing that was cancelled", async () => {
    const clock = fakeClock();
    const cancel = clock.after(10, () => assert.fail("cancelled"));
    clock.after(5, cancel);
    await clock.advance(20);
    assert.deepEqual(clock.pending, []);
  });

  test("adds up calls that overlap", async () => {
    const clock = fakeClock();
    const fired: number[] = [];
    clock.after(150, () => fired.push(clock.elapsedMs));
    await Promise.all([clock.advance(100), clock.advance(100)]);
    assert.deepEqual(fired, [150]);
    assert.equal(clock.elapsedMs, 200);
  });

  test("rejects with what a callback throws, and goes on from there", async () => {
    const clock = fakeClock();
    clock.after(10, () => {
      throw new RangeError("oops");
    });
    clock.after(20, () => undefined);
    await assert.rejects(clock.advance(100), RangeError);
    assert.equal(clock.elapsedMs, 10);
    await clock.advance(10);
    assert.deepEqual(clock.pending, []);
  });

  test("ends on a callback that sets itself again at once", async () => {
    const clock = fakeClock();
    const again = (): void => void clock.after(0, again);
    again();
    await assert.rejects(clock.advance(1), /no end/);
  });

  for (const ms of [-1, NaN, Infinity]) {
    test(`refuses to advance by ${ms}`, async () => {
      await assert.rejects(fakeClock().advance(ms), TypeError);
    });
  }
});
