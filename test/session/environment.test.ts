// State and fetch as hooks get them: each module its own part of the state, for as long as the server lives; requests that
// end with the hook's time or with the client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Fetch } from "../../src/hooks/environment.ts";
import type { AnyModule, Module } from "../../src/hooks/module.ts";
import type { FaultReport } from "../../src/hooks/report.ts";
import { reject, reply } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import { MemoryState } from "../../src/hosts/state.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";

/** Counts clients by EHLO name. */
function counting(name: string): Module {
  return {
    name,
    async helo({ helo, state }) {
      const count = await state.increment(helo.name, { ttlMs: 60_000 });
      if (count > 1) return reject("5.7.1", `${name}: ${count}`);
    },
  };
}

describe("the state of a module", () => {
  test("outlives sessions and expires on the server's clock", async () => {
    const clock = new FakeClock();
    const server = createMemoryServer({ modules: [counting("one")], clock });
    const hello = () => server.connect().say("EHLO a.example\r\n");
    assert.match(await hello(), /^250-/m);
    clock.advance(59_999);
    assert.match(await hello(), /^550 5\.7\.1 one: 2$/m);
    clock.advance(1);
    assert.match(await hello(), /^250-/m);
  });

  test("is not that of another module, nor of another server", async () => {
    const modules = [counting("one"), counting("two")];
    for (let servers = 0; servers < 2; servers += 1) {
      assert.match(await createMemoryServer({ modules }).connect().say("EHLO a.example\r\n"), /^250-/m);
    }
  });

  test("may be kept by a store of the host, be it for several servers", async () => {
    const state = new MemoryState();
    const modules = [counting("one")];
    const hello = () => createMemoryServer({ modules, state }).connect().say("EHLO a.example\r\n");
    assert.match(await hello(), /^250-/m);
    assert.match(await hello(), /^550 5\.7\.1 one: 2$/m);
    assert.equal(await state.get("one:a.example"), 2);
  });

  test("makes the module's hook fail when the store does", async () => {
    const fail = (): never => {
      throw new Error("connection lost");
    };
    const state = { get: fail, set: fail, add: fail, delete: fail, increment: fail };
    const server = createMemoryServer({ modules: [counting("one")], state });
    assert.match(await server.connect().say("EHLO a.example\r\n"), /^451 4\.3\.0 /m);
  });
});

/** Answers nothing, and tells which signal each request had. */
function silentFetch(): { readonly fetch: Fetch; readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  return {
    signals,
    fetch: (_url, init) => {
      const { signal } = init ?? {};
      assert.ok(signal instanceof AbortSignal);
      signals.push(signal);
      return new Promise((_resolve, giveUp) => {
        signal.addEventListener("abort", () => giveUp(signal.reason as Error));
      });
    },
  };
}

/** Asks a server at NOOP and says what it said. */
function asking(init?: RequestInit): AnyModule {
  return {
    name: "asks",
    noop: {
      timeout: 1_000,
      async handler({ fetch }) {
        const response = await fetch("https://check.example/?q=1", init);
        return reply(250, "2.0.0", await response.text());
      },
    },
  };
}

describe("the fetch of a hook", () => {
  test("asks the host's, with what was given, and a signal", async () => {
    const asked: unknown[] = [];
    const fetch: Fetch = (url, { signal, ...init } = {}) => {
      asked.push([url, init, signal?.aborted]);
      return Promise.resolve(new Response("known"));
    };
    const init = { method: "POST", body: "anna", headers: { "x-key": "1" } };
    const client = createMemoryServer({ modules: [asking(init)], fetch }).connect();
    assert.match(await client.say("NOOP\r\n"), /250 2\.0\.0 known\r\n$/);
    assert.deepEqual(asked, [["https://check.example/?q=1", init, false]]);
  });

  test("aborts at the hook's deadline", async () => {
    const clock = new FakeClock();
    const { fetch, signals } = silentFetch();
    const faults: unknown[] = [];
    const client = createMemoryServer({
      modules: [asking()],
      fetch,
      clock,
      observers: [(report) => void (report.type === "fault" && faults.push(report.fault.reason))],
    }).connect();
    client.write("NOOP\r\n");
    await turns();
    assert.equal(signals[0]?.aborted, false);
    clock.advance(1_000);
    await client.settled();
    assert.equal(signals[0]?.aborted, true);
    assert.match(client.output, /451 4\.3\.0 [^\r]*\r\n$/);
    assert.deepEqual(faults, ["timeout"]);
  });

  test("aborts when the client goes", async () => {
    const { fetch, signals } = silentFetch();
    const client = createMemoryServer({ modules: [asking()], fetch }).connect();
    client.write("NOOP\r\n");
    await turns();
    client.hangUp();
    assert.equal(signals[0]?.aborted, true);
  });

  test("aborts with the signal that it is given, and with the hook's all the same", async () => {
    const { fetch, signals } = silentFetch();
    const own = new AbortController();
    const faults: FaultReport["fault"][] = [];
    const server = createMemoryServer({
      modules: [asking({ signal: own.signal })],
      fetch,
      observers: [(report) => void (report.type === "fault" && faults.push(report.fault))],
    });
    const [first, second] = [server.connect(), server.connect()];
    first.write("NOOP\r\n");
    second.write("NOOP\r\n");
    await turns();
    first.hangUp();
    assert.deepEqual([signals[0]?.aborted, signals[1]?.aborted], [true, false]);
    own.abort(new Error("enough"));
    await second.settled();
    assert.equal(signals[1]?.aborted, true);
    assert.match(String(faults.at(-1)?.error), /enough/);
  });

  test("is the hook's alone where the signal is null", async () => {
    const { fetch, signals } = silentFetch();
    const client = createMemoryServer({ modules: [asking({ signal: null })], fetch }).connect();
    client.write("NOOP\r\n");
    await turns();
    client.hangUp();
    assert.equal(signals[0]?.aborted, true);
  });

  test("fails with a clear error where the host has none", async () => {
    const errors: string[] = [];
    const client = createMemoryServer({
      modules: [asking()],
      observers: [(report) => void (report.type === "fault" && errors.push(String(report.fault.error)))],
    }).connect();
    assert.match(await client.say("NOOP\r\n"), /451 4\.3\.0 /);
    assert.deepEqual(errors, [
      "Error: This host fetches nothing unless it is given a fetch; asked for https://check.example/?q=1",
    ]);
  });
});
