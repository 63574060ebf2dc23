// DNS from a table: what it answers, what fails, what is asked and given up.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DnsError } from "../../src/hooks/environment.ts";
import { fakeClock, fakeDns } from "../../src/testing/index.ts";
import type { DnsZone } from "../../src/testing/index.ts";

const failsWith = (code: string) => (error: unknown) => error instanceof DnsError && error.code === code;

describe("the fake DNS", () => {
  test("answers every type of record from the table", async () => {
    const dns = fakeDns({
      "Mail.Example.": { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"], TXT: ["v=spf1 -all"] },
      example: {
        MX: [
          { exchange: "b.example", priority: 20 },
          { exchange: "a.example", priority: 10 },
        ],
      },
      "192.0.2.1": { PTR: ["mail.example"] },
    });
    assert.deepEqual(await dns.resolve4("mail.example"), ["192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(await dns.resolve6("MAIL.example"), ["2001:db8::1"]);
    assert.deepEqual(await dns.resolveTxt("mail.example"), ["v=spf1 -all"]);
    const exchangers = await dns.resolveMx("example");
    assert.deepEqual(
      exchangers.map(({ exchange }) => exchange),
      ["a.example", "b.example"],
    );
    assert.deepEqual(await dns.reverse("192.0.2.1"), ["mail.example"]);
    assert.deepEqual(dns.asked, [
      "A mail.example",
      "AAAA MAIL.example",
      "TXT mail.example",
      "MX example",
      "PTR 192.0.2.1",
    ]);
  });

  test("knows no other name and no other type", async () => {
    const dns = fakeDns({ "a.example": { A: ["192.0.2.1"] } });
    assert.deepEqual(await dns.resolve4("b.example"), []);
    assert.deepEqual(await dns.resolveTxt("a.example"), []);
    assert.deepEqual(await fakeDns().reverse("192.0.2.1"), []);
  });

  for (const failure of ["timeout", "servfail", "refused"] as const) {
    test(`fails at once with "${failure}", for a name or a type`, async () => {
      const dns = fakeDns({ "all.example": failure, "some.example": { A: failure, TXT: ["x"] } });
      await assert.rejects(dns.resolve4("all.example"), failsWith(failure));
      await assert.rejects(dns.resolveMx("all.example"), failsWith(failure));
      await assert.rejects(dns.resolve4("some.example"), failsWith(failure));
      assert.deepEqual(await dns.resolveTxt("some.example"), ["x"]);
      assert.deepEqual(dns.abandoned, []);
    });
  }

  test('leaves what "hangs" until its signal aborts', async () => {
    const dns = fakeDns({ "slow.example": "hangs" });
    const controller = new AbortController();
    const pending = dns.resolve4("slow.example", { signal: controller.signal });
    controller.abort();
    await assert.rejects(pending, failsWith("aborted"));
    await assert.rejects(dns.resolve4("slow.example", { signal: controller.signal }), failsWith("aborted"));
    assert.deepEqual(dns.abandoned, ["A slow.example", "A slow.example"]);
  });

  test("does not count a look-up as abandoned whose answer was there", async () => {
    const dns = fakeDns({ "a.example": { A: ["192.0.2.1"] } });
    const controller = new AbortController();
    await dns.resolve4("a.example", { signal: controller.signal }).then(() => controller.abort());
    assert.deepEqual(dns.abandoned, []);
  });

  test("answers after the given time on the clock", async () => {
    const clock = fakeClock();
    const dns = fakeDns({ "a.example": { A: ["192.0.2.1"], afterMs: 500 } }, { clock });
    const answered = dns.resolve4("a.example").then((addresses) => [clock.elapsedMs, ...addresses]);
    const controller = new AbortController();
    const abandoned = assert.rejects(dns.resolve4("a.example", { signal: controller.signal }));
    controller.abort();
    await abandoned;
    assert.equal(clock.pending.length, 1);
    await clock.advance(1_000);
    assert.deepEqual(await answered, [500, "192.0.2.1"]);
  });

  test("asks a function at each look-up", async () => {
    let count = 0;
    const dns = fakeDns({
      "a.example": { A: () => [`192.0.2.${(count += 1)}`] },
      "b.example": {
        A: () => {
          throw new RangeError("oops");
        },
      },
    });
    assert.deepEqual(await dns.resolve4("a.example"), ["192.0.2.1"]);
    assert.deepEqual(await dns.resolve4("a.example"), ["192.0.2.2"]);
    await assert.rejects(dns.resolve4("b.example"), RangeError);
  });

  test("takes changes", async () => {
    const dns = fakeDns({ "a.example": "servfail" });
    dns.set("A.example", { A: ["192.0.2.1"] });
    assert.deepEqual(await dns.resolve4("a.example"), ["192.0.2.1"]);
  });

  const wrong: readonly [zone: unknown, message: RegExp][] = [
    [
      { "a.example": { CNAME: ["b"] } },
      /"a\.example"\.CNAME: no such record; there are A, AAAA, TXT, MX, PTR/,
    ],
    [{ "a.example": "nxdomain" }, /"a\.example": want one of timeout, servfail, refused, hangs/],
    [{ "a.example": { A: "nxdomain" } }, /"a\.example"\.A: want an array, a failure or a function/],
    [{ "a.example": { A: ["2001:db8::1"] } }, /"a\.example"\.A: want IPv4 addresses, found "2001:db8::1"/],
    [{ "a.example": ["192.0.2.1"] }, /"a\.example": want records/],
    [{ "a.example": { afterMs: 5 } }, /afterMs: wants the option clock/],
  ];
  for (const [zone, message] of wrong) {
    test(`refuses ${JSON.stringify(zone)}`, () => {
      assert.throws(() => fakeDns(zone as DnsZone), message);
    });
  }
});
