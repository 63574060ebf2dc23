// Modules as they are checked at load (src/hooks/chain.ts, module-check.ts): users without a compiler learn the path of
// what is wrong, what was found and what would be right.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { composeChain, defaultTimeoutMs, ModuleError } from "../../src/hooks/chain.ts";
import type { AnyModule } from "../../src/hooks/module.ts";
import { stageRow, stages } from "../../src/hooks/table.ts";

const handler = (): void => undefined;

describe("a list of modules is refused with the path of its mistake:", () => {
  const stageList = stages.join(", ");
  const optionList = "handler, order, before, after, timeout, onError, content, quarantine, methods";
  const cases: readonly [module: unknown, message: string][] = [
    [null, "modules[0]: a module is an object with a name and hooks, not null"],
    [undefined, "modules[0]: a module is an object with a name and hooks, not undefined"],
    ["dnsbl", 'modules[0]: a module is an object with a name and hooks, not "dnsbl"'],
    [42, "modules[0]: a module is an object with a name and hooks, not 42"],
    [
      () => ({ name: "a" }),
      "modules[0]: a module is an object with a name and hooks, not a function; call it: a module is what the function returns",
    ],
    [[], "modules[0].name: want lower-case words with hyphens, found undefined"],
    [{}, "modules[0].name: want lower-case words with hyphens, found undefined"],
    [{ name: "" }, 'modules[0].name: want lower-case words with hyphens, found ""'],
    [{ name: "DNSBL" }, 'modules[0].name: want lower-case words with hyphens, found "DNSBL"'],
    [{ name: "a b" }, 'modules[0].name: want lower-case words with hyphens, found "a b"'],
    [{ name: "-a" }, 'modules[0].name: want lower-case words with hyphens, found "-a"'],
    [{ name: "a\n" }, 'modules[0].name: want lower-case words with hyphens, found "a\\n"'],
    [{ name: {} }, "modules[0].name: want lower-case words with hyphens, found an object"],
    [
      { name: "a", rcptt: handler },
      `modules[0] (a).rcptt: no such stage or property; the stages are ${stageList}`,
    ],
    [{ name: "a", rcpt: "no" }, 'modules[0] (a).rcpt: want a function or { handler, … }, found "no"'],
    [{ name: "a", rcpt: null }, "modules[0] (a).rcpt: want a function or { handler, … }, found null"],
    [
      { name: "a", rcpt: [handler] },
      "modules[0] (a).rcpt.0: no such option; the options of a hook are " + optionList,
    ],
    [{ name: "a", rcpt: {} }, "modules[0] (a).rcpt.handler: want a function, found undefined"],
    [{ name: "a", rcpt: { handler: "x" } }, 'modules[0] (a).rcpt.handler: want a function, found "x"'],
    [
      { name: "a", rcpt: { handler, timout: 5 } },
      `modules[0] (a).rcpt.timout: no such option; the options of a hook are ${optionList}`,
    ],
    [
      { name: "a", rcpt: { handler, timeout: 0 } },
      "modules[0] (a).rcpt.timeout: want milliseconds from 1 to 120000, found 0",
    ],
    [
      { name: "a", rcpt: { handler, timeout: 120_001 } },
      "modules[0] (a).rcpt.timeout: want milliseconds from 1 to 120000, found 120001",
    ],
    [
      { name: "a", greeting: { handler, timeout: 30_001 } },
      "modules[0] (a).greeting.timeout: want milliseconds from 1 to 30000, found 30001",
    ],
    [
      { name: "a", rcpt: { handler, timeout: NaN } },
      "modules[0] (a).rcpt.timeout: want milliseconds from 1 to 120000, found NaN",
    ],
    [
      { name: "a", rcpt: { handler, timeout: "3s" } },
      'modules[0] (a).rcpt.timeout: want milliseconds from 1 to 120000, found "3s"',
    ],
    [
      { name: "a", rcpt: { handler, onError: "ignore" } },
      'modules[0] (a).rcpt.onError: want "defer", "continue" or "disconnect", found "ignore"',
    ],
    [
      { name: "a", rcpt: { handler, order: "frist" } },
      'modules[0] (a).rcpt.order: want "first" or "last", found "frist"',
    ],
    [
      { name: "a", rcpt: { handler, before: "spf" } },
      'modules[0] (a).rcpt.before: want an array of module names, found "spf"',
    ],
    [
      { name: "a", rcpt: { handler, content: false } },
      "modules[0] (a).rcpt.content: an option of message and queue only",
    ],
    [
      { name: "a", rcpt: { handler, methods: ["password"] } },
      "modules[0] (a).rcpt.methods: an option of auth only",
    ],
    [
      { name: "a", auth: { handler, methods: "keys" } },
      'modules[0] (a).auth.methods: want a list of password, keys, token, certificate, found "keys"',
    ],
    [
      { name: "a", auth: { handler, methods: ["keys", "plain"] } },
      'modules[0] (a).auth.methods: want a list of password, keys, token, certificate, found ["keys","plain"]',
    ],
    [
      { name: "a", auth: { handler, methods: [] } },
      "modules[0] (a).auth.methods: want a list of password, keys, token, certificate, found []",
    ],
    [
      { name: "a", message: { handler, quarantine: true } },
      "modules[0] (a).message.quarantine: an option of queue only",
    ],
    [
      { name: "a", queue: { handler, content: "no" } },
      'modules[0] (a).queue.content: want true or false, found "no"',
    ],
    [{ name: "a", order: 1 }, 'modules[0] (a).order: want "first" or "last", found 1'],
    [{ name: "a", after: "spf" }, 'modules[0] (a).after: want an array of module names, found "spf"'],
    [{ name: "a", before: [7] }, "modules[0] (a).before: want an array of module names, found an array"],
    [{ name: "a", session: {} }, "modules[0] (a).session: want a function, found an object"],
    [{ name: "a", transaction: null }, "modules[0] (a).transaction: want a function, found null"],
    [{ name: "a", report: "log" }, 'modules[0] (a).report: want a function, found "log"'],
  ];
  for (const [module, message] of cases) {
    test(message.slice(0, 100), () => {
      assert.throws(
        () => composeChain([module as AnyModule]),
        (error) => error instanceof ModuleError && error.code === "SMTPD_MODULE" && error.message === message,
      );
    });
  }

  test("the place in the list counts", () => {
    const modules = [{ name: "a" }, { name: "b", rcpt: 1 } as unknown as AnyModule];
    assert.throws(() => composeChain(modules), /^ModuleError: modules\[1\] \(b\)\.rcpt: /);
  });

  test("two modules of one name", () => {
    assert.throws(
      () => composeChain([{ name: "a" }, { name: "b" }, { name: "a" }]),
      /modules\[2\]\.name: "a" is also the name of modules\[0\]; give one of them another: /,
    );
  });
});

