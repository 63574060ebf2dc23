// Sets of networks: what is one, and which addresses it holds. The table with values and its order: the tests of the
// module access.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isNetwork, networkSet } from "../../src/wire/networks.ts";

describe("a set of networks", () => {
  const set = networkSet(["192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "::1", "::ffff:198.51.100.0/120"]);
  const held: readonly [address: string, held: boolean][] = [
    ["192.0.2.1", true],
    ["192.0.2.2", false],
    ["10.255.255.255", true],
    ["11.0.0.0", false],
    ["2001:db8:ffff::1", true],
    ["2001:DB8::1", true],
    ["2001:db9::1", false],
    ["::1", true],
    ["::2", false],
    ["::ffff:10.1.2.3", true], // RFC 4291 §2.5.5.2
    ["198.51.100.77", true],
    ["198.51.101.77", false],
    ["0.0.0.0", false],
    ["unknown", false],
    ["", false],
  ];
  for (const [address, isHeld] of held) {
    test(`${isHeld ? "holds" : "does not hold"} ${JSON.stringify(address)}`, () => {
      assert.equal(set.has(address), isHeld);
    });
  }

  test("of nothing holds nobody", () => {
    assert.equal(networkSet([]).has("127.0.0.1"), false);
  });

  test("throws on what is no network, naming it", () => {
    assert.throws(() => networkSet(["127.0.0.1", "localhost"]), {
      name: "TypeError",
      message: /^"localhost" is no network; want an IP address or a network such as/,
    });
  });
});

describe("a network", () => {
  for (const text of ["192.0.2.1", "0.0.0.0/0", "::/0", "192.0.2.0/24", "2001:db8::/32", "::ffff:0:0/96"]) {
    test(`is ${text}`, () => assert.equal(isNetwork(text), true));
  }
  const others = [
    "",
    "*",
    "192.0.2.1/24",
    "192.0.2.0/33",
    "192.0.2/24",
    "::/129",
    "::1/0",
    "fe80::1%eth0",
    "a.test",
  ];
  for (const text of [...others, "192.0.2.0/-1", "192.0.2.0/24/8", "192.0.2.0/", "192.00.2.0", "[::1]"]) {
    test(`is not ${JSON.stringify(text)}`, () => assert.equal(isNetwork(text), false));
  }
});
