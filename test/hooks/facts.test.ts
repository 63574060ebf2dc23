// Facts (src/hooks/facts.ts): typed values that modules leave for each other.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fact, Facts } from "../../src/hooks/facts.ts";

const spf = fact<string>("spf");
const score = fact<number | undefined>("score");

describe("facts", () => {
  test("are what was set last, and undefined before", () => {
    const facts = new Facts();
    assert.equal(facts.get(spf), undefined);
    facts.set(spf, "none");
    facts.set(spf, "pass");
    assert.equal(facts.get(spf), "pass");
  });

  test("of the same name are two when their keys are two", () => {
    const other = fact<number>("spf");
    const facts = new Facts();
    facts.set(spf, "pass");
    assert.equal(facts.get(other), undefined);
    facts.set(other, 1);
    assert.deepEqual([facts.get(spf), facts.get(other)], ["pass", 1]);
  });

  test("may be undefined and set", () => {
    const facts = new Facts();
    assert.equal(facts.has(score), false);
    facts.set(score, undefined);
    assert.equal(facts.has(score), true);
  });

  test("of a transaction hide those of the session, and leave them as they were", () => {
    const session = new Facts();
    const transaction = new Facts(session);
    session.set(spf, "session");
    assert.equal(transaction.get(spf), "session");
    assert.ok(transaction.has(spf));
    transaction.set(spf, "transaction");
    assert.deepEqual([transaction.get(spf), session.get(spf)], ["transaction", "session"]);
    assert.equal(new Facts(session).get(spf), "session");
  });

  test("of a transaction that are undefined hide those of the session too", () => {
    const session = new Facts();
    const transaction = new Facts(session);
    session.set(score, 5);
    transaction.set(score, undefined);
    assert.equal(transaction.get(score), undefined);
  });

  test("are listed by name, those of the session first", () => {
    const session = new Facts();
    const transaction = new Facts(session);
    transaction.set(spf, "pass");
    session.set(score, 5);
    assert.deepEqual(
      [...transaction.entries()],
      [
        ["score", 5],
        ["spf", "pass"],
      ],
    );
    assert.deepEqual([...session.entries()], [["score", 5]]);
  });
});
