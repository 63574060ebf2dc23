// The module auth-file (src/modules/auth-file.ts) through the engine: logins, changes of the file, mistakes in it. The hashes
// themselves: auth-file-hashes.test.ts.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { accept } from "../../src/hooks/verdict.ts";
import type { ServerModule } from "../../src/hooks/module.ts";
import { authFile } from "../../src/modules/auth-file.ts";
import type { AuthFileOptions } from "../../src/modules/auth-file.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { accepted, authenticate, login, mechanisms, openLogins, refused, scram } from "../support/logins.ts";

// Cheap to compute. Of the password pencil, the other of eraser; the last from RFC 7677 §3
const argon =
  "$argon2id$v=19$m=64,t=1,p=1$OjLhnqW7W19Gic5QBERSzQ$Nb43Yrg0gJKMvhPu4dvDzw0px699lZCUMSbGKt4TQGw";
const argonOther =
  "$argon2id$v=19$m=64,t=1,p=1$4pXoJyh3IR6xmTcgKnC1mw$1vsF9kQqAPDLR2aIc1j1V7px2oWD43WjNvvg8j3IaFc";
const sha1 =
  "{SCRAM-SHA-1}4096,CAC7RocROv+qYh6FOlbaTA==,cdHghOaPDIpg+4N1l7YPgPBCVdI=,8eAWPrXWCyfpgAzSXMVjt2eyFfI=";
const sha256 =
  "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

