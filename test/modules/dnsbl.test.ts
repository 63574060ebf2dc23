// Whom the module dnsbl asks, what it counts, and how long it waits.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DnsError } from "../../src/hooks/environment.ts";
import { localNetworks } from "../../src/modules/dnsbl.ts";
import { greetingOf, meet } from "./dnsbl-lists.ts";
import type { Answer } from "./dnsbl-lists.ts";

const refusedBy = (zone: string, address = "192.0.2.1") => `554 ${address} is listed by ${zone}\r\n`;
const greeted = /^220 mx\.test/;
const failure = new DnsError("servfail", "broken");

describe("dnsbl asks", () => {
  const cases: [address: string, name: string][] = [
    ["192.0.2.99", "99.2.0.192.bl.test"], // RFC 5782 §2.1
    [
      "2001:db8:1:2:3:4:567:89ab",
      "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.test", // RFC 5782 §2.4
    ],
    ["2001:DB8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test"],
    ["64:ff9b::192.0.2.1", "1.0.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.bl.test"],
    ["2001:db8:1:1:1:1:1::", "0.0.0.0.1.0.0.0.1.0.0.0.1.0.0.0.1.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.test"],
  ];
  for (const [address, name] of cases) {
    test(`for ${address} backwards (RFC 5782 §2.1, §2.4)`, async () => {
      const { connection, dns } = meet({ zones: ["BL.test"] }, { [`A ${name}`]: ["127.0.0.2"] }, { address });
      assert.equal(await greetingOf(connection), refusedBy("BL.test", address));
      assert.deepEqual(dns.asked, [`A ${name}`]);
    });
  }

  test("all zones at once, each once", async () => {
    const zones = ["a.test", "b.test", { zone: "a.test", codes: "127.0.0.3" }];
    const { connection, dns } = meet({ zones, threshold: 3 }, { "A 1.2.0.192.a.test": ["127.0.0.3"] });
    assert.deepEqual(dns.asked, ["A 1.2.0.192.a.test", "A 1.2.0.192.b.test"]);
    assert.match(await greetingOf(connection), greeted);
  });

  for (const address of ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "fd00::1", "unknown"]) {
    test(`nobody about ${address}`, async () => {
      const { connection, dns, result } = meet({ zones: ["bl.test"] }, {}, { address });
      assert.match(await greetingOf(connection), greeted);
      assert.deepEqual(dns.asked, []);
      assert.equal(result(), undefined);
    });
  }

  test("nobody about the networks of `allow`, which replace the local ones", async () => {
    const options = { zones: ["bl.test"], allow: ["192.0.2.0/25", "2001:db8::/32", "198.51.100.7"] };
    for (const address of ["192.0.2.127", "2001:db8:ffff::1", "198.51.100.7"]) {
      assert.deepEqual(meet(options, {}, { address }).dns.asked, []);
    }
    for (const address of ["192.0.2.128", "2001:db9::1", "198.51.100.8", "127.0.0.2"]) {
      assert.equal(meet(options, {}, { address }).dns.asked.length, 1);
    }
    const both = { ...options, allow: [...localNetworks, ...options.allow] };
    assert.deepEqual(meet(both, {}, { address: "127.0.0.2" }).dns.asked, []);
  });
});

