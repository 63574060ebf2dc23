// Events (src/session/events.ts): what a hook holds on to belongs to its call, and what it changed goes with it when it
// fails. Played through the engine where that takes a dialogue.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fact } from "../../src/hooks/facts.ts";
import type { AnyModule, ServerModule } from "../../src/hooks/module.ts";
import type { ConnectEvent, HeloEvent, MailEvent, RcptEvent } from "../../src/hooks/stages.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryServer } from "../../src/hosts/memory.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";

const base: ServerModule = { name: "base", rcpt: () => accept(), queue: () => queued() };

function serve(modules: readonly AnyModule[], clock = new FakeClock()): MemoryServer {
  return createMemoryServer({ modules, clock, newId: () => "ID" });
}

describe("a hook that is late", () => {
  test("sets facts of its own transaction, not of the next", async () => {
    const key = fact<string>("slow");
    let late: MailEvent | undefined;
    const seen: (string | undefined)[] = [];
    const module: AnyModule = {
      name: "slow",
      mail(event) {
        late ??= event;
      },
      rcpt({ facts }) {
        seen.push(facts.get(key));
      },
    };
    const client = serve([module, base]).connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\n");
    await client.say("RSET\r\nMAIL FROM:<>\r\n");
    late?.facts.set(key, "from the first");
    await client.say("RCPT TO:<a@mx.test>\r\n");
    assert.deepEqual(seen, [undefined]);
  });

  test("sees the envelope of its own transaction, not of the next", async () => {
    const events: RcptEvent[] = [];
    const module: AnyModule = { name: "slow", rcpt: (event) => void events.push(event) };
    const client = serve([module, base]).connect();
    await client.say("EHLO c\r\nMAIL FROM:<one@c>\r\nRCPT TO:<a@mx.test>\r\n");
    await client.say("RSET\r\nMAIL FROM:<two@c>\r\nRCPT TO:<b@mx.test>\r\n");
    assert.deepEqual(
      events.map(({ envelope }) => String(envelope.sender)),
      ["one@c", "two@c"],
    );
  });

  test("cannot change a recipient any more", async () => {
    let late: RcptEvent | undefined;
    const module: AnyModule = {
      name: "slow",
      rcpt(event) {
        late = event;
      },
    };
    const client = serve([module, base]).connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\n");
    assert.ok(late !== undefined);
    const { rewrite, expand, route } = late;
    for (const change of [() => rewrite("x@y"), () => expand(["x@y"]), () => route("r")])
      assert.throws(change, /The hook has ended/);
  });

  test("cannot change the EHLO list any more", async () => {
    let late: HeloEvent | undefined;
    const module: AnyModule = {
      name: "slow",
      helo(event) {
        late = event;
      },
    };
    await serve([module]).connect().say("EHLO c\r\n");
    assert.throws(() => late?.keywords.add("XLATE"), /The hook has ended/);
    assert.throws(() => late?.keywords.remove("SIZE"), /The hook has ended/);
    assert.ok(late?.keywords.has("SIZE"));
  });
});

describe("what a hook changed before it failed is taken back:", () => {
  const fails = (): never => {
    throw new Error("boom");
  };

  test("a rewritten recipient and its route", async () => {
    const seen: string[] = [];
    const modules: AnyModule[] = [
      { name: "good", rcpt: ({ rewrite }) => rewrite("good@mx.test") },
      {
        name: "bad",
        rcpt: {
          onError: "continue",
          handler({ rewrite, expand, route }) {
            rewrite("bad@mx.test");
            expand(["bad@mx.test", "worse@mx.test"]);
            route("nowhere");
            fails();
          },
        },
      },
      { name: "looker", rcpt: ({ recipient }) => void seen.push(String(recipient)) },
      {
        name: "keeper",
        rcpt: () => accept(),
        queue({ envelope }) {
          seen.push(...envelope.recipients.map(({ address, route }) => `${String(address)} ${route}`));
          return queued();
        },
      } satisfies ServerModule,
    ];
    const client = serve(modules).connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nDATA\r\n");
    assert.match(await client.say("Subject: x\r\n\r\n.\r\n"), /^250 /);
    assert.deepEqual(seen, ["good@mx.test", "good@mx.test undefined"]);
  });

  test("the EHLO list, in its order", async () => {
    const plain = await serve([]).connect().say("EHLO c\r\n");
    const modules: AnyModule[] = [
      {
        name: "bad",
        helo: {
          onError: "continue",
          handler({ keywords }) {
            keywords.remove("PIPELINING");
            keywords.add("SIZE", "1");
            keywords.add("XBAD", "one two");
            fails();
          },
        },
      },
    ];
    assert.equal(await serve(modules).connect().say("EHLO c\r\n"), plain);
  });

  test("but what modules before it changed stays", async () => {
    const modules: AnyModule[] = [
      { name: "good", helo: ({ keywords }) => keywords.add("XGOOD", "one two") },
      {
        name: "bad",
        helo: {
          onError: "continue",
          handler({ keywords }) {
            keywords.remove("XGOOD");
            fails();
          },
        },
      },
    ];
    assert.match(await serve(modules).connect().say("EHLO c\r\n"), /250[ -]XGOOD one two\r\n/);
  });
});

