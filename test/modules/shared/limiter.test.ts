// Work that waits for room, back ends that are asked within a time, optional packages (src/modules/shared/).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BackEndTimeout, within } from "../../../src/modules/shared/back-end.ts";
import { Limiter } from "../../../src/modules/shared/limiter.ts";
import { peerProblem } from "../../../src/modules/shared/peer-package.ts";
import { fakeClock } from "../../../src/testing/fake-clock.ts";

const never = new AbortController().signal;

/** Pieces of work that end when the test says so. */
function works(count: number) {
  const begun: number[] = [];
  const parts = Array.from({ length: count }, () => Promise.withResolvers<number>());
  return {
    begun,
    work: (index: number) => () => {
      begun.push(index);
      return parts[index]?.promise ?? Promise.reject(new Error("no such work"));
    },
    end: (index: number) => parts[index]?.resolve(index),
    fail: (index: number) => parts[index]?.reject(new Error(`work ${index}`)),
  };
}

describe("a limiter", () => {
  test("begins as much as there is room for, the rest in order as others end or fail", async () => {
    const limiter = new Limiter(2);
    const { begun, work, end, fail } = works(4);
    const done = [0, 1, 2, 3].map((index) => limiter.run(never, work(index)));
    assert.deepEqual(begun, [0, 1]);
    assert.equal(limiter.waiting, 2);
    fail(1);
    await assert.rejects(done[1] ?? Promise.resolve(), /work 1/);
    assert.deepEqual(begun, [0, 1, 2]);
    end(0);
    assert.equal(await done[0], 0);
    end(2);
    end(3);
    assert.deepEqual(await Promise.all([done[2], done[3]]), [2, 3]);
    assert.equal(limiter.running, 0);
  });

  test("forgets who gives up while he waits", async () => {
    const limiter = new Limiter(1);
    const { begun, work, end } = works(3);
    const first = limiter.run(never, work(0));
    const impatient = new AbortController();
    const second = limiter.run(impatient.signal, work(1));
    const third = limiter.run(never, work(2));
    impatient.abort(new Error("enough"));
    await assert.rejects(second, /enough/);
    end(0);
    end(2);
    assert.deepEqual(await Promise.all([first, third]), [0, 2]);
    assert.deepEqual(begun, [0, 2]);
  });

  test("gives the place of abandoned work away only when it has ended", async () => {
    const limiter = new Limiter(1);
    const { begun, work, end } = works(2);
    const impatient = new AbortController();
    const first = limiter.run(impatient.signal, work(0));
    const second = limiter.run(never, work(1));
    impatient.abort(new Error("enough"));
    await assert.rejects(first, /enough/);
    assert.deepEqual(begun, [0]);
    end(0);
    end(1);
    assert.equal(await second, 1);
    assert.equal(limiter.running, 0);
  });

  test("outlives work that throws at once", async () => {
    const limiter = new Limiter(1);
    const thrower = (): Promise<never> => {
      throw new Error("at once");
    };
    await assert.rejects(limiter.run(never, thrower), /at once/);
    assert.equal(await limiter.run(never, () => Promise.resolve(1)), 1);
  });
});

describe("a back end that is asked within a time", () => {
  test("is given up by the clock, and the work hears of it", async () => {
    const clock = fakeClock();
    const heard: unknown[] = [];
    const answer = within({ clock, signal: never }, 500, (signal) => {
      signal.addEventListener("abort", () => heard.push(signal.reason));
      return new Promise(() => undefined);
    });
    const rejected = assert.rejects(answer, { name: "BackEndTimeout", message: "no answer within 500 ms" });
    await clock.advance(499);
    assert.equal(heard.length, 0);
    await clock.advance(1);
    await rejected;
    assert.ok(heard[0] instanceof BackEndTimeout);
    assert.deepEqual(clock.pending, []);
  });

  test("is given up with the event", async () => {
    const clock = fakeClock();
    const gone = new AbortController();
    const answer = within({ clock, signal: gone.signal }, 500, () => new Promise(() => undefined));
    gone.abort(new Error("gone"));
    await assert.rejects(answer, /gone/);
    assert.deepEqual(clock.pending, []);
  });

  test("leaves no timer behind when it answers or fails", async () => {
    const clock = fakeClock();
    assert.equal(await within({ clock, signal: never }, 500, () => Promise.resolve(7)), 7);
    await assert.rejects(
      within({ clock, signal: never }, 500, () => Promise.reject(new Error("down"))),
      /down/,
    );
    assert.deepEqual(clock.pending, []);
  });
});

test("a package that is not installed is named with the command that installs it", () => {
  assert.equal(peerProblem("ldapts"), undefined);
  assert.equal(
    peerProblem("not-installed"),
    "needs the package not-installed, which is not installed: npm install not-installed",
  );
});
