// session() and transaction(): what they return is checked as a module is, and when they fail the session hears what it
// hears of a failing hook.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import { stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { FakeClock } from "../hooks/fake-clock.ts";
import { base, baseline, makeStand, mailStep, play, script, stepOf } from "./script.ts";
import type { Stand } from "./script.ts";

const steps = script();
const temporary = / (?:4\.3\.0 )?Temporary local problem, please try again\r\n$/;
const transactionStages = ["mail", "rcpt", "data", "headers", "body", "message", "queue"] as const;

/** A module whose factory fails at its `failing`th call only. What it returns no compiler has seen. */
function flaky(scope: "session" | "transaction", make: () => unknown, failing = 1): ServerModule {
  let calls = 0;
  const factory = (): unknown => {
    calls += 1;
    return calls === failing ? make() : {};
  };
  return { name: "flaky", [scope]: factory };
}

function faultsOf({ reports }: Stand): string[][] {
  return reports.flatMap((report) =>
    report.type === "fault"
      ? [[report.fault.module, report.fault.stage, report.fault.reason, String(report.fault.error)]]
      : [],
  );
}

const bad: readonly [what: string, make: () => unknown, error: RegExp][] = [
  [
    "throws",
    () => {
      throw new Error("boom");
    },
    /^Error: boom$/,
  ],
  ["returns nothing", () => undefined, /\(\): want an object of hooks, returned at once, found undefined$/],
  ["returns null", () => null, /found null$/],
  ["returns a promise", () => Promise.resolve({}), /found a promise$/],
  ["returns a function", () => () => undefined, /found a function$/],
  [
    "has a stage that is none",
    () => ({ rcptt: () => undefined }),
    /\(\)\.rcptt: no such stage; the stages are /,
  ],
  [
    "has a hook that is none",
    () => ({ rcpt: 42 }),
    /\(\)\.rcpt: want a function or \{ handler, … \}, found 42$/,
  ],
  [
    "has a hook without handler",
    () => ({ rcpt: {} }),
    /\(\)\.rcpt\.handler: want a function, found undefined$/,
  ],
  [
    "has an option out of bounds",
    () => ({ rcpt: { handler: () => undefined, timeout: -1 } }),
    /\(\)\.rcpt\.timeout: want milliseconds from 1 to 120000, found -1$/,
  ],
];

describe("a session() costs its own session a 421 and no other anything when it", () => {
  for (const [what, make, error] of bad) {
    test(what, async () => {
      const clock = new FakeClock();
      const expected = await baseline(steps, clock);
      const stand = makeStand([flaky("session", make), base], clock);
      const victim = stand.victim();
      assert.equal(victim.output, "421 Temporary local problem, please try again\r\n");
      assert.ok(victim.closed);
      assert.deepEqual(await play(stand.bystander(), steps), expected);
      const [fault = [], ...more] = faultsOf(stand);
      assert.deepEqual(fault.slice(0, 3), ["flaky", "connect", "threw"]);
      assert.match(fault[3] ?? "", error);
      assert.deepEqual(more, []);
    });
  }
});

describe("a transaction() costs its own session a 451 and no other anything when it", () => {
  const inTransaction: typeof bad = [
    ...bad,
    [
      "has a stage before MAIL",
      () => ({ connect: () => undefined }),
      /\(\)\.connect: no such stage; the stages are mail, /,
    ],
  ];
  for (const [what, make, error] of inTransaction) {
    test(what, async () => {
      const clock = new FakeClock();
      const expected = await baseline(steps, clock);
      const stand = makeStand([flaky("transaction", make), base], clock);
      const victim = stand.victim();
      await play(victim, steps, 0, mailStep);
      assert.match(await victim.say("MAIL FROM:<a@client.test>\r\n"), temporary);
      assert.deepEqual(await play(victim, steps, mailStep), expected.slice(mailStep), "the next transaction");
      assert.deepEqual(await play(stand.bystander(), steps), expected);
      const [fault = [], ...more] = faultsOf(stand);
      assert.deepEqual(fault.slice(0, 3), ["flaky", "mail", "threw"]);
      assert.match(fault[3] ?? "", error);
      assert.deepEqual(more, []);
    });
  }
});

