// The runner (src/hooks/run.ts): who is asked, in which order, for how long, and what is made of the answer.

import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { describe, test } from "node:test";
import { composeChain } from "../../src/hooks/chain.ts";
import type { AnyModule, MaybeAnswer } from "../../src/hooks/module.ts";
import { runHooks } from "../../src/hooks/run.ts";
import type { HookCall, Outcome, StageRun } from "../../src/hooks/run.ts";
import type { EventOf } from "../../src/hooks/stages.ts";
import { stageRow, stages } from "../../src/hooks/table.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { accept, discard, quarantine, queued, reject } from "../../src/hooks/verdict.ts";
import { turns } from "./fake-clock.ts";
import { bare, FakeContext } from "./fake-context.ts";

const never = new Promise<never>(() => undefined);

/** Runs the hooks of one stage. */
function run<S extends Stage>(
  stage: S,
  modules: readonly AnyModule[],
  context = new FakeContext(),
  how: StageRun<S> = bare<S>(),
): Outcome | Promise<Outcome> {
  return runHooks(composeChain(modules).taps[stage], context, how);
}

/** What a stage came to, in a word. */
function decided({ said }: Outcome): string {
  if (said === undefined) return "nobody";
  const answer = typeof said.answer === "string" ? said.answer : said.answer.kind;
  return `${said.module} ${answer}${said.fault ? " fault" : ""}`;
}

describe("modules are asked", () => {
  const asked = async (
    stage: "mail" | "message",
    answers: Record<string, () => unknown>,
  ): Promise<string> => {
    const calls: string[] = [];
    const modules = Object.entries(answers).map(([name, answer]) => ({
      name,
      [stage]: () => {
        calls.push(name);
        return answer();
      },
    }));
    const outcome = await run(stage, modules as AnyModule[]);
    return `${calls.join(" ")}: ${decided(outcome)}`;
  };
  const no = (): undefined => undefined;
  const later =
    <T>(value: T) =>
    (): Promise<T> =>
      turns(1).then(() => value);

  const cases: readonly [
    why: string,
    stage: "mail" | "message",
    answers: Record<string, () => unknown>,
    want: string,
  ][] = [
    ["until all were silent", "mail", { a: no, b: later(undefined), c: no }, "a b c: nobody"],
    ["until one has an opinion", "mail", { a: no, b: () => accept(), c: no }, "a b: b accept"],
    ["until one has an opinion later", "mail", { a: no, b: later(accept()), c: no }, "a b: b accept"],
    [
      "one at a time",
      "mail",
      { a: later(undefined), b: later(undefined), c: () => discard() },
      "a b c: c discard",
    ],
    ["on after a quarantine at message", "message", { a: () => quarantine("x"), b: no }, "a b: a quarantine"],
    [
      "on after a quarantine at message, and may still refuse",
      "message",
      { a: () => quarantine("x"), b: later(undefined), c: () => reject("5.7.1", "No") },
      "a b c: c reject",
    ],
    [
      "on after a quarantine that came later",
      "message",
      { a: later(quarantine("x")), b: () => quarantine("y"), c: no },
      "a b c: a quarantine",
    ],
    ["no further after a discard at message", "message", { a: () => discard(), b: no }, "a: a discard"],
  ];
  for (const [why, stage, answers, want] of cases) {
    test(why, async () => assert.equal(await asked(stage, answers), want));
  }
});

