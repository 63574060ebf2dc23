// The hashes of a password file (src/modules/auth-file/): published vectors, what other programs made, what is refused.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeArgon2id } from "../../src/modules/auth-file/argon2.ts";
import { isScram, readHash } from "../../src/modules/auth-file/read-hash.ts";
import { makeScram } from "../../src/modules/auth-file/scram.ts";
import { makeScrypt } from "../../src/modules/auth-file/scrypt.ts";
import { sha512Crypt } from "../../src/modules/auth-file/sha512-crypt.ts";

const { signal } = new AbortController();

function matches(word: string, password: string): Promise<boolean> {
  const hash = readHash(word);
  if (typeof hash === "string") throw new Error(hash);
  return hash.verify(password, signal);
}

describe("sha512-crypt", () => {
  // U. Drepper, "Unix crypt using SHA-256 and SHA-512", the table at the end of the sources
  const vectors: readonly [setting: string, password: string, hash: string][] = [
    [
      "$6$saltstring",
      "Hello world!",
      "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ],
    [
      "$6$rounds=10000$saltstringsaltstring",
      "Hello world!",
      "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    ],
    [
      "$6$rounds=5000$toolongsaltstring",
      "This is just a test",
      "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0",
    ],
    [
      "$6$rounds=1400$anotherlongsaltstring",
      "a very much longer text to encrypt.  This one even stretches over morethan one line.",
      "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
    ],
    [
      "$6$rounds=77777$short",
      "we have a short salt string but not a short password",
      "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
    ],
    [
      "$6$rounds=123456$asaltof16chars..",
      "a short string",
      "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1",
    ],
    [
      "$6$rounds=10$roundstoolow",
      "the minimum number is still observed",
      "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.",
    ],
  ];
  for (const [setting, password, hash] of vectors) {
    test(`of the published ${setting}`, () => assert.equal(sha512Crypt(password, setting), hash));
  }
});

describe("hashes that other programs made of the password pencil", () => {
  const words: readonly [program: string, word: string][] = [
    [
      "doveadm pw -s ARGON2ID",
      "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$RhqC0AkJEYZd5k8tw7eZ6Q$75g081YuwtQyyRdZu+fL5Tjsg1B2Gy5ut5tX87bMyo4",
    ],
    [
      "doveadm pw -s SHA512-CRYPT",
      "{SHA512-CRYPT}$6$l0JmwhGv66AafPnE$WxnbmI4C5q26B89wyLoBJk7VYbcS850VcGaBGS3LcxBMkePz8YMoUxzbek2dWDGBbtf9knNHUtNsvUZkuODI10",
    ],
    ["doveadm pw -s BLF-CRYPT", "{BLF-CRYPT}$2y$05$d8BEiaLt5Tt5F16GLULxwOAryRVk17p1SyagUqP4BbY8ENnAdf0jS"],
    [
      "doveadm pw -s SCRAM-SHA-1",
      "{SCRAM-SHA-1}4096,CsbEm2OL48kWOs64PdcOmA==,bcyMcBdWxdsmFErZi6+qWKS1ahY=,f/tx4kp9OwimTQlMawfuL8rgefY=",
    ],
    [
      "doveadm pw -s SCRAM-SHA-256",
      "{SCRAM-SHA-256}4096,ab7Scbe+3xOy3qs4u0Ck7w==,9tfIJ+yA74HSHEU/vHOxvM70M0ZAIEbFa7VaFsZeTq8=,gBxkvm5A677+eg/n5BP2vxmi5X7j0FdEmcD4fuPvMtA=",
    ],
    // RFC 7677 §3, as PostgreSQL and RFC 5803 write it
    [
      "RFC 7677",
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    ],
  ];
  for (const [program, word] of words) {
    test(`${program}: match that and nothing else`, async () => {
      assert.equal(await matches(word, "pencil"), true);
      assert.equal(await matches(word, "Pencil"), false);
      assert.equal(await matches(word, ""), false);
    });
  }
});

describe("hashes that are made here", () => {
  const makers: readonly [name: string, make: (password: string) => Promise<string>, form: RegExp][] = [
    ["argon2id", makeArgon2id, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/],
    ["scrypt", makeScrypt, /^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/],
    [
      "scram-sha-1",
      (password) => makeScram("sha1", password),
      /^\{SCRAM-SHA-1\}100000,[\w+/]{22}==,[\w+/]{27}=,[\w+/]{27}=$/,
    ],
    [
      "scram-sha-256",
      (password) => makeScram("sha256", password),
      /^\{SCRAM-SHA-256\}100000,[\w+/]{22}==,[\w+/]{43}=,[\w+/]{43}=$/,
    ],
  ];
  for (const [name, make, form] of makers) {
    test(`${name} have their standard form, a salt of their own, and match their password`, async () => {
      const [one, two] = await Promise.all([make("tanstaaf"), make("tanstaaf")]);
      assert.match(one, form);
      assert.notEqual(one, two);
      assert.equal(await matches(one, "tanstaaf"), true);
      assert.equal(await matches(one, "tanstaa"), false);
    });
  }

  test("SCRAM compares prepared passwords (RFC 5802 §5.1, RFC 4013)", async () => {
    const word = await makeScram("sha256", "I\u00adX\u00a0\u2168");
    assert.equal(await matches(word, "IX IX"), true);
  });

  test("SCRAM keys are those of RFC 7677 §3", async () => {
    const hash = readHash(
      "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
    assert.ok(typeof hash !== "string" && isScram(hash));
    assert.equal(hash.keys.iterations, 4_096);
    assert.equal(Buffer.from(hash.keys.salt).toString("base64"), "W22ZaJ0SNY7soEsUEjb6gQ==");
    assert.equal(await hash.verify("pencil", signal), true);
  });
});

describe("a word that is no hash is refused with a reason that does not repeat it", () => {
  const salt = "c29tZXNhbHRzb21lc2FsdA";
  const hash = "VPLT7j6byea62c5qgZY2dGFHh1lSw68KRoZ9gO8wprQ";
  const words: readonly [word: string, reason: RegExp][] = [
    ["secret", /want a hash that begins with \$argon2id\$/],
    ["{PLAIN}secret", /want a hash that begins with/],
    ["$1$salt$hash", /want a hash that begins with/],
    [`$argon2id$v=16$m=64,t=1,p=1$${salt}$${hash}`, /want version 19/],
    [`$argon2x$v=19$m=64,t=1,p=1$${salt}$${hash}`, /argon2x is no known hash/],
    [`$argon2id$v=19$m=64,t=1$${salt}$${hash}`, /the parameter p is missing/],
    [`$argon2id$v=19$m=64,t=1,q=1$${salt}$${hash}`, /"q=1" is no parameter/],
    [`$argon2id$v=19$m=99999999,t=1,p=1$${salt}$${hash}`, /m=99999999 is out of bounds; want 8 to 1048576/],
    [`$argon2id$v=19$m=8,t=1,p=2$${salt}$${hash}`, /m=8 is too small for p=2/],
    [`$argon2id$v=19$m=1048576,t=5,p=1$${salt}$${hash}`, /takes too long; want m times t of 4194304 at most/],
    [`$argon2id$v=19$m=64,t=1,p=1$${salt}$*`, /salt and hash in base64/],
    [`$argon2id$v=19$m=64,t=1,p=1$${salt}$${hash}$more`, /salt and hash in base64/],
    [`$scrypt$ln=40,r=8,p=1$${salt}$${hash}`, /ln=40 is out of bounds/],
    [`$scrypt$ln=20,r=16,p=1$${salt}$${hash}`, /takes too much; want 1 GiB/],
    [`$scrypt$ln=20,r=8,p=5$${salt}$${hash}`, /takes too much; want 1 GiB/],
    [`$scrypt$ln=10,r=8,p=1$${salt}`, /want \$scrypt\$/],
    ["$2b$31$" + "a".repeat(53), /the cost from 04 to 16/],
    ["$2b$10$short", /want \$2b\$cost/],
    ["$6$salt$short", /a hash of 86 characters/],
    [`$6$rounds=999999999$salt$${"a".repeat(86)}`, /rounds=999999999 is out of bounds/],
    ["{SCRAM-SHA-256}1000,c2FsdA==,c2FsdA==,c2FsdA==", /1000 iterations are out of bounds; want 4096/],
    ["{SCRAM-SHA-256}4096,c2FsdA==,c2FsdA==,c2FsdA==", /the keys of scram-sha-256 have 32 octets/],
    ["{SCRAM-SHA-512}4096,c2FsdA==,c2FsdA==,c2FsdA==", /want \{SCRAM-SHA-256\}iterations/],
    ["{SCRAM-SHA-1}4096,c2FsdA==", /want \{SCRAM-SHA-256\}iterations/],
  ];
  for (const [word, reason] of words) {
    test(word.slice(0, 40), () => {
      const problem = readHash(word);
      assert.ok(typeof problem === "string");
      assert.match(problem, reason);
      assert.ok(!problem.includes(word) && !problem.includes(salt));
    });
  }
});

describe("a comparison", () => {
  test("that nobody waits for any more is not begun", async () => {
    const hash = readHash(await makeArgon2id("x"));
    assert.ok(typeof hash !== "string");
    const gone = AbortSignal.abort(new Error("gone"));
    await assert.rejects(hash.verify("x", gone), /gone/);
  });

  test("with slow hashes leaves the event loop free", async () => {
    const word = sha512Crypt("x", "$6$rounds=100000$salt");
    const turns = { count: 0 };
    let go = true;
    const count = (): void => {
      turns.count++;
      if (go) setImmediate(count);
    };
    setImmediate(count);
    assert.equal(await matches(word, "x"), true);
    go = false;
    // Hashed on the event loop, at most one turn would fit in
    assert.ok(turns.count > 100, `${turns.count} turns`);
  });

  test("of several slow hashes at once gives each its own answer", async () => {
    const words = ["a", "b", "c"].map((password) => sha512Crypt(password, `$6$rounds=1000$${password}`));
    const answers = await Promise.all(words.map((word) => matches(word, "b")));
    assert.deepEqual(answers, [false, true, false]);
  });
});