describe("dnsbl counts", () => {
  type Case = [what: string, codes: string | string[] | undefined, answers: string[], counted: string[]];
  const cases: Case[] = [
    ["every code by default", undefined, ["127.0.0.2", "127.0.1.255"], ["127.0.0.2", "127.0.1.255"]],
    ["the code it was told", "127.0.0.3", ["127.0.0.2", "127.0.0.3"], ["127.0.0.3"]],
    ["no other code", "127.0.0.3", ["127.0.0.30", "127.0.0.2"], []],
    [
      "codes of a range",
      "127.0.0.[2..11]",
      ["127.0.0.2", "127.0.0.11", "127.0.0.12"],
      ["127.0.0.2", "127.0.0.11"],
    ],
    [
      "numbers and ranges",
      "127.0.[1;3..4].2",
      ["127.0.2.2", "127.0.3.2", "127.0.1.2"],
      ["127.0.3.2", "127.0.1.2"],
    ],
    ["codes of several patterns", ["127.0.0.2", "127.0.0.4"], ["127.0.0.4", "127.0.0.3"], ["127.0.0.4"]],
    ["no 127.0.0.1", "127.0.0.[1..9]", ["127.0.0.1"], []],
    ["no refusal to serve", undefined, ["127.255.255.254"], []],
    ["nothing outside 127.0.0.0/8 (RFC 5782 §2.1)", undefined, ["192.0.2.7", "128.0.0.2", "12.7.0.0"], []],
    ["the code beside a bad answer", undefined, ["192.0.2.7", "127.0.0.2"], ["127.0.0.2"]],
  ];
  for (const [what, codes, answers, counted] of cases) {
    test(what, async () => {
      const zone = codes === undefined ? "bl.test" : { zone: "bl.test", codes };
      const { connection, result } = meet({ zones: [zone] }, { "A 1.2.0.192.bl.test": answers });
      const greeting = await greetingOf(connection);
      if (counted.length === 0) assert.match(greeting, greeted);
      else assert.equal(greeting, refusedBy("bl.test"));
      assert.deepEqual(result()?.hits.flatMap(({ codes }) => codes) ?? [], counted);
    });
  }

  test("weights, and refuses from the threshold", async () => {
    const zones = [
      { zone: "c.test", weight: -1 },
      { zone: "b.test", weight: 0.5 },
      { zone: "a.test", weight: 2 },
    ];
    const all = (names: string) =>
      Object.fromEntries(names.split("").map((name) => [`A 1.2.0.192.${name}.test`, ["127.0.0.2"]]));
    const cases: [listedBy: string, score: number, refused: boolean][] = [
      ["a", 2, true],
      ["b", 0.5, false],
      ["ab", 2.5, true],
      ["ac", 1, false],
      ["abc", 1.5, true],
      ["c", -1, false],
      ["", 0, false],
    ];
    for (const [listedBy, score, refused] of cases) {
      const { connection, result } = meet({ zones, threshold: 1.5 }, all(listedBy));
      assert.equal((await greetingOf(connection)).startsWith("554"), refused, listedBy);
      assert.deepEqual([result()?.score, result()?.listed], [score, refused], listedBy);
    }
  });

  test("several entries of one zone, each with its codes and weight", async () => {
    const zones = [
      { zone: "a.test", codes: "127.0.0.2", weight: 1 },
      { zone: "A.test", codes: "127.0.0.3", weight: 4, text: "no {zone}" },
    ];
    const { connection } = meet(
      { zones, threshold: 5 },
      { "A 1.2.0.192.a.test": ["127.0.0.3", "127.0.0.2"] },
    );
    assert.equal(await greetingOf(connection), "554 no A.test\r\n");
  });

  test("nothing when an allow list has the client", async () => {
    const zones = ["bl.test", { zone: "wl.test", type: "allow" as const }];
    const { connection, result } = meet(
      { zones },
      { "A 1.2.0.192.bl.test": ["127.0.0.2"], "A 1.2.0.192.wl.test": ["127.0.5.3"] },
    );
    assert.match(await greetingOf(connection), greeted);
    assert.equal(result()?.listed, false);
    assert.deepEqual(
      result()?.hits.map(({ list, type, weight }) => [list, type, weight]),
      [
        ["bl.test", "deny", 1],
        ["wl.test", "allow", 0],
      ],
    );
  });

  test("without refusing anybody when the threshold is Infinity", async () => {
    const { connection, result } = meet(
      { zones: ["bl.test"], threshold: Infinity },
      { "A 1.2.0.192.bl.test": ["127.0.0.2"] },
    );
    assert.match(await greetingOf(connection), greeted);
    assert.equal(result()?.score, 1);
  });
});

describe("dnsbl, where a list fails,", () => {
  const cases: [what: string, answer: Answer, reason: string][] = [
    ["its server", failure, "servfail"],
    ["the code under it", new RangeError("oops"), "error"],
    ["its service to us", ["127.255.255.254"], "not-served"],
    ["its sense", ["192.0.2.7"], "bad-answer"],
  ];
  for (const [what, answer, reason] of cases) {
    test(`${what}: warns, counts it as no answer and goes on`, async () => {
      const { connection, result, warnings, faults } = meet(
        { zones: ["bl.test"] },
        { "A 1.2.0.192.bl.test": answer },
      );
      assert.match(await greetingOf(connection), greeted);
      assert.deepEqual(result()?.failures, [{ list: "bl.test", reason }]);
      assert.deepEqual(
        warnings().map(({ module, data }) => [module, data?.["list"], data?.["reason"]]),
        [["dnsbl", "bl.test", reason]],
      );
      assert.deepEqual(faults(), []);
    });
  }

  test("still counts the others", async () => {
    const { connection } = meet(
      { zones: ["broken.test", "bl.test"], onError: "defer" },
      { "A 1.2.0.192.broken.test": failure, "A 1.2.0.192.bl.test": ["127.0.0.2"] },
    );
    assert.equal(await greetingOf(connection), refusedBy("bl.test"));
  });

  test('defers with `onError: "defer"`, when every list fails', async () => {
    const options = { zones: ["a.test", "b.test"], onError: "defer" as const };
    const broken = { "A 1.2.0.192.a.test": failure };
    assert.match(await greetingOf(meet(options, broken).connection), greeted);
    const all = meet(options, { ...broken, "A 1.2.0.192.b.test": failure });
    assert.match(await greetingOf(all.connection), /^421 /);
    assert.deepEqual(all.faults(), ["rejected"]);
  });

  test("does not show a zone that has a name, in replies, facts and logs", async () => {
    const zones = [
      { zone: "key.a.test", name: "List A" },
      { zone: "key.b.test", name: "List B" },
    ];
    const { connection, result, warnings } = meet(
      { zones },
      {
        "A 1.2.0.192.key.a.test": ["127.0.0.2"],
        "A 1.2.0.192.key.b.test": new DnsError("refused", "A key.b.test"),
      },
    );
    const greeting = await greetingOf(connection);
    assert.equal(greeting, refusedBy("List A"));
    const told = JSON.stringify([result(), warnings().map(({ message, data }) => [message, data])]);
    assert.doesNotMatch(told, /key/);
  });
});

