// The circuit breaker: a module that fails ten times in a row is left out for 30 seconds, then tried with one call. What
// clients hear meanwhile is what `onError` says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Breaker, faultsToOpen, openForMs } from "../../src/hooks/breaker.ts";
import type { OnError, ServerModule } from "../../src/hooks/module.ts";
import type { MemoryConnection } from "../../src/hosts/memory.ts";
import { FakeClock, turns } from "../hooks/fake-clock.ts";
import { base, makeStand } from "./script.ts";
import type { Stand } from "./script.ts";

describe("a breaker", () => {
  test("opens after ten faults in a row and stays so for 30 seconds", () => {
    assert.deepEqual([faultsToOpen, openForMs], [10, 30_000]);
    const breaker = new Breaker();
    for (let fault = 0; fault < 9; fault++) breaker.failed(fault);
    assert.ok(breaker.allows(9) && !breaker.isOpen);
    breaker.failed(100);
    assert.ok(breaker.isOpen);
    assert.equal(breaker.allows(100), false);
    assert.equal(breaker.allows(30_099), false);
    assert.equal(breaker.allows(30_100), true);
  });

  test("lets one trial through and holds the others back until it has ended", () => {
    const breaker = new Breaker();
    for (let fault = 0; fault < 10; fault++) breaker.failed(0);
    assert.deepEqual(
      [breaker.allows(30_000), breaker.allows(30_000), breaker.allows(30_001)],
      [true, false, false],
    );
    breaker.succeeded();
    assert.deepEqual([breaker.allows(30_002), breaker.allows(30_002), breaker.isOpen], [true, true, false]);
  });

  test("stays open for another 30 seconds when the trial fails, or is never heard of again", () => {
    const breaker = new Breaker();
    for (let fault = 0; fault < 10; fault++) breaker.failed(0);
    assert.ok(breaker.allows(30_000));
    breaker.failed(30_500);
    assert.equal(breaker.allows(60_499), false);
    assert.ok(breaker.allows(60_500));
    assert.equal(breaker.allows(90_499), false);
    assert.ok(breaker.allows(90_500));
  });

  test("counts faults in a row only", () => {
    const breaker = new Breaker();
    for (let fault = 0; fault < 100; fault++) {
      breaker.failed(0);
      if (fault % 9 === 8) breaker.succeeded();
    }
    assert.ok(!breaker.isOpen);
  });

  test("can be asked without consequence whether it holds calls back", () => {
    const breaker = new Breaker();
    for (let fault = 0; fault < 10; fault++) breaker.failed(0);
    assert.deepEqual(
      [breaker.holds(29_999), breaker.holds(30_000), breaker.holds(30_000)],
      [true, false, false],
    );
    assert.ok(breaker.allows(30_000));
    assert.ok(breaker.holds(30_000));
  });
});

interface Trial {
  readonly stand: Stand;
  readonly clock: FakeClock;
  readonly client: MemoryConnection;
  calls: number;
  works: boolean;
  reasons(): string[];
}

/** A server whose module fails at NOOP until `works` is set. */
async function failing(onError: OnError): Promise<Trial> {
  const clock = new FakeClock();
  const module: ServerModule = {
    name: "shaky",
    noop: {
      onError,
      handler() {
        trial.calls += 1;
        if (!trial.works) throw new Error("boom");
      },
    },
  };
  const stand = makeStand([module, base], clock, { limits: { idleCommands: 10_000 } });
  const client = stand.victim();
  await client.say("EHLO client.test\r\n");
  const trial: Trial = {
    stand,
    clock,
    client,
    calls: 0,
    works: false,
    reasons: () => stand.reports.flatMap((report) => (report.type === "fault" ? [report.fault.reason] : [])),
  };
  return trial;
}

const temporary = "451 4.3.0 Temporary local problem, please try again\r\n";
const ok = "250 2.0.0 Ok\r\n";

