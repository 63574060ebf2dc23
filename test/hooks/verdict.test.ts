// Verdicts (src/hooks/verdict.ts): the class of a code is bound to the constructor, at run time too; what is no verdict
// cannot pass for one.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  accept,
  defer,
  discard,
  disconnect,
  quarantine,
  queued,
  reject,
  reply,
  Verdict,
} from "../../src/hooks/verdict.ts";

/** The constructors as a user without a compiler sees them. */
const loose = { accept, defer, discard, disconnect, quarantine, queued, reject, reply } as unknown as Record<
  string,
  (...args: readonly unknown[]) => Verdict
>;

describe("a verdict carries what it was made with", () => {
  const cases: readonly [verdict: Verdict, fields: readonly unknown[]][] = [
    [accept(), ["accept", undefined, undefined, undefined]],
    [accept("Fine"), ["accept", undefined, "Fine", undefined]],
    [reject("5.7.1", "No"), ["reject", "5.7.1", "No", undefined]],
    [reject("5.1.1", ["No", "such"], { code: 553 }), ["reject", "5.1.1", ["No", "such"], 553]],
    [defer("4.7.1", "Later"), ["defer", "4.7.1", "Later", undefined]],
    [defer("4.3.1", "Full", { code: 452 }), ["defer", "4.3.1", "Full", 452]],
    [disconnect(), ["disconnect", "4.7.0", "Closing connection", undefined]],
    [disconnect("5.7.0", "Go", { code: 554 }), ["disconnect", "5.7.0", "Go", 554]],
    [discard(), ["discard", undefined, undefined, undefined]],
    [discard("Taken"), ["discard", undefined, "Taken", undefined]],
    [quarantine("Odd"), ["quarantine", undefined, "Odd", undefined]],
    [queued(), ["queued", undefined, undefined, undefined]],
    [queued("as 1"), ["queued", undefined, "as 1", undefined]],
    [reply(252, "2.1.5", "Perhaps"), ["reply", "2.1.5", "Perhaps", 252]],
  ];
  for (const [verdict, fields] of cases) {
    test(`${verdict.kind} ${JSON.stringify(fields.slice(1))}`, () => {
      assert.deepEqual([verdict.kind, verdict.enhanced, verdict.text, verdict.code], fields);
      assert.ok(Verdict.is(verdict));
    });
  }
});

describe("a constructor refuses with TypeError", () => {
  const cases: readonly [name: string, ...args: unknown[]][] = [
    ["reject", "4.7.1", "class 4"],
    ["reject", "2.0.0", "class 2"],
    ["reject", "3.0.0", "no such class"],
    ["reject", "5.7", "two numbers"],
    ["reject", "5.7.1.1", "four numbers"],
    ["reject", "5.07.1", "leading zero"],
    ["reject", "5.1000.1", "four digits"],
    ["reject", "5.7.1\r\n250 Ok", "more lines"],
    ["reject", " 5.7.1", "a blank"],
    ["reject", undefined, "none"],
    ["reject", 571, "a number"],
    ["reject", ["5.7.1"], "an array"],
    ["reject", "5.7.1", "code of class 4", { code: 450 }],
    ["reject", "5.7.1", "code of no class", { code: 600 }],
    ["reject", "5.7.1", "half a code", { code: 550.5 }],
    ["reject", "5.7.1", "a code as text", { code: "550" }],
    ["reject", "5.7.1", "no number", { code: NaN }],
    ["reject", "5.7.1", 42],
    ["reject", "5.7.1", new Error("as text")],
    ["reject", "5.7.1", null],
    ["reject", "5.7.1", ["one", 2]],
    ["reject", "5.7.1", { toString: () => "x" }],
    ["defer", "5.7.1", "class 5"],
    ["defer", "2.0.0", "class 2"],
    ["defer", "4.7.1", "code of class 5", { code: 550 }],
    ["defer", "4.7.1", new Error("as text")],
    ["disconnect", "2.0.0", "class 2"],
    ["disconnect", "4.7.0", "code of class 2", { code: 250 }],
    ["disconnect", "4.7.0", 42],
    ["accept", 42],
    ["discard", {}],
    ["quarantine", 42],
    ["queued", true],
    ["reply", 550, "2.0.0", "code of class 5"],
    ["reply", 354, "2.0.0", "code of class 3"],
    ["reply", 250, "5.0.0", "class 5"],
    ["reply", 250, "2.0.0", 42],
  ];
  for (const [name, ...args] of cases) {
    test(`${name}(${args.map((arg) => JSON.stringify(arg) ?? String(arg)).join(", ")})`, () => {
      assert.throws(() => loose[name]?.(...args), TypeError);
    });
  }

  test("and says which class it wants", () => {
    assert.throws(
      () => loose["reject"]?.("4.7.1", "x"),
      /^TypeError: Enhanced status code 4\.7\.1: want class 5/,
    );
    assert.throws(() => loose["disconnect"]?.("2.0.0", "x"), /want class 4 or 5, for instance 4\.7\.1/);
    assert.throws(() => loose["defer"]?.("4.7.1", "x", { code: 550 }), /Reply code 550: want 4xx/);
  });
});

describe("what looks like a verdict is none:", () => {
  const verdict = reject("5.7.1", "No");
  const cases: readonly [what: string, value: unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["text", "reject"],
    ["a number", 550],
    ["a constructor", reject],
    ["its fields", Object.assign({}, verdict)],
    ["its JSON", JSON.parse(JSON.stringify(verdict))],
    ["an heir", Object.create(verdict)],
    ["an object of its class's prototype", Object.create(Verdict.prototype)],
    ["a proxy", new Proxy(verdict, {})],
  ];
  for (const [what, value] of cases) test(what, () => assert.equal(Verdict.is(value), false));
});

describe("a verdict cannot be changed", () => {
  for (const verdict of [accept(), discard(), queued(), reject("5.7.1", "No"), quarantine("x")]) {
    test(verdict.kind, () => {
      const open = verdict as unknown as Record<string, unknown>;
      assert.throws(() => {
        open["text"] = "other";
      }, TypeError);
      assert.throws(() => {
        open["kind"] = "accept";
      }, TypeError);
    });
  }
});

test("verdicts without a text are made once", () => {
  assert.equal(accept(), accept());
  assert.equal(discard(), discard());
  assert.equal(queued(), queued());
  assert.notEqual(accept("x"), accept("x"));
});