describe("dnsbl waits", () => {
  const never = () => new Promise<readonly string[]>(() => {});

  test("for no slow list once the threshold is reached, and lets it go", async () => {
    const { connection, result, dns } = meet(
      { zones: ["slow.test", "bl.test"] },
      { "A 1.2.0.192.slow.test": never(), "A 1.2.0.192.bl.test": ["127.0.0.2"] },
    );
    assert.equal(await greetingOf(connection), refusedBy("bl.test"));
    assert.deepEqual(result()?.unheard, ["slow.test"]);
    assert.deepEqual(result()?.failures, []);
    assert.deepEqual(dns.abandoned, ["A 1.2.0.192.slow.test"]);
  });

  for (const [what, other] of [
    ["an allow list", { zone: "slow.test", type: "allow" as const }],
    ["a list that could lower the score", { zone: "slow.test", weight: -1 }],
  ] as const) {
    test(`for ${what} all the same`, async () => {
      const { promise, resolve } = Promise.withResolvers<readonly string[]>();
      const { connection } = meet(
        { zones: ["bl.test", other] },
        { "A 1.2.0.192.bl.test": ["127.0.0.2"], "A 1.2.0.192.slow.test": promise },
      );
      await new Promise(setImmediate);
      assert.ok(connection.dialogue.isBusy);
      resolve(["127.0.0.2"]);
      assert.match(await greetingOf(connection), greeted);
    });
  }

  test("for nobody once an allow list has the client", async () => {
    const { connection } = meet(
      { zones: ["slow.test", { zone: "wl.test", type: "allow" }] },
      { "A 1.2.0.192.slow.test": never(), "A 1.2.0.192.wl.test": ["127.0.0.2"] },
    );
    assert.match(await greetingOf(connection), greeted);
  });

  test("until the time is over, and counts what came by then", async () => {
    const { connection, clock, result, warnings } = meet(
      { zones: ["bl.test", "slow.test", { zone: "wl.test", type: "allow" }], timeout: 500 },
      {
        "A 1.2.0.192.bl.test": ["127.0.0.2"],
        "A 1.2.0.192.slow.test": never(),
        "A 1.2.0.192.wl.test": never(),
      },
    );
    await new Promise(setImmediate);
    await clock.advance(499);
    await new Promise(setImmediate);
    assert.ok(connection.dialogue.isBusy);
    await clock.advance(1);
    assert.equal(await greetingOf(connection), refusedBy("bl.test"));
    assert.deepEqual(result()?.failures, [
      { list: "slow.test", reason: "timeout" },
      { list: "wl.test", reason: "timeout" },
    ]);
    assert.equal(warnings().length, 2);
  });

  test("3 s by default, and goes on when no list has answered", async () => {
    const { connection, clock, faults } = meet(
      { zones: ["slow.test"] },
      { "A 1.2.0.192.slow.test": never() },
    );
    await clock.advance(3_000);
    assert.match(await greetingOf(connection), greeted);
    assert.deepEqual(faults(), []);
  });

  test("no longer when the client is gone, without a warning", async () => {
    const { promise, reject } = Promise.withResolvers<readonly string[]>();
    const { connection, dns, warnings, faults, result } = meet(
      { zones: ["bl.test"] },
      { "A 1.2.0.192.bl.test": promise },
    );
    connection.hangUp();
    assert.deepEqual(dns.abandoned, ["A 1.2.0.192.bl.test"]);
    reject(new DnsError("aborted", ""));
    await new Promise(setImmediate);
    assert.deepEqual([warnings(), faults()], [[], []]);
    assert.equal(result(), undefined);
  });
});
