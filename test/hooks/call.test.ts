// Calls of hooks (src/hooks/run.ts): their signals, what they leave behind and how it is traced back to them, and which
// queue hooks are called at all.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { composeChain } from "../../src/hooks/chain.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import { boundTo, currentHookCall, runHooks } from "../../src/hooks/run.ts";
import type { HookCall, Outcome, StageRun } from "../../src/hooks/run.ts";
import type { EventOf } from "../../src/hooks/stages.ts";
import type { Stage } from "../../src/hooks/table.ts";
import { queued } from "../../src/hooks/verdict.ts";
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

describe("the signal of a call", () => {
  test("aborts when the client goes, and so does one that is asked for later", () => {
    const context = new FakeContext();
    const how = bare<"rcpt">();
    void run("rcpt", [{ name: "a", rcpt: () => never }], context, how);
    const call = how.calls[0] as HookCall;
    context.leave();
    assert.ok(call.signal.aborted);
    assert.match(String(call.signal.reason), /client is gone/);
  });

  test("does not abort when the hook has answered", async () => {
    const how = bare<"rcpt">();
    const context = new FakeContext();
    const outcome = run("rcpt", [{ name: "a", rcpt: () => turns(1) }], context, how);
    const { signal } = how.calls[0] as HookCall;
    await outcome;
    context.leave();
    assert.ok(!signal.aborted);
    assert.equal(context.current, undefined);
  });
});

describe("code that a hook starts is traced back to its call", () => {
  const kinds: readonly [what: string, start: (see: () => void) => unknown][] = [
    ["within the hook", (see) => see()],
    [
      "behind an await",
      async (see) => {
        await turns(1);
        see();
      },
    ],
    [
      "in a timer",
      (see) => {
        setTimeout(see, 0);
      },
    ],
    [
      "in a microtask",
      (see) => {
        queueMicrotask(see);
      },
    ],
    // oxlint-disable-next-line unicorn/no-thenable
    ["in the then() of a thenable", (see) => ({ then: (resolve: () => void) => (see(), resolve()) })],
  ];
  for (const [what, start] of kinds) {
    test(what, async () => {
      const seen = Promise.withResolvers<HookCall | undefined>();
      const how = bare<"rcpt">();
      const handler = (): unknown => start(() => seen.resolve(currentHookCall()));
      void run("rcpt", [{ name: "a", rcpt: handler as () => undefined }], new FakeContext(), how);
      assert.equal(await seen.promise, how.calls[0]);
      assert.equal(currentHookCall(), undefined);
    });
  }

  test("in an abort listener, although the deadline fires elsewhere", () => {
    const context = new FakeContext();
    const how = bare<"rcpt">();
    void run("rcpt", [{ name: "a", rcpt: () => never }], context, how);
    const call = how.calls[0] as HookCall;
    let seen: HookCall | undefined;
    call.signal.addEventListener("abort", () => {
      seen = currentHookCall();
    });
    context.clock.advance(30_000);
    assert.equal(seen, call);
  });

  test("in a bound callback; what it throws is a stray fault of the module", () => {
    const context = new FakeContext();
    const how = bare<"rcpt">();
    void run("rcpt", [{ name: "a", rcpt: () => undefined }], context, how);
    const call = how.calls[0] as HookCall;
    let seen: HookCall | undefined;
    const error = new Error("late");
    const callback = boundTo(call, () => {
      seen = currentHookCall();
      throw error;
    });
    assert.doesNotThrow(callback);
    assert.equal(seen, call);
    assert.deepEqual(context.strays, [{ module: "a", stage: "rcpt", reason: "uncaught-exception", error }]);
  });
});

describe("a quarantined message", () => {
  const offer = async (quarantined: boolean, takes: boolean | undefined): Promise<string> => {
    const options = takes === undefined ? {} : { quarantine: takes };
    const how: StageRun<"queue"> = {
      event: () =>
        ({ quarantine: quarantined ? { reason: "x", module: "m" } : undefined }) as EventOf<"queue">,
    };
    const modules: AnyModule[] = [
      { name: "plain", queue: { handler: () => queued(), ...options } },
      { name: "apart", queue: { handler: () => queued(), quarantine: true } },
    ];
    return (await run("queue", modules, new FakeContext(), how)).said?.module ?? "nobody";
  };
  test("is not offered to a queue hook that does not keep such mail apart", async () => {
    assert.equal(await offer(true, undefined), "apart");
    assert.equal(await offer(true, false), "apart");
  });
  test("is offered to one that does", async () => assert.equal(await offer(true, true), "plain"));
  test("is the only one that is held back", async () => {
    assert.equal(await offer(false, undefined), "plain");
  });
});