describe("a list of modules is taken", () => {
  test("when it is empty, and then reads nothing", () => {
    const chain = composeChain([]);
    assert.deepEqual(
      [chain.readsHeaders, chain.readsContent, chain.hasState, chain.observers.length],
      [false, false, false, 0],
    );
  });

  test("with every stage as a function and as options", () => {
    for (const stage of stages) {
      const { budgetMs } = stageRow(stage);
      const chain = composeChain([
        { name: "a", [stage]: handler },
        { name: "b", [stage]: { handler, timeout: budgetMs, onError: "continue", order: "first" } },
      ]);
      const [first, second] = chain.taps[stage];
      assert.deepEqual([first?.module, second?.module], ["b", "a"]);
      assert.deepEqual([first?.hook?.timeoutMs, first?.hook?.onError], [budgetMs, "continue"]);
      assert.deepEqual([second?.hook?.timeoutMs, second?.hook?.onError], [defaultTimeoutMs, "defer"]);
    }
  });

  test("when a stage is undefined, as a conditional leaves it", () => {
    const chain = composeChain([{ name: "a", rcpt: undefined } as unknown as AnyModule]);
    assert.equal(chain.taps.rcpt.length, 0);
  });

  test("as instances of a class; a hook's `this` is its module", () => {
    class Counter {
      readonly name = "counter";
      #seen = 0;
      rcpt(): void {
        this.#seen += 1;
      }
      seen(): number {
        return this.#seen;
      }
    }
    const counter = new Counter();
    const hook = composeChain([counter]).taps.rcpt[0]?.hook;
    void hook?.handler({} as never);
    assert.equal(counter.seen(), 1);
  });
});

describe("a chain knows", () => {
  const cases: readonly [
    why: string,
    module: AnyModule,
    headers: boolean,
    content: boolean,
    state: boolean,
  ][] = [
    ["that nobody reads", { name: "a", rcpt: handler }, false, false, false],
    ["who reads the headers", { name: "a", headers: handler }, true, false, false],
    ["who reads the body as it comes", { name: "a", body: handler }, true, false, false],
    ["who reads the message", { name: "a", message: handler }, true, true, false],
    ["who says not to", { name: "a", message: { handler, content: false } }, false, false, false],
    ["who reads what is queued", { name: "a", queue: handler }, true, true, false],
    ["who says not to, there", { name: "a", queue: { handler, content: false } }, false, false, false],
    ["that session() may bring a reader", { name: "a", session: () => ({}) }, true, true, true],
    ["that transaction() may bring a reader", { name: "a", transaction: () => ({}) }, true, true, true],
  ];
  for (const [why, module, headers, content, state] of cases) {
    test(why, () => {
      const chain = composeChain([module]);
      assert.deepEqual([chain.readsHeaders, chain.readsContent, chain.hasState], [headers, content, state]);
    });
  }
});
