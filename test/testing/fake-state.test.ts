// State for tests: what it shows, what it forgets, and how it fails.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Module } from "../../src/hooks/module.ts";
import { defer, reject } from "../../src/hooks/verdict.ts";
import { dialogue, expectReply, fakeClock, fakeState } from "../../src/testing/index.ts";
import { stateConformance } from "../support/state-conformance.ts";

stateConformance("the fake state", () => {
  const clock = fakeClock();
  return { store: fakeState({}, { clock }), pass: (ms) => clock.advance(ms) };
});

/** Refuses a client at its third HELO within a minute. */
const threeTries: Module = {
  name: "three-tries",
  async helo({ client, state }) {
    const tries = await state.increment(client.address, { ttlMs: 60_000 });
    if (tries > 2) return reject("5.7.1", "Too many");
  },
};

describe("the fake state", () => {
  test("shows what modules keep, under the module's name, with the time that is left", async () => {
    const clock = fakeClock();
    const state = fakeState({ "three-tries:192.0.2.1": 1, "other:key": ["a"] }, { clock });
    const smtp = await dialogue({ modules: [threeTries], clock, state });
    assert.equal(smtp.state, state);
    await smtp.say("EHLO a.example");
    await (await smtp.connect({ address: "2001:db8::1" })).say("EHLO a.example");
    await clock.advance(100);
    assert.deepEqual(state.entries, [
      { key: "other:key", value: ["a"], ttlMs: undefined },
      { key: "three-tries:192.0.2.1", value: 2, ttlMs: undefined },
      { key: "three-tries:2001:db8::1", value: 1, ttlMs: 59_900 },
    ]);
    const [refused] = await smtp.say("EHLO a.example");
    expectReply(refused, 550, "5.7.1", { by: "three-tries" });
  });

  test("is there by default, on the clock of the dialogue, for all its clients", async () => {
    const clock = fakeClock();
    const smtp = await dialogue({ modules: [threeTries], clock });
    await smtp.say("EHLO a.example", "EHLO a.example");
    const again = await smtp.connect();
    expectReply((await again.say("EHLO a.example"))[0], 550);
    assert.equal(await smtp.state.get("three-tries:192.0.2.1"), 3);
    await clock.advance(60_000);
    assert.equal(await again.state.get("three-tries:192.0.2.1"), undefined);
    expectReply((await again.say("EHLO a.example"))[0], 250);
  });

  test("is another one for each dialogue", async () => {
    for (let times = 0; times < 3; times += 1) {
      const smtp = await dialogue({ modules: [threeTries] });
      expectReply((await smtp.say("EHLO a.example"))[0], 250);
    }
  });

  test("fails while it has a failure, as a store that cannot be reached", async () => {
    const state = fakeState();
    const modules: Module[] = [
      {
        name: "keeps",
        mail: {
          onError: "continue",
          handler: async ({ state: mine }) =>
            (await mine.add("seen", true)) ? defer("4.7.1", "New") : undefined,
        },
      },
    ];
    const smtp = await dialogue({ modules, state, faults: "collect" });
    state.failure = new Error("connection lost");
    const [, down] = await smtp.say("EHLO a.example", "MAIL FROM:<>");
    expectReply(down, 250);
    assert.equal(smtp.faults[0]?.error, state.failure);
    assert.deepEqual(state.entries, []);
    state.failure = undefined;
    const [, up] = await smtp.say("RSET", "MAIL FROM:<>");
    expectReply(up, 451, "4.7.1", { by: "keeps" });
  });

  test("keeps as many entries as it is told", async () => {
    const state = fakeState({ a: 1, b: 2, c: 3 }, { maxEntries: 2 });
    await state.set("d", 4);
    assert.deepEqual(
      state.entries.map(({ key }) => key),
      ["c", "d"],
    );
  });

  test("refuses ttlMs without a clock, since nothing would ever expire", async () => {
    const state = fakeState();
    const wanted = {
      name: "TypeError",
      message: /ttlMs wants the option clock, fakeState\(\{\}, \{ clock \}\)/,
    };
    await assert.rejects(state.set("key", 1, { ttlMs: 1 }), wanted);
    await assert.rejects(state.add("key", 1, { ttlMs: 1 }), wanted);
    await assert.rejects(state.increment("key", { ttlMs: 1 }), wanted);
    await assert.rejects(
      dialogue({ modules: [threeTries], state }).then((smtp) => smtp.say("EHLO a.example")),
      /ttlMs wants/,
    );
  });

  test("refuses what is no JSON, at once or later", async () => {
    // As somebody without a compiler would
    const date = new Date(0) as unknown as string;
    assert.throws(() => fakeState({ key: date }), TypeError);
    await assert.rejects(fakeState().set("key", date), TypeError);
  });
});