describe("the hooks that a factory made", () => {
  const scopes: readonly [scope: "session" | "transaction", stages: readonly Stage[]][] = [
    ["session", stages],
    ["transaction", transactionStages],
  ];
  for (const [scope, legal] of scopes) {
    for (const stage of legal) {
      test(`of ${scope}() fail at ${stage} as those of a module do`, async () => {
        const clock = new FakeClock();
        const expected = await baseline(steps, clock);
        let calls = 0;
        const module = {
          name: "flaky",
          [scope]: () => ({
            [stage]() {
              calls += 1;
              if (calls === 1) throw new Error("boom");
            },
          }),
        } as ServerModule;
        const stand = makeStand([module, base], clock);
        const at = stepOf(stage, steps);
        const victim = stand.victim();
        await play(victim, steps, 0, at + 1);
        const usual = expected.slice(0, at).join("");
        assert.equal(victim.output.slice(0, usual.length), usual);
        assert.match(victim.output.slice(usual.length), temporary);
        assert.deepEqual(await play(stand.bystander(), steps), expected);
        assert.deepEqual(
          faultsOf(stand).map((fault) => fault.slice(0, 3)),
          [["flaky", stage, "threw"]],
        );
      });
    }
  }

  test("are made once per session, and once per transaction", async () => {
    const made = { session: 0, transaction: 0 };
    const counter: ServerModule = {
      name: "counter",
      session() {
        made.session += 1;
        return { noop: () => undefined, rcpt: () => undefined };
      },
      transaction() {
        made.transaction += 1;
        return { mail: () => undefined, message: () => undefined };
      },
    };
    const stand = makeStand([counter, base], new FakeClock());
    const client = stand.victim();
    await play(client, steps, 0, steps.length - 1);
    await play(client, steps, mailStep);
    await play(stand.bystander(), steps);
    assert.deepEqual(made, { session: 2, transaction: 3 });
  });

  test("keep their variables apart: two sessions at once, and two transactions in a row", async () => {
    const seen: string[] = [];
    const memory: ServerModule = {
      name: "memory",
      session() {
        const heard: string[] = [];
        return {
          helo({ helo }) {
            heard.push(helo.name);
          },
          quit() {
            seen.push(`session ${heard.join(" ")}`);
          },
        };
      },
      transaction() {
        const heard: string[] = [];
        return {
          rcpt({ recipient }) {
            heard.push(recipient.local);
          },
          message() {
            seen.push(`transaction ${heard.join(" ")}`);
          },
        };
      },
    };
    const stand = makeStand([memory, base], new FakeClock());
    const [one, two] = [stand.bystander(), stand.bystander()];
    await one.say("EHLO one\r\n");
    await two.say("EHLO two\r\n");
    for (const [client, local] of [
      [one, "a"],
      [two, "b"],
      [one, "c"],
    ] as const) {
      await client.say(
        `MAIL FROM:<>\r\nRCPT TO:<${local}@mx.test>\r\nRCPT TO:<${local}${local}@mx.test>\r\nDATA\r\n`,
      );
      await client.say("Subject: x\r\n\r\n.\r\n");
    }
    await two.say("QUIT\r\n");
    await one.say("QUIT\r\n");
    assert.deepEqual(seen, [
      "transaction a aa",
      "transaction b bb",
      "transaction c cc",
      "session two",
      "session one",
    ]);
  });
});

test("a factory that keeps failing is not called while its circuit is open, and tried again after 30 seconds", async () => {
  const clock = new FakeClock();
  let calls = 0;
  let works = false;
  const module: ServerModule = {
    name: "broken",
    transaction() {
      calls += 1;
      if (!works) throw new Error("boom");
      return { mail: () => undefined };
    },
  };
  const stand = makeStand([module, base], clock);
  const client = stand.victim();
  await client.say("EHLO client.test\r\n");
  for (let call = 0; call < 15; call++) assert.match(await client.say("MAIL FROM:<>\r\n"), temporary);
  assert.equal(calls, 10);
  clock.advance(30_000);
  works = true;
  assert.match(await client.say("MAIL FROM:<>\r\n"), /^250 /);
  assert.match(await client.say("RCPT TO:<a@mx.test>\r\n"), /^250 /);
  assert.equal(calls, 11);
});
