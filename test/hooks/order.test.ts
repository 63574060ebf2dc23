// The effective order of hooks (src/hooks/order.ts, chain.ts): configuration, then first and last, then before and after.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { composeChain, ModuleError } from "../../src/hooks/chain.ts";
import type { AnyModule, Order } from "../../src/hooks/module.ts";
import { sortByOrder } from "../../src/hooks/order.ts";

type Entries = Readonly<Record<string, Order>>;

function sort(entries: Entries): string {
  const list = Object.entries(entries).map(([name, order]) => ({ name, order, value: name }));
  const result = sortByOrder(list);
  return "cycle" in result ? `cycle ${result.cycle.join(" ")}` : result.sorted.join(" ");
}

describe("modules stand in this order", () => {
  const cases: readonly [why: string, entries: Entries, order: string][] = [
    ["that of the configuration, without options", { c: {}, a: {}, b: {} }, "c a b"],
    ["first ones before the others", { a: {}, b: { order: "first" }, c: {} }, "b a c"],
    ["last ones behind the others", { a: { order: "last" }, b: {}, c: {} }, "b c a"],
    [
      "several first and last ones among themselves as configured",
      { a: { order: "last" }, b: { order: "first" }, c: {}, d: { order: "last" }, e: { order: "first" } },
      "b e c a d",
    ],
    ["who is named in before waits", { a: {}, b: {}, c: { before: ["a"] } }, "b c a"],
    ["who has an after waits", { a: { after: ["c"] }, b: {}, c: {} }, "b c a"],
    ["what is right already stays", { a: { before: ["b"] }, b: { after: ["a"] }, c: {} }, "a b c"],
    [
      "before and after count more than first and last",
      { a: { order: "first", after: ["b"] }, b: {} },
      "b a",
    ],
    ["even against a last one", { a: {}, b: { order: "last", before: ["a"] } }, "b a"],
    [
      "chains are followed",
      { a: { after: ["b"] }, b: { after: ["c"] }, c: { after: ["d"] }, d: {} },
      "d c b a",
    ],
    ["several names", { a: { after: ["b", "c"] }, b: {}, c: {} }, "b c a"],
    ["unknown names are ignored", { a: { after: ["nobody"], before: ["nothing"] }, b: {} }, "a b"],
    ["a module's own name is ignored", { a: { after: ["a"], before: ["a"] }, b: {} }, "a b"],
    ["nothing at all", {}, ""],
  ];
  for (const [why, entries, order] of cases) test(why, () => assert.equal(sort(entries), order));
});

describe("a circle is named", () => {
  const cases: readonly [why: string, entries: Entries, cycle: string][] = [
    ["of two", { a: { after: ["b"] }, b: { after: ["a"] } }, "cycle b a b"],
    ["of before and after", { a: { before: ["b"] }, b: { before: ["a"] } }, "cycle b a b"],
    ["of three", { a: { after: ["b"] }, b: { after: ["c"] }, c: { after: ["a"] } }, "cycle c b a c"],
    [
      "without those that only wait for it",
      { x: { after: ["a"] }, a: { after: ["b"] }, b: { after: ["a"] }, y: { order: "last" } },
      "cycle b a b",
    ],
  ];
  for (const [why, entries, cycle] of cases) test(why, () => assert.equal(sort(entries), cycle));

  test("in the error of a chain, with its stage", () => {
    const modules: AnyModule[] = [
      { name: "spf", after: ["dkim"], mail: () => undefined },
      { name: "dkim", after: ["spf"], mail: () => undefined },
    ];
    assert.throws(
      () => composeChain(modules),
      (error) => {
        assert.ok(error instanceof ModuleError);
        assert.equal(error.message, "modules, stage mail: before/after make a circle: dkim → spf → dkim");
        assert.equal(error.code, "SMTPD_MODULE");
        return true;
      },
    );
  });

  test("only where the modules meet at a stage", () => {
    const modules: AnyModule[] = [
      { name: "spf", after: ["dkim"], mail: () => undefined },
      { name: "dkim", after: ["spf"], message: () => undefined },
    ];
    assert.doesNotThrow(() => composeChain(modules));
  });
});

describe("in a chain", () => {
  const names = (modules: readonly AnyModule[], stage: "rcpt" | "mail"): string[] =>
    composeChain(modules).taps[stage].map(({ module, scope }) =>
      scope === "module" ? module : `${module}.${scope}`,
    );

  test("a hook's own order counts more than its module's, per stage", () => {
    const handler = (): void => undefined;
    const modules: AnyModule[] = [
      { name: "a", mail: handler, rcpt: handler },
      { name: "b", order: "first", mail: handler, rcpt: { handler, order: "last" } },
      { name: "c", mail: handler, rcpt: handler },
    ];
    assert.deepEqual(names(modules, "mail"), ["b", "a", "c"]);
    assert.deepEqual(names(modules, "rcpt"), ["a", "c", "b"]);
  });

  test("a hook keeps of its module's order what it does not say itself", () => {
    const handler = (): void => undefined;
    const modules: AnyModule[] = [
      { name: "a", after: ["b"], mail: { handler, timeout: 5 } },
      { name: "b", mail: handler },
    ];
    assert.deepEqual(names(modules, "mail"), ["b", "a"]);
  });

  test("hooks of session() and transaction() stand behind the module's own, in its place", () => {
    const modules: AnyModule[] = [
      { name: "a", order: "last", session: () => ({}), transaction: () => ({}), rcpt: () => undefined },
      { name: "b", rcpt: () => undefined },
    ];
    assert.deepEqual(names(modules, "rcpt"), ["b", "a", "a.session", "a.transaction"]);
  });

  test("transaction() is asked at the stages of a transaction only", () => {
    const { taps } = composeChain([{ name: "a", transaction: () => ({}) }]);
    const asked = Object.entries(taps).flatMap(([stage, list]) => (list.length > 0 ? [stage] : []));
    assert.deepEqual(asked, ["mail", "rcpt", "data", "headers", "body", "message", "queue"]);
  });
});

test("for any modules the order keeps every rule that it can, or names a circle", () => {
  const name = fc.constantFrom("a", "b", "c", "d", "e");
  const order = fc.record(
    {
      order: fc.constantFrom<"first" | "last">("first", "last"),
      before: fc.array(name, { maxLength: 2 }),
      after: fc.array(name, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, order), { selector: ([key]) => key }), (list) => {
      const entries: Entries = Object.fromEntries(list);
      const result = sort(entries);
      const known = Object.keys(entries);
      const mustPrecede = (a: string, b: string): boolean =>
        a !== b && ((entries[a]?.before?.includes(b) ?? false) || (entries[b]?.after?.includes(a) ?? false));
      if (result.startsWith("cycle ")) {
        const circle = result.slice(6).split(" ");
        assert.ok(circle.length > 2 && circle[0] === circle.at(-1));
        for (const [index, from] of circle.slice(0, -1).entries())
          assert.ok(mustPrecede(from, circle[index + 1] ?? ""));
        return;
      }
      const sorted = result === "" ? [] : result.split(" ");
      assert.deepEqual(sorted.toSorted(), known.toSorted());
      for (const [index, later] of sorted.entries())
        for (const earlier of sorted.slice(index))
          assert.ok(!mustPrecede(earlier, later) || earlier === later);
    }),
  );
});