describe("what is synchronous stays so:", () => {
  /** Promises that are made while `code` runs. */
  function promisesMade(code: () => void): number {
    let made = 0;
    const hook = createHook({
      init(_id, type) {
        if (type === "PROMISE") made += 1;
      },
    });
    hook.enable();
    code();
    hook.disable();
    return made;
  }

  test("the counter counts", () => {
    assert.equal(
      promisesMade(() => void Promise.resolve().then(() => undefined)),
      2,
    );
  });

  for (const stage of stages) {
    const answer = stage === "greeting" ? "ESMTP" : verdictOf(stage);
    test(`hooks at ${stage} that return values make no promise and no timer`, () => {
      const context = new FakeContext();
      const { taps } = composeChain([
        { name: "a", [stage]: () => undefined },
        { name: "b", session: () => ({ [stage]: () => undefined }) },
        { name: "c", [stage]: () => answer },
      ]);
      const how = bare<typeof stage>(stage === "auth" ? { method: "password" } : {});
      let outcome: Outcome | Promise<Outcome> | undefined;
      const made = promisesMade(() => {
        outcome = runHooks(taps[stage], context, how);
      });
      assert.equal(made, 0);
      assert.ok(outcome !== undefined && !(outcome instanceof Promise));
      assert.equal(outcome.said?.module, "c");
      assert.equal(outcome.said.answer, answer);
      assert.equal(context.clock.pending, 0);
    });
  }

  test("faults too", () => {
    const outcome = run("rcpt", [
      {
        name: "a",
        rcpt() {
          throw new Error("boom");
        },
      },
    ]);
    assert.ok(!(outcome instanceof Promise));
    assert.equal(decided(outcome), "a defer fault");
  });

  test("a stage without hooks gives one constant", () => {
    const context = new FakeContext();
    assert.equal(runHooks([], context, bare()), runHooks([], context, bare()));
  });

  test("the signal of a call is made only when it is asked for, and stays the same", () => {
    const how = bare<"rcpt">();
    void run("rcpt", [{ name: "a", rcpt: () => undefined }], new FakeContext(), how);
    const call = how.calls[0] as HookCall;
    assert.equal(call.signal, call.signal);
    assert.ok(!call.signal.aborted);
  });
});

function verdictOf(stage: Stage): unknown {
  const kind = stageRow(stage).verdicts[0];
  return kind === "queued" ? queued() : kind === "accept" ? accept() : reject("5.7.1", "No");
}

describe("a hook has time", () => {
  test("of 30 seconds by default, then it is a fault and its signal aborts", async () => {
    const context = new FakeContext();
    const how = bare<"rcpt">();
    const outcome = run("rcpt", [{ name: "a", rcpt: () => never }], context, how);
    const call = how.calls[0] as HookCall;
    const { signal } = call;
    context.clock.advance(29_999);
    await turns();
    assert.deepEqual([context.faults.length, signal.aborted, call.left], [0, false, 1]);
    context.clock.advance(1);
    assert.equal(decided(await outcome), "a defer fault");
    assert.deepEqual([context.reasons, signal.aborted, call.left, call.closed], [["timeout"], true, 0, true]);
    assert.match(String(signal.reason), /deadline/);
    assert.match(String(context.faults[0]?.error), /30000 ms/);
  });

  test("as its options say", async () => {
    const context = new FakeContext();
    const outcome = run("rcpt", [{ name: "a", rcpt: { handler: () => never, timeout: 50 } }], context);
    context.clock.advance(50);
    assert.equal(decided(await outcome), "a defer fault");
  });

  for (const stage of ["connect", "rcpt", "data", "message"] as const) {
    test(`at ${stage} no longer than the stage's budget, which all its hooks share`, async () => {
      const { budgetMs } = stageRow(stage);
      const context = new FakeContext();
      const how = bare<typeof stage>();
      const hang = { handler: () => never, timeout: Math.min(budgetMs, 30_000), onError: "continue" };
      const modules = Array.from({ length: 10 }, (_, index) => ({ name: `m${index}`, [stage]: hang }));
      const outcome = run(stage, modules as unknown as AnyModule[], context, how);
      for (let step = 0; step < 40; step++) {
        context.clock.advance(30_000);
        await turns(1);
      }
      const { ms } = await outcome;
      // Each hook was asked; those behind the budget had no time at all
      assert.equal(how.calls.length, 10);
      assert.ok(how.calls.every(({ deadlineAt }) => deadlineAt <= budgetMs));
      assert.ok(ms >= budgetMs);
    });
  }

  test("that is measured, all hooks of the stage together", async () => {
    const context = new FakeContext();
    const slow = (ms: number) => (): Promise<undefined> =>
      new Promise((resolve) => {
        context.clock.after(ms, () => resolve(undefined));
      });
    const outcome = run(
      "mail",
      [
        { name: "a", mail: slow(70) },
        { name: "b", mail: slow(30) },
      ],
      context,
    );
    context.clock.advance(70);
    await turns();
    context.clock.advance(30);
    assert.equal((await outcome).ms, 100);
  });

  test("and leaves no timer behind when it has answered or failed", async () => {
    for (const answer of [Promise.resolve(), Promise.reject(new Error("boom"))]) {
      const context = new FakeContext();
      await run("rcpt", [{ name: "a", rcpt: () => answer }], context);
      assert.equal(context.clock.pending, 0);
    }
  });
});

