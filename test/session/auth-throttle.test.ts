// The count of failed logins: what counts as one client and one account, for how long, and that it is bounded.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AuthThrottle, networkOf } from "../../src/session/auth-throttle.ts";
import type { ThrottleLimits } from "../../src/session/auth-throttle.ts";

const limits: ThrottleLimits = {
  authFailuresPerAddress: 3,
  authFailuresPerAccount: 2,
  authFailureWindowMs: 1_000,
};

function failing(times: number, address: string, account: string, now = 0): AuthThrottle {
  const throttle = new AuthThrottle();
  for (let time = 0; time < times; time += 1) throttle.failed(address, account, limits, now);
  return throttle;
}

describe("the count of failed logins", () => {
  test("stops an account from any address", () => {
    const throttle = failing(2, "192.0.2.1", "tim");
    assert.equal(throttle.over("192.0.2.9", "tim", limits, 0), "authFailuresPerAccount");
    assert.equal(throttle.over("192.0.2.1", "tom", limits, 0), undefined);
  });

  test("stops an address for any account", () => {
    const throttle = failing(3, "192.0.2.1", "");
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 0), "authFailuresPerAddress");
    assert.equal(throttle.over("192.0.2.2", "tim", limits, 0), undefined);
  });

  test("lets all try again when the time is over, counted from the first failure", () => {
    const throttle = failing(1, "192.0.2.1", "tim", 0);
    throttle.failed("192.0.2.1", "tim", limits, 900);
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 999), "authFailuresPerAccount");
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 1_000), undefined);
    throttle.failed("192.0.2.1", "tim", limits, 1_000);
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 1_001), undefined);
  });

  test("forgets those of an account that logs in, not those of its address", () => {
    const throttle = failing(3, "192.0.2.1", "tim");
    throttle.succeeded("192.0.2.2", "tim");
    assert.equal(throttle.over("192.0.2.2", "tim", limits, 0), undefined);
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 0), "authFailuresPerAddress");
  });

  test("takes names for one account that differ in case or form", () => {
    const throttle = failing(2, "192.0.2.1", "Jürgen");
    assert.equal(throttle.over("192.0.2.9", "JU\u0308RGEN", limits, 0), "authFailuresPerAccount");
  });

  test("takes names for one account that back ends do not tell apart (RFC 4013 §2.1, RFC 4518 §2.2)", () => {
    const names = [
      "t\u00adim",
      "tim ",
      "  tim",
      "t\u200bim",
      "tim\u3000",
      "\uff54im",
      "ti\x01m",
      "t\u1806im",
    ];
    for (const name of [...names, `${"\u00ad".repeat(300)}tim`]) {
      assert.equal(
        failing(2, "192.0.2.1", name).over("192.0.2.9", "tim", limits, 0),
        "authFailuresPerAccount",
        JSON.stringify(name),
      );
    }
    assert.equal(failing(2, "192.0.2.1", "tom").over("192.0.2.9", "tim", limits, 0), undefined);
  });

  test("lets an account in where it has logged in before, whoever fails elsewhere", () => {
    const throttle = new AuthThrottle();
    throttle.succeeded("2001:db8::1", "tim");
    for (let time = 0; time < 50; time += 1) throttle.failed(`192.0.2.${time}`, "tim", limits, 0);
    assert.equal(throttle.over("192.0.2.99", "tim", limits, 0), "authFailuresPerAccount");
    assert.equal(throttle.over("2001:db8::2", "tim", limits, 0), undefined);
    // To log in there forgives nobody elsewhere
    throttle.succeeded("2001:db8::2", "tim");
    assert.equal(throttle.over("192.0.2.99", "tim", limits, 0), "authFailuresPerAccount");
  });

  test("counts failures there too, for themselves", () => {
    const throttle = new AuthThrottle();
    throttle.succeeded("198.51.100.1", "tim");
    for (let time = 0; time < 2; time += 1) throttle.failed("198.51.100.1", "tim", limits, 0);
    assert.equal(throttle.over("198.51.100.1", "tim", limits, 0), "authFailuresPerAccount");
    assert.equal(throttle.over("192.0.2.1", "tim", limits, 0), undefined);
  });

  test("remembers 16 networks of an account, the latest", () => {
    const throttle = new AuthThrottle();
    for (let number = 0; number < 17; number += 1) throttle.succeeded(`198.51.100.${number}`, "tim");
    for (let time = 0; time < 2; time += 1) throttle.failed("192.0.2.1", "tim", limits, 0);
    assert.equal(throttle.over("198.51.100.0", "tim", limits, 0), "authFailuresPerAccount");
    assert.equal(throttle.over("198.51.100.1", "tim", limits, 0), undefined);
  });

  test("has no limit where it is 0", () => {
    const throttle = failing(50, "192.0.2.1", "tim");
    const none = { ...limits, authFailuresPerAddress: 0, authFailuresPerAccount: 0 };
    assert.equal(throttle.over("192.0.2.1", "tim", none, 0), undefined);
  });

  test("remembers 10,000 accounts, the latest", () => {
    const throttle = failing(2, "192.0.2.1", "first");
    for (let number = 0; number < 10_000; number += 1)
      throttle.failed("192.0.2.1", `user${number}`, limits, 0);
    assert.equal(throttle.over("192.0.2.9", "first", limits, 0), undefined);
    throttle.failed("192.0.2.1", "user9999", limits, 0);
    assert.equal(throttle.over("192.0.2.9", "user9999", limits, 0), "authFailuresPerAccount");
  });
});

describe("one client is", () => {
  const cases: readonly [a: string, b: string, same: boolean][] = [
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["2001:db8::1", "2001:db8::ffff:2", true],
    ["2001:db8:0:0:1::", "2001:db8::1", true],
    ["2001:db8:0:1::1", "2001:db8::1", false],
    ["::1", "::2", true],
    ["::1", "1::", false],
  ];
  for (const [a, b, same] of cases) {
    test(`${same ? "both" : "one"} of ${a} and ${b}`, () => {
      assert.equal(networkOf(a) === networkOf(b), same);
    });
  }
});
