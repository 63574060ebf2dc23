// What the parameters of MAIL and RCPT say, as values of the envelope (src/session/requests.ts).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Envelope, Recipient } from "../../src/hooks/stages.ts";
import { recipientDsn, validSinceOf } from "../../src/session/requests.ts";
import { AcceptedRecipient } from "../../src/session/recipient.ts";
import { Transaction } from "../../src/session/transaction.ts";
import { address, makeEnvironment, makeSession } from "./fixtures.ts";

type Parameters = Readonly<Record<string, string | undefined>>;

const now = Date.UTC(2030, 0, 1);

function transactionWith(parameters: Parameters, authenticated = false): Transaction {
  const environment = makeEnvironment();
  const { clock } = environment;
  const standing = { now: () => now, monotonic: () => 0, after: clock.after };
  const session = makeSession({ ...environment, clock: standing });
  if (authenticated) session.auth = { username: "user", mechanism: "PLAIN" };
  return new Transaction(session, address("a@client.test"), new Map(Object.entries(parameters)));
}

function recipientWith(parameters: Parameters): Recipient | undefined {
  const transaction = transactionWith({});
  const given = address("b@mx.test");
  const parametersGiven = new Map(Object.entries(parameters));
  transaction.addRecipient(new AcceptedRecipient(given, given, parametersGiven, undefined, "x"));
  return transaction.recipients[0];
}

type Values = Omit<Envelope, "sender" | "parameters" | "recipients">;

const nothing: Values = {
  dsn: { return: undefined, envelopeId: undefined },
  requireTls: false,
  priority: undefined,
  deliverBy: undefined,
  holdUntil: undefined,
  soliciting: [],
};

function valuesOf(transaction: Transaction): Values {
  const { dsn, requireTls, priority, deliverBy, holdUntil, soliciting } = transaction;
  return { dsn, requireTls, priority, deliverBy, holdUntil, soliciting };
}

describe("the envelope has", () => {
  const cases: readonly [parameters: Parameters, values: Partial<Values>][] = [
    [{}, {}],
    [{ SIZE: "100" }, {}],
    [{ RET: "full" }, { dsn: { return: "full", envelopeId: undefined } }],
    [{ RET: "HDRS", ENVID: "a+2Bb" }, { dsn: { return: "headers", envelopeId: "a+b" } }],
    [{ REQUIRETLS: undefined }, { requireTls: true }],
    [{ "MT-PRIORITY": "-4" }, { priority: -4 }],
    [{ "MT-PRIORITY": "0" }, { priority: 0 }],
    [{ BY: "120;R" }, { deliverBy: { by: now + 120_000, mode: "return", trace: false } }],
    [{ BY: "-1;NT" }, { deliverBy: { by: now - 1_000, mode: "notify", trace: true } }],
    [{ HOLDFOR: "60" }, { holdUntil: now + 60_000 }],
    [{ HOLDUNTIL: "2030-01-01T01:00:00+01:00" }, { holdUntil: now }],
    [{ SOLICIT: "net.example:ADV,a" }, { soliciting: ["net.example:ADV", "a"] }],
  ];
  for (const [parameters, values] of cases) {
    test(`${JSON.stringify(values)} with ${JSON.stringify(parameters)}`, () => {
      assert.deepEqual(valuesOf(transactionWith(parameters)), { ...nothing, ...values });
    });
  }

  test("nothing of what is no value", () => {
    const parameters = { RET: "x", ENVID: "+", "MT-PRIORITY": "x", BY: "x", HOLDFOR: "x", SOLICIT: "1" };
    assert.deepEqual(valuesOf(transactionWith(parameters)), nothing);
  });

  test("no priority above 0 without AUTH, what was asked for with it (RFC 6710 §4.1)", () => {
    assert.equal(transactionWith({ "MT-PRIORITY": "9" }).priority, 0);
    assert.equal(transactionWith({ "MT-PRIORITY": "9" }, true).priority, 9);
    assert.equal(transactionWith({}, true).priority, undefined);
  });

  test("the priority that was assigned, whoever asked for what", () => {
    const transaction = transactionWith({ "MT-PRIORITY": "-9" });
    transaction.assignedPriority = 3;
    assert.equal(transaction.priority, 3);
  });
});

describe("a recipient has", () => {
  const noDsn = { notify: undefined, originalRecipient: undefined };
  const since = { since: Date.UTC(2014, 3, 3, 23, 1), ifUnsupported: "continue" };
  const cases: readonly [parameters: Parameters, dsn: object, validSince: object | undefined][] = [
    [{}, noDsn, undefined],
    [{ NOTIFY: "NEVER" }, { ...noDsn, notify: "never" }, undefined],
    [{ NOTIFY: "Delay,SUCCESS" }, { ...noDsn, notify: ["delay", "success"] }, undefined],
    [
      { ORCPT: "rfc822;a+2Bb@example.com" },
      { ...noDsn, originalRecipient: { type: "rfc822", address: "a+b@example.com" } },
      undefined,
    ],
    [{ RRVS: "2014-04-03T23:01:00Z;C" }, noDsn, since],
    [{ RRVS: "x", NOTIFY: "x", ORCPT: "x" }, noDsn, undefined],
  ];
  for (const [parameters, dsn, validSince] of cases) {
    test(`what ${JSON.stringify(parameters)} says`, () => {
      const recipient = recipientWith(parameters);
      assert.deepEqual(recipient?.dsn, dsn);
      assert.deepEqual(recipient?.validSince, validSince);
    });
  }
});

test("RRVS is not to be looked at for roles (RFC 7293 §5.1)", () => {
  const parameters = new Map([["RRVS", "2014-04-03T23:01:00Z"]]);
  assert.equal(validSinceOf(address("Abuse@mx.test"), parameters), undefined);
  assert.equal(validSinceOf(address("ann@mx.test"), parameters)?.ifUnsupported, "reject");
});

test("without parameters the same empty values are given each time", () => {
  assert.equal(recipientDsn(new Map()), recipientDsn(new Map()));
  const transaction = transactionWith({});
  assert.equal(transaction.dsn, transaction.dsn);
});