describe("a module that fails ten times in a row", () => {
  for (const [onError, heard] of [
    ["defer", temporary],
    ["continue", ok],
  ] as const) {
    test(`is not called for 30 seconds; clients hear at once what onError "${onError}" says`, async () => {
      const trial = await failing(onError);
      for (let call = 0; call < 10; call++) assert.equal(await trial.client.say("NOOP\r\n"), heard);
      assert.equal(trial.calls, 10);
      // Whoever asks, in whichever session
      const other = trial.stand.bystander();
      await other.say("EHLO other.test\r\n");
      for (const client of [trial.client, other, trial.client])
        assert.equal(await client.say("NOOP\r\n"), heard);
      trial.clock.advance(29_999);
      assert.equal(await other.say("NOOP\r\n"), heard);
      assert.equal(trial.calls, 10);
      assert.deepEqual(trial.reasons(), [
        ...Array<string>(10).fill("threw"),
        ...Array<string>(4).fill("circuit-open"),
      ]);
    });
  }

  test('closes the connection at once where onError is "disconnect"', async () => {
    const trial = await failing("disconnect");
    for (let call = 0; call < 11; call++) {
      const client = trial.stand.victim();
      await client.say("");
      assert.match(await client.say("NOOP\r\n"), /^421 4\.3\.0 /);
      assert.ok(client.closed);
    }
    assert.equal(trial.calls, 10);
    assert.equal(trial.reasons().at(-1), "circuit-open");
  });

  test("is tried once after 30 seconds and called again when that went well", async () => {
    const trial = await failing("defer");
    for (let call = 0; call < 10; call++) await trial.client.say("NOOP\r\n");
    trial.clock.advance(30_000);
    trial.works = true;
    assert.equal(await trial.client.say("NOOP\r\n"), ok);
    assert.equal(await trial.client.say("NOOP\r\n"), ok);
    assert.equal(trial.calls, 12);
  });

  test("is left out again when the trial fails", async () => {
    const trial = await failing("defer");
    for (let call = 0; call < 10; call++) await trial.client.say("NOOP\r\n");
    trial.clock.advance(30_000);
    assert.equal(await trial.client.say("NOOP\r\n"), temporary);
    assert.equal(await trial.client.say("NOOP\r\n"), temporary);
    assert.equal(trial.calls, 11);
    trial.clock.advance(30_000);
    trial.works = true;
    assert.equal(await trial.client.say("NOOP\r\n"), ok);
    assert.equal(trial.calls, 12);
  });
});

describe("the circuit", () => {
  test("is one for all hooks of a module, and no other module's", async () => {
    const clock = new FakeClock();
    const shaky: ServerModule = {
      name: "shaky",
      noop() {
        throw new Error("boom");
      },
      help: () => undefined,
    };
    const stand = makeStand([shaky, base], clock);
    const client = stand.victim();
    await client.say("EHLO client.test\r\n");
    for (let call = 0; call < 10; call++) await client.say("NOOP\r\n");
    assert.equal(await client.say("HELP\r\n"), temporary);
    assert.match(await client.say("MAIL FROM:<>\r\n"), /^250 /);
    assert.match(await client.say("RCPT TO:<a@mx.test>\r\n"), /^250 /);
  });

  test("is not opened by clients that go away while a hook is busy", async () => {
    const clock = new FakeClock();
    let calls = 0;
    const patient: ServerModule = {
      name: "patient",
      noop({ signal }) {
        calls += 1;
        return new Promise((_resolve, refuse) => {
          signal.addEventListener("abort", () => refuse(new Error("aborted")));
        });
      },
    };
    const stand = makeStand([patient, base], clock);
    for (let call = 0; call < 20; call++) {
      const client = stand.victim();
      client.write("NOOP\r\n");
      await turns();
      client.hangUp();
      await turns();
    }
    assert.equal(calls, 20);
    assert.deepEqual(
      stand.reports.filter(({ type }) => type === "fault"),
      [],
    );
    assert.equal(clock.pending, 0);
  });
});
