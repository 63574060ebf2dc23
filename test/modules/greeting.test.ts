// Text of the greeting, the pause before it, and early talkers (src/modules/greeting.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../src/hooks/module.ts";
import type { Report } from "../../src/hooks/report.ts";
import { accept, reject } from "../../src/hooks/verdict.ts";
import { createMemoryServer } from "../../src/hosts/memory.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { earlyTalk, greeting } from "../../src/modules/greeting.ts";
import type { GreetingOptions } from "../../src/modules/greeting.ts";
import { fakeClock } from "../../src/testing/index.ts";
import type { FakeClock } from "../../src/testing/index.ts";

interface Setup {
  readonly clock: FakeClock;
  readonly client: MemoryConnection;
  readonly reports: Report[];
}

function connect(options: GreetingOptions, ...others: AnyModule[]): Setup {
  const clock = fakeClock();
  const reports: Report[] = [];
  const server = createMemoryServer({
    modules: [greeting(options), ...others],
    clock,
    observers: [(report) => reports.push(report)],
  });
  return { clock, client: server.connect(), reports };
}

function logged(reports: readonly Report[]): string[] {
  return reports.flatMap((report) => (report.type === "log" ? [`${report.level}: ${report.message}`] : []));
}

describe("the text of the greeting", () => {
  const cases: readonly [options: GreetingOptions, output: string][] = [
    [{}, "220 mx.test ESMTP\r\n"],
    [{ text: "ESMTP at your service" }, "220 mx.test ESMTP at your service\r\n"],
    [{ text: ["ESMTP", "No soliciting"] }, "220-mx.test ESMTP\r\n220 mx.test No soliciting\r\n"],
    [{ text: "" }, "220 mx.test\r\n"],
  ];
  for (const [options, output] of cases) {
    test(`is ${JSON.stringify(output)} with ${JSON.stringify(options)} (RFC 5321 §4.2)`, () => {
      assert.equal(connect(options).client.output, output);
    });
  }
});

describe("the pause before the greeting", () => {
  test("lasts as long as the delay", async () => {
    const { clock, client } = connect({ delay: 5_000 });
    await clock.advance(4_999);
    assert.equal(client.output, "");
    await clock.advance(1);
    await client.settled();
    assert.equal(client.output, "220 mx.test ESMTP\r\n");
    assert.match(await client.say("EHLO a.test\r\n"), /^220 mx.test ESMTP\r\n250-mx.test/);
  });

  test("may be as long as the longest delay without being a module fault", async () => {
    const { clock, client, reports } = connect({ delay: 100_000 });
    await clock.advance(100_000);
    await client.settled();
    assert.equal(client.output, "220 mx.test ESMTP\r\n");
    assert.ok(reports.every(({ type }) => type !== "fault"));
  });

  test("comes after the connect hooks of all other modules, wherever it is configured", () => {
    const listed = { name: "listed", connect: () => reject("5.7.1", "Listed") };
    assert.equal(connect({ delay: 5_000 }, listed).client.output, "554 Listed\r\n");
  });

  test("is spared to whom another module accepts", () => {
    const friend = { name: "friend", connect: () => accept() };
    assert.equal(connect({ delay: 5_000 }, friend).client.output, "220 mx.test ESMTP\r\n");
  });
});

describe("a client that speaks before the greeting (RFC 5321 §3.1)", () => {
  const text = "Protocol error: you spoke before the greeting";

  test("is refused with 554 at once and heard no further", async () => {
    const { client, reports } = connect({ delay: 5_000 });
    assert.equal(
      await client.say("EHLO a.test\r\nQUIT\r\n"),
      `554 ${text}\r\n503 5.5.1 No service here\r\n221 2.0.0 mx.test closing connection\r\n`,
    );
    assert.deepEqual(logged(reports), ["info: client spoke before the greeting: reject"]);
  });

  test("is put off with 421 and a closed connection when the policy is defer", async () => {
    const { client } = connect({ delay: 5_000, earlyTalkers: "defer" });
    assert.equal(await client.say("EHLO a.test\r\n"), `421 ${text}\r\n`);
    assert.equal(client.closed, true);
  });

  test("is served when the policy is note; the fact says when it was noticed", async () => {
    let afterMs: number | undefined;
    const reader: AnyModule = {
      name: "reader",
      mail({ facts }) {
        afterMs = facts.get(earlyTalk)?.afterMs;
      },
    };
    const { clock, client, reports } = connect({ delay: 5_000, earlyTalkers: "note" }, reader);
    await clock.advance(1_200);
    const heard = await client.say("EHLO a.test\r\nMAIL FROM:<>\r\n");
    assert.match(heard, /^220 mx.test ESMTP\r\n250-mx.test[^]*250 2.1.0 Sender ok\r\n$/);
    assert.equal(afterMs, 1_200);
    assert.deepEqual(logged(reports), ["info: client spoke before the greeting: note"]);
  });

  test("is noticed while other modules keep it waiting, without a delay", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const slow: AnyModule = { name: "slow", connect: () => promise };
    const { client } = connect({ earlyTalkers: "reject" }, slow);
    client.write("EHLO a.test\r\n");
    resolve(undefined);
    await client.settled();
    assert.match(client.output, /^554 Protocol error/);
  });

  test("costs a client that waits nothing", async () => {
    const { clock, client, reports } = connect({ delay: 5_000 });
    await clock.advance(5_000);
    await client.settled();
    assert.match(await client.say("EHLO a.test\r\n"), /^220 mx.test ESMTP\r\n250-/);
    assert.deepEqual(logged(reports), []);
  });

  test("may hang up during the pause", async () => {
    const { clock, client, reports } = connect({ delay: 5_000 });
    client.hangUp();
    await client.settled();
    await clock.advance(60_000);
    await client.settled();
    assert.equal(client.output, "");
    assert.ok(reports.every(({ type }) => type !== "fault"));
  });
});

describe("mistakes in the options of greeting", () => {
  const mistakes: readonly [options: unknown, message: string][] = [
    [{ delay: -1 }, "greeting.delay: want milliseconds from 0 to 100000, found -1"],
    [{ delay: 100_001 }, "greeting.delay: want milliseconds from 0 to 100000, found 100001"],
    [{ delay: "5s" }, 'greeting.delay: want milliseconds from 0 to 100000, found "5s"'],
    [{ earlyTalkers: "drop" }, 'greeting.earlyTalkers: want "reject", "defer" or "note", found "drop"'],
    [
      { onEarlyTalk: "drop" },
      "greeting.onEarlyTalk: no such option; the options are text, delay, earlyTalkers",
    ],
    [
      { text: "Grüezi" },
      'greeting.text: "Grüezi" has characters that no reply can carry; want printable ASCII',
    ],
  ];
  for (const [options, message] of mistakes) {
    test(`${JSON.stringify(options)} is refused with its path`, () => {
      assert.throws(() => greeting(options as GreetingOptions), { name: "TypeError", message });
    });
  }
});
