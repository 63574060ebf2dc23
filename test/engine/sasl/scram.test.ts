// SCRAM (RFC 5802, RFC 7677) against a client written from the RFC: with stored keys and with passwords, with channel
// binding, and what an attacker can learn.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AnyModule } from "../../../src/hooks/module.ts";
import type { KeysAuth, StoredKeys } from "../../../src/hooks/stages.ts";
import { accept, defer, reject } from "../../../src/hooks/verdict.ts";
import { invalid, open, say, scram, successful } from "../../support/auth-dialogue.ts";
import { scramKeys } from "../../support/scram-client.ts";

const salt = Buffer.from("0123456789abcdef");

function stored(password: string): StoredKeys {
  return { scramSha1: scramKeys("sha1", password, salt), scramSha256: scramKeys("sha256", password, salt) };
}

/** Supplies these for their users. */
function supplies(users: Readonly<Record<string, StoredKeys>>): AnyModule {
  return {
    name: "supplies",
    auth: {
      methods: ["keys"],
      handler({ username, supply }: KeysAuth) {
        const keys = users[username];
        if (keys === undefined) return undefined;
        supply(keys);
        return accept();
      },
    },
  };
}

const exporter = Buffer.alloc(32, 1);
const endPoint = Buffer.alloc(32, 2);
const bound = { bindings: { exporter: () => exporter, endPoint: () => endPoint } };
const mechanisms = ["SCRAM-SHA-1", "SCRAM-SHA-256"] as const;
const tim = { username: "tim", password: "secret" };

describe("SCRAM", () => {
  for (const mechanism of mechanisms) {
    for (const [what, keys] of Object.entries({
      "stored keys": stored("secret"),
      "a password": { password: "secret" },
    })) {
      test(`${mechanism} proves both ends with ${what}`, async () => {
        const talk = await open({ modules: [supplies({ tim: keys })] });
        const { last } = await scram(talk, mechanism, tim);
        assert.deepEqual(last, successful);
        assert.deepEqual(talk.session.auth, { username: "tim", mechanism });
      });

      test(`${mechanism} refuses a wrong password with ${what}`, async () => {
        const talk = await open({ modules: [supplies({ tim: keys })] });
        const { last } = await scram(talk, mechanism, { ...tim, password: "Secret" });
        assert.deepEqual(last, invalid);
        assert.equal(talk.session.auth, undefined);
      });
    }
  }

  test("prepares names and passwords (RFC 5802 §5.1, RFC 4013)", async () => {
    const talk = await open({ modules: [supplies({ IX: { password: "p\u00a0w\u2168" } })] });
    // As a client that prepares would send it
    const { last } = await scram(talk, "SCRAM-SHA-256", { username: "I\u00adX", password: "p wIX" });
    assert.deepEqual(last, successful);
    assert.equal(talk.session.auth?.username, "IX");
  });

  test("reads '=2C' and '=3D' in names (RFC 5802 §5.1)", async () => {
    const talk = await open({ modules: [supplies({ "a,b=c": { password: "secret" } })] });
    const { last } = await scram(talk, "SCRAM-SHA-256", { username: "a,b=c", password: "secret" });
    assert.deepEqual(last, successful);
  });

  test("hands on the identity to act as (RFC 5802 §5.1)", async () => {
    const seen: string[] = [];
    const module: AnyModule = {
      name: "sees",
      auth: {
        methods: ["keys"],
        handler: ({ authorizationId, wants }: KeysAuth) => void seen.push(authorizationId, wants),
      },
    };
    await scram(await open({ modules: [module] }), "SCRAM-SHA-256", { ...tim, gs2Header: "n,a=a=3Db," });
    assert.deepEqual(seen, ["a=b", "scram-sha-256"]);
  });

  test("has a new nonce each time, which begins with the client's", async () => {
    const talk = await open({ modules: [supplies({ tim: stored("secret") })] });
    const exchanges = [await scram(talk, "SCRAM-SHA-256", { ...tim, password: "no" })];
    exchanges.push(await scram(talk, "SCRAM-SHA-256", { ...tim, password: "no" }));
    const nonces = exchanges.map(({ serverFirst }) => /^r=clientnonce([^,]{16,}),/.exec(serverFirst)?.[1]);
    assert.ok(nonces.every((nonce) => nonce !== undefined));
    assert.equal(new Set(nonces).size, 2);
  });
});

describe("SCRAM with channel binding", () => {
  const cases: readonly [what: string, gs2Header: string, binding: Buffer, last: readonly string[]][] = [
    ["takes tls-exporter (RFC 9266)", "p=tls-exporter,,", exporter, successful],
    ["takes tls-server-end-point (RFC 5929 §4)", "p=tls-server-end-point,,", endPoint, successful],
    ["refuses the data of another channel", "p=tls-exporter,,", endPoint, invalid],
    ["knows no tls-unique", "p=tls-unique,,", exporter, ["501 5.5.2 Unsupported channel binding"]],
    [
      "wants the flag p (RFC 5802 §6)",
      "n,,",
      Buffer.alloc(0),
      ["501 5.5.2 Channel binding does not fit the mechanism"],
    ],
  ];
  for (const [what, gs2Header, binding, last] of cases) {
    test(what, async () => {
      const talk = await open({ modules: [supplies({ tim: stored("secret") })] }, bound);
      assert.deepEqual((await scram(talk, "SCRAM-SHA-256-PLUS", { ...tim, gs2Header, binding })).last, last);
    });
  }

  test("notices that -PLUS was taken off the list (RFC 5802 §6)", async () => {
    const talk = await open({ modules: [supplies({ tim: stored("secret") })] }, bound);
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { ...tim, gs2Header: "y,," })).last, invalid);
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { ...tim, gs2Header: "n,," })).last, successful);
  });

  test("takes the flag y where it has no -PLUS", async () => {
    const talk = await open({ modules: [supplies({ tim: stored("secret") })] }, {});
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { ...tim, gs2Header: "y,," })).last, successful);
  });
});