function fileWith(t: TestContext, ...lines: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "auth-file-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "passwords");
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

describe("a login by password", () => {
  test("is good with the right password of the user, case of the name included", async (t) => {
    const path = fileWith(t, "# staff", `anna:${argon}`, "", `bert@example.org:  ${argonOther}`);
    const at = await openLogins(authFile({ path }));
    assert.equal(await login(at, "anna", "pencil"), accepted);
    assert.equal(await login(at, "bert@example.org", "eraser"), accepted);
    assert.equal(await login(at, "anna", "eraser"), refused);
    assert.equal(await login(at, "Anna", "pencil"), refused);
    assert.equal(await login(at, "carl", "pencil"), refused);
  });

  test("finds names that look the same however they were typed (RFC 4013)", async (t) => {
    const at = await openLogins(authFile({ path: fileWith(t, `m\u00fcller:${argon}`) }));
    assert.equal(await login(at, "mu\u0308ller", "pencil"), accepted);
  });

  test("is that of the name in the file, in whatever form it was typed", async (t) => {
    const path = fileWith(t, `anna:${argon} ${sha1} ${sha256}`);
    const names: (string | undefined)[] = [];
    const see: ServerModule = { name: "see", noop: ({ session }) => void names.push(session.auth?.username) };
    const module = authFile({ path });
    const smtp = await (await openLogins(module, { modules: [module, see] })).connect();
    assert.equal((await smtp.auth("an\u00adna", "pencil")).code, 235);
    await smtp.say("NOOP");
    assert.deepEqual(names, ["anna"]);
  });

  test("with a password of more than 255 octets is not computed (RFC 4616 §2)", async (t) => {
    // With a password of 1,000 octets and 5,000,000 rounds sha512-crypt would go on for most of a minute
    const slow = `$6$rounds=5000000$saltstring$${"x".repeat(86)}`;
    const at = await openLogins(authFile({ path: fileWith(t, `anna:${slow}`) }));
    for (const user of ["anna", "nobody"]) {
      assert.equal(await login(at, user, "x".repeat(256)), refused);
    }
  });

  test("is good with any hash of the user, and by SCRAM keys where there is no other", async (t) => {
    const path = fileWith(t, `anna:${argonOther} ${argon} ${sha256}`, `bert:${sha256}`);
    const at = await openLogins(authFile({ path }));
    assert.equal(await login(at, "anna", "pencil"), accepted);
    assert.equal(await login(at, "anna", "eraser"), accepted);
    assert.equal(await login(at, "bert", "pencil"), accepted);
    assert.equal(await login(at, "bert", "eraser"), refused);
  });

  test("as somebody else is refused (RFC 4616 §2)", async (t) => {
    const at = await openLogins(authFile({ path: fileWith(t, `anna:${argon}`) }));
    assert.equal(await authenticate(at, "PLAIN", "bert\0anna\0pencil"), refused);
    assert.equal(await authenticate(at, "PLAIN", "anna\0anna\0pencil"), accepted);
  });

  test("of somebody it does not know is left to the next module", async (t) => {
    const next = { name: "next", auth: () => accept() };
    const module = authFile({ path: fileWith(t, `anna:${argon}`) });
    const at = await openLogins(module, { modules: [module, next] });
    const smtp = await at.connect();
    assert.equal((await smtp.auth("carl", "x")).by, "next");
  });

  test("is refused by an empty file", async (t) => {
    const at = await openLogins(authFile({ path: fileWith(t) }));
    assert.equal(await login(at, "anna", "pencil"), refused);
  });
});

describe("SCRAM", () => {
  test("is offered when every user has keys, and proves both sides", async (t) => {
    const at = await openLogins(authFile({ path: fileWith(t, `user:${argon} ${sha1} ${sha256}`) }));
    assert.ok((await mechanisms(at)).includes("SCRAM-SHA-256"));
    assert.equal(await scram(at, "SCRAM-SHA-256", "user", "pencil"), accepted);
    assert.equal(await scram(at, "SCRAM-SHA-1", "user", "pencil"), accepted);
    assert.equal(await scram(at, "SCRAM-SHA-256", "user", "eraser"), refused);
    assert.equal(await scram(at, "SCRAM-SHA-256", "anna", "pencil"), refused);
  });

  test("is not offered when a user has none, unless the option says so", async (t) => {
    const path = fileWith(t, `user:${sha1} ${sha256}`, `anna:${argon}`);
    assert.deepEqual(await mechanisms(await openLogins(authFile({ path }))), ["PLAIN", "LOGIN"]);
    const at = await openLogins(authFile({ path, scram: true }));
    assert.ok((await mechanisms(at)).includes("SCRAM-SHA-1"));
    assert.equal(await scram(at, "SCRAM-SHA-1", "anna", "pencil"), refused);
  });

  test("shows unknown users as many rounds as users have, from the first login on", async (t) => {
    const rounds = (entry: string): string => entry.replace("}4096,", "}100000,");
    const at = await openLogins(authFile({ path: fileWith(t, `user:${rounds(sha1)} ${rounds(sha256)}`) }));
    const first = async (username: string): Promise<string> => {
      const smtp = await at.connect();
      const [, { text }] = await smtp.say("EHLO x", `AUTH SCRAM-SHA-256 ${btoa(`n,,n=${username},r=abc`)}`);
      return Buffer.from(text, "base64")
        .toString()
        .replace(/^r=[^,]*,s=/, "");
    };
    const [unknown, known] = [await first("nobody"), await first("user")];
    assert.match(unknown, /,i=100000$/);
    assert.equal(unknown.length, known.length);
    assert.equal(await first("nobody"), unknown);
    assert.notEqual(unknown, known);
  });

  test("is not offered when the option says no", async (t) => {
    const path = fileWith(t, `user:${sha1} ${sha256}`);
    assert.deepEqual(await mechanisms(await openLogins(authFile({ path, scram: false }))), [
      "PLAIN",
      "LOGIN",
    ]);
  });
});

describe("a file that changes", () => {
  test("is read again after a second; a bad line is logged and costs nobody else the login", async (t) => {
    const path = fileWith(t, `anna:${argon}`);
    const clock = fakeClock();
    const at = await openLogins(authFile({ path }), { clock });
    assert.equal(await login(at, "anna", "pencil"), accepted);
    writeFileSync(path, `bert:${argon}\ncarl:secret\ndora\n`);
    await clock.advance(1_000);
    const smtp = await at.connect();
    assert.equal((await smtp.auth("bert", "pencil")).code, 235);
    assert.deepEqual(
      smtp.log.map(({ level, message }) => `${level} ${message.replace(path, "FILE")}`),
      [
        "info authFile.path: FILE has changed and was read again",
        'warn authFile.path: line 2: user "carl": want a hash that begins with $argon2id$, $scrypt$, $2b$, $6$ or ' +
          "{SCRAM-SHA-256}; the line is ignored",
        "warn authFile.path: line 3: no colon; want name:hash; the line is ignored",
      ],
    );
    assert.equal(await login(at, "anna", "pencil"), refused);
    assert.equal(await login(at, "carl", "secret"), refused);
  });

  test("is complained of when a new user has no keys for the SCRAM that is offered", async (t) => {
    const path = fileWith(t, `user:${sha1} ${sha256}`);
    const clock = fakeClock();
    const at = await openLogins(authFile({ path }), { clock });
    writeFileSync(path, `user:${sha1} ${sha256}\nanna:${argon}\n`);
    await clock.advance(1_000);
    const smtp = await at.connect();
    await smtp.auth("anna", "pencil");
    assert.equal(
      smtp.log.at(-1)?.message,
      "authFile.path: users without keys for SCRAM, which is offered: 1",
    );
  });
});

describe("mistakes", () => {
  const lines: readonly [line: string, problem: string][] = [
    ["anna", "no colon; want name:hash"],
    [":$6$x", '"" is no user name; want one without white space'],
    [`an na:${argon}`, '"an na" is no user name; want one without white space'],
    ["anna:", 'user "anna": no hash; mod-smtpd passwd makes one'],
    [`anna:${argon} secret`, 'user "anna": hash 2: want a hash that begins with'],
    [`anna:${Array.from({ length: 9 }, () => argon).join(" ")}`, 'user "anna": 9 hashes; want 8 at most'],
  ];
  for (const [line, problem] of lines) {
    test(`${line.slice(0, 20)} at start is an error with path and line, without the hash`, (t) => {
      const path = fileWith(t, "# one", `other:${argon}`, line);
      assert.throws(
        () => authFile({ path }),
        (error) => {
          assert.ok(error instanceof TypeError);
          assert.ok(error.message.startsWith(`authFile.path: ${path} line 3: ${problem}`), error.message);
          assert.ok(!error.message.includes("secret"));
          return true;
        },
      );
    });
  }

  test("a user with two lines is one", (t) => {
    const path = fileWith(t, `anna:${argon}`, `anna:${argonOther}`);
    assert.throws(() => authFile({ path }), { message: /line 2: "anna" has a line already, 1$/ });
  });

  const options: readonly [options: unknown, message: RegExp][] = [
    [undefined, /^authFile: want an object with path, scram, found undefined$/],
    [{}, /^authFile\.path: want the path of a file, found undefined$/],
    [
      { path: "/nowhere/passwords" },
      /^authFile\.path: cannot read \/nowhere\/passwords: there is no such file$/,
    ],
    [{ path: "x", file: "y" }, /^authFile\.file: no such option/],
    [{ path: "x", scram: 1 }, /^authFile\.scram: want true or false, found 1$/],
  ];
  for (const [given, message] of options) {
    test(`${JSON.stringify(given)} is refused with its path`, () => {
      assert.throws(() => authFile(given as AuthFileOptions), { name: "TypeError", message });
    });
  }
});