describe("a late answer is ignored:", () => {
  const late: readonly [what: string, end: (settle: PromiseWithResolvers<unknown>) => void][] = [
    ["a verdict", ({ resolve }) => resolve(accept())],
    ["nothing", ({ resolve }) => resolve(undefined)],
    ["nonsense", ({ resolve }) => resolve(42)],
    ["a rejection", ({ reject: fail }) => fail(new Error("late"))],
  ];
  for (const [what, end] of late) {
    test(`${what} after the deadline`, async () => {
      const context = new FakeContext();
      const settle = Promise.withResolvers<unknown>();
      const outcome = run("rcpt", [{ name: "a", rcpt: () => settle.promise as never }], context);
      context.clock.advance(30_000);
      assert.equal(decided(await outcome), "a defer fault");
      end(settle);
      await turns();
      assert.deepEqual(context.reasons, ["timeout"]);
      assert.deepEqual(context.strays, []);
    });

    test(`${what} after the client has gone, and no other hook is asked`, async () => {
      const context = new FakeContext();
      const settle = Promise.withResolvers<unknown>();
      let others = 0;
      const other = (): void => {
        others += 1;
      };
      const outcome = run(
        "rcpt",
        [
          { name: "a", rcpt: () => settle.promise as never },
          { name: "b", rcpt: other },
        ],
        context,
      );
      context.leave();
      end(settle);
      assert.equal(decided(await outcome), "nobody");
      assert.deepEqual([context.reasons, others, context.clock.pending], [[], 0, 0]);
    });
  }
});

describe("what a hook changed is taken over", () => {
  interface Log {
    readonly commits: string[];
    readonly undone: string[];
    readonly how: StageRun<"message">;
  }
  function log(commit?: () => Promise<void>): Log {
    const commits: string[] = [];
    const undone: string[] = [];
    return {
      commits,
      undone,
      how: {
        event(call) {
          call.undo = () => undone.push(call.tap.module);
          return call as unknown as EventOf<"message">;
        },
        commit(event) {
          commits.push((event as unknown as HookCall).tap.module);
          return commit?.();
        },
      },
    };
  }

  const fine: readonly [
    what: string,
    message: () => MaybeAnswer<"message"> | Promise<MaybeAnswer<"message">>,
  ][] = [
    ["when it has no opinion", () => undefined],
    ["when it has none later", () => turns(1)],
    ["when it decides", () => quarantine("x")],
  ];
  for (const [what, message] of fine) {
    test(what, async () => {
      const { commits, undone, how } = log();
      await run("message", [{ name: "a", message }], new FakeContext(), how);
      assert.deepEqual([commits, undone], [["a"], []]);
    });
  }

  const bad: readonly [what: string, message: () => unknown][] = [
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    ["rejects", () => Promise.reject(new Error("boom"))],
    ["answers nonsense", () => 42],
    ["answers nonsense later", () => turns(1).then(() => accept())],
    ["hangs", () => never],
  ];
  for (const [what, message] of bad) {
    test(`not when it ${what}: then it is taken back`, async () => {
      const { commits, undone, how } = log();
      const context = new FakeContext();
      const outcome = run("message", [{ name: "a", message: message as () => undefined }], context, how);
      await turns();
      context.clock.advance(30_000);
      assert.equal(decided(await outcome), "a defer fault");
      assert.deepEqual([commits, undone], [[], ["a"]]);
    });
  }

  test("within the hook's time: a take-over that hangs is the hook's timeout", async () => {
    const { how } = log(() => never);
    const context = new FakeContext();
    const outcome = run("message", [{ name: "a", message: () => undefined }], context, how);
    context.clock.advance(30_000);
    assert.equal(decided(await outcome), "a defer fault");
    assert.deepEqual(context.reasons, ["timeout"]);
  });

  test("or is the hook's fault when that fails", async () => {
    const { how } = log(() => Promise.reject(new Error("full")));
    const context = new FakeContext();
    const outcome = await run("message", [{ name: "a", message: () => undefined }], context, how);
    assert.equal(decided(outcome), "a defer fault");
    assert.deepEqual(context.reasons, ["rejected"]);
  });
});