describe("who asks for an unknown user", () => {
  const known = supplies({ tim: { scramSha256: scramKeys("sha256", "secret", Buffer.alloc(20, 7), 5_000) } });
  const shape = (serverFirst: string): readonly [rounds: string, saltBytes: number, salt: string] => {
    const [, text = "", rounds = ""] = /,s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
    return [rounds, Buffer.from(text, "base64").length, text];
  };
  const nobody = { username: "nobody", password: "secret" };

  test("gets the same salt each time, and another than others", async () => {
    const talk = await open({ modules: [known] });
    const salts: string[] = [];
    for (const username of ["nobody", "nobody", "somebody"]) {
      const { serverFirst, last } = await scram(talk, "SCRAM-SHA-256", { ...nobody, username });
      assert.deepEqual(last, invalid);
      salts.push(shape(serverFirst)[2]);
    }
    assert.equal(salts[0], salts[1]);
    assert.notEqual(salts[0], salts[2]);
  });

  test("sees salts and rounds like those of a known one", async () => {
    const talk = await open({ modules: [known] });
    const real = await scram(talk, "SCRAM-SHA-256", { ...tim, password: "no" });
    const fake = await scram(talk, "SCRAM-SHA-256", nobody);
    assert.deepEqual(shape(fake.serverFirst).slice(0, 2), shape(real.serverFirst).slice(0, 2));
    assert.deepEqual(shape(real.serverFirst).slice(0, 2), ["5000", 20]);
    assert.deepEqual([real.last, fake.last], [invalid, invalid]);
  });

  test("sees what a hook supplies without accept(), from the first time on; it lets nobody in", async () => {
    const keys = scramKeys("sha256", "secret", Buffer.alloc(64, 7), 6_000);
    const alike: AnyModule = {
      name: "alike",
      auth: { methods: ["keys"], handler: ({ supply }: KeysAuth) => supply({ scramSha256: keys }) },
    };
    const talk = await open({ modules: [alike] });
    const { serverFirst, last } = await scram(talk, "SCRAM-SHA-256", nobody);
    assert.deepEqual(shape(serverFirst).slice(0, 2), ["6000", 64]);
    assert.doesNotMatch(serverFirst, /BwcHBwcH/);
    assert.deepEqual(last, invalid);
    assert.equal(talk.session.auth, undefined);
  });

  test("hears a module's refusal no earlier than a wrong password", async () => {
    const refuses: AnyModule = {
      name: "refuses",
      auth: { methods: ["keys"], handler: (_event: KeysAuth) => reject("5.7.8", "Account closed") },
    };
    const { serverFirst, last } = await scram(await open({ modules: [refuses] }), "SCRAM-SHA-256", nobody);
    assert.notEqual(serverFirst, "");
    assert.deepEqual(last, ["535 5.7.8 Account closed"]);
  });

  test("hears a deferral at once", async () => {
    const defers: AnyModule = {
      name: "defers",
      auth: { methods: ["keys"], handler: (_event: KeysAuth) => defer("4.7.0", "Back end down") },
    };
    const { last } = await scram(await open({ modules: [defers] }), "SCRAM-SHA-256", nobody);
    assert.deepEqual(last, ["454 4.7.0 Back end down"]);
  });
});

describe("the first message of SCRAM", () => {
  const malformed = ["501 5.5.2 Malformed SCRAM message"];
  const messages: readonly [what: string, message: string][] = [
    ["without a nonce", "n,,n=tim"],
    ["with an empty nonce", "n,,n=tim,r="],
    ["with an empty name", "n,,n=,r=abc"],
    ["with NUL in the name", "n,,n=t\0m,r=abc"],
    ["with a name that SASLprep refuses", "n,,n=t\u200em,r=abc"],
    ["with a comma too few", "n,n=tim,r=abc"],
    ["with the attributes in another order", "n,,r=abc,n=tim"],
    ["with a flag that is none", "x,,n=tim,r=abc"],
    ["with a nonce longer than a line has room for", `n,,n=tim,r=${"a".repeat(1025)}`],
    ["that is no UTF-8", "n,,n=\xff,r=abc"],
  ];
  for (const [what, message] of messages) {
    test(`${what} is 501`, async () => {
      const talk = await open({ modules: [supplies({})] });
      const octets = what.endsWith("UTF-8") ? Buffer.from(message, "latin1") : Buffer.from(message);
      assert.deepEqual(await talk.say(`AUTH SCRAM-SHA-256 ${octets.toString("base64")}`), malformed);
    });
  }

  test("may have an empty identity to act as, as GNU SASL sends it", async () => {
    const talk = await open({ modules: [supplies({ tim: stored("secret") })] });
    assert.deepEqual((await scram(talk, "SCRAM-SHA-256", { ...tim, gs2Header: "n,a=," })).last, successful);
  });

  test("may have more attributes, which are ignored (RFC 5802 §5.1)", async () => {
    const [reply = ""] = await say(
      await open({ modules: [supplies({})] }),
      "SCRAM-SHA-256",
      "n,,n=tim,r=abc,x=1",
    );
    assert.match(reply, /^334 /);
  });
});