describe("a client that goes while a hook is busy", () => {
  test("has no later module asked: a message is not kept in part", async () => {
    let asked = 0;
    let faults = 0;
    const aborted = Promise.withResolvers<void>();
    const modules: ServerModule[] = [
      {
        name: "slow",
        rcpt: () => accept(),
        queue: ({ signal }) =>
          new Promise((_resolve, refuse) => {
            signal.addEventListener("abort", () => {
              refuse(new Error("aborted"));
              aborted.resolve();
            });
          }),
      },
      {
        name: "keeper",
        queue: {
          quarantine: true,
          handler() {
            asked += 1;
            return queued();
          },
        },
      },
      { name: "witness", report: ({ type }) => void (faults += type === "fault" ? 1 : 0) },
    ];
    const client = serve(modules).connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nDATA\r\n");
    client.write("Subject: x\r\n\r\nBody\r\n.\r\n");
    await turns();
    client.hangUp();
    await aborted.promise;
    await turns();
    assert.deepEqual([asked, faults], [0, 0]);
  });

  test("leaves nothing to read where all seemed to be there", async () => {
    const read = Promise.withResolvers<unknown>();
    const module: ServerModule = {
      name: "slow",
      rcpt: () => accept(),
      async queue({ message, signal }) {
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        read.resolve(await message.bytes().catch((error: unknown) => error));
        return queued();
      },
    };
    const client = serve([module]).connect();
    await client.say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nDATA\r\n");
    client.write("Subject: x\r\n\r\nBody\r\n.\r\n");
    await turns();
    client.hangUp();
    assert.match(String(await read.promise), /no longer kept/);
  });
});

describe("delay at connect", () => {
  const delaying = (ms: number, timeout: number, seen: unknown[] = []): AnyModule => ({
    name: "delay",
    connect: {
      timeout,
      async handler({ delay }: ConnectEvent) {
        seen.push(await delay(ms));
      },
    },
  });

  test("holds the greeting back", async () => {
    const clock = new FakeClock();
    const client = serve([delaying(5_000, 30_000)], clock).connect();
    clock.advance(4_999);
    await turns();
    assert.equal(client.output, "");
    clock.advance(1);
    await client.settled();
    assert.match(client.output, /^220 /);
  });

  test("ends early when the client speaks before its turn", async () => {
    const seen: unknown[] = [];
    const client = serve([delaying(5_000, 30_000, seen)]).connect();
    client.write("EHLO c\r\n");
    await client.settled();
    assert.match(client.output, /^220 /);
    assert.deepEqual(seen, [{ early: true }]);
  });

  for (const ms of [30_000, 60_000, Infinity]) {
    test(`of ${ms} ms leaves a hook of 30 seconds the time to answer`, async () => {
      const clock = new FakeClock();
      const client = serve([delaying(ms, 30_000)], clock).connect();
      clock.advance(29_900);
      await client.settled();
      assert.match(client.output, /^220 /);
    });
  }

  test("ends when the client goes", async () => {
    const clock = new FakeClock();
    const client = serve([delaying(5_000, 30_000)], clock).connect();
    client.hangUp();
    await turns();
    assert.equal(clock.pending, 0);
  });
});
