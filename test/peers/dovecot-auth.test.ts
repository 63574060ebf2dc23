// Dovecot: its auth socket as the back end of auth-dovecot, and its hashes against those of auth-file.

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { authDovecot } from "../../src/modules/auth-dovecot.ts";
import { makeArgon2id } from "../../src/modules/auth-file/argon2.ts";
import { readHash } from "../../src/modules/auth-file/read-hash.ts";
import { makeScram } from "../../src/modules/auth-file/scram.ts";
import { sha512Crypt } from "../../src/modules/auth-file/sha512-crypt.ts";
import { accepted, backEndDown, login, openLogins, refused } from "../support/logins.ts";
import { Daemon, freePort } from "./support/daemon.ts";
import { missing, run } from "./support/programs.ts";

const absent = missing("dovecot") ?? missing("doveadm") ?? false;

interface Place extends AsyncDisposable {
  readonly socket: string;
  readonly port: number;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Only Dovecot's auth service, as the present user; root lets it have its own. */
function configuration(folder: string, port: number): string {
  const { username, uid } = userInfo();
  const own = uid === 0 ? "" : `default_internal_user = ${username}\ndefault_login_user = ${username}\n`;
  return `${own}base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = ${folder}/users
}
service auth {
  user = ${username}
  unix_listener ${folder}/auth {
    mode = 0600
  }
  inet_listener test {
    address = 127.0.0.1
    port = ${port}
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
`;
}

/** `more` is put at the end of Dovecot's settings. */
async function start(more = ""): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "mod-smtpd-dovecot-"));
  await chmod(folder, 0o755);
  const port = await freePort();
  const users = [
    "tim:{PLAIN}tanstaaftanstaaf",
    // Made by us, read by Dovecot
    `anna@example.org:{ARGON2ID}${await makeArgon2id("p\u00e4ss w\u00f6rd")}`,
  ];
  await writeFile(join(folder, "users"), `${users.join("\n")}\n`);
  await writeFile(join(folder, "dovecot.conf"), configuration(folder, port) + more);
  const begin = (): Promise<Daemon> =>
    Daemon.start("dovecot", ["-F", "-c", join(folder, "dovecot.conf")], /starting up/);
  let daemon = await begin();
  return {
    socket: join(folder, "auth"),
    port,
    stop: () => daemon.stop(),
    async restart() {
      daemon = await begin();
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe("Dovecot's auth socket", { skip: absent }, () => {
  test("vouches for its users, over a Unix socket and over TCP", async () => {
    await using dovecot = await start();
    for (const options of [{ path: dovecot.socket }, { port: dovecot.port }]) {
      const at = await openLogins(authDovecot(options));
      assert.equal(await login(at, "tim", "tanstaaftanstaaf"), accepted);
      assert.equal(await login(at, "tim", "tanstaaf"), refused);
      assert.equal(await login(at, "anna@example.org", "p\u00e4ss w\u00f6rd"), accepted);
      assert.equal(await login(at, "nobody", "tanstaaftanstaaf"), refused);
      assert.equal(await login(at, "tim\ttemp", "x"), refused);
    }
  });

  test("answers many at once, each for itself, to several clients of one process", async () => {
    await using dovecot = await start();
    const clients = await Promise.all(
      [0, 1].map(() => openLogins(authDovecot({ path: dovecot.socket }), { limits: generous })),
    );
    const replies = clients.flatMap((at) =>
      Array.from({ length: 20 }, (_, index) =>
        login(at, "tim", index % 2 === 0 ? "tanstaaftanstaaf" : `wrong${index}`),
      ),
    );
    const wanted = replies.map((_, index) => (index % 2 === 0 ? accepted : refused));
    assert.deepEqual(await Promise.all(replies), wanted);
  });

  test("is asked again after a restart, and 454 while it is away", async () => {
    await using dovecot = await start();
    const at = await openLogins(authDovecot({ path: dovecot.socket }));
    assert.equal(await login(at, "tim", "tanstaaftanstaaf"), accepted);
    await dovecot.stop();
    assert.equal(await login(at, "tim", "tanstaaftanstaaf"), backEndDown);
    await dovecot.restart();
    assert.equal(await login(at, "tim", "tanstaaftanstaaf"), accepted);
  });

  test("that has trouble of its own is 454, not a wrong password", async () => {
    // A database that is down, asked about those whom the first does not know
    await using dovecot = await start("passdb {\n  driver = checkpassword\n  args = /nowhere/program\n}\n");
    const at = await openLogins(authDovecot({ path: dovecot.socket }));
    assert.equal(await login(at, "tim", "tanstaaftanstaaf"), accepted);
    assert.equal(await login(at, "nobody", "x"), backEndDown);
  });
});

/** Wrong passwords of one address must not end the test. */
const generous = { authFailureDelayMs: 0, authFailuresPerAddress: 1_000, authFailuresPerAccount: 1_000 };

describe("Dovecot's hashes", { skip: absent }, () => {
  for (const scheme of ["ARGON2ID", "SHA512-CRYPT", "BLF-CRYPT", "SCRAM-SHA-1", "SCRAM-SHA-256"]) {
    test(`${scheme} are read`, async () => {
      const { stdout } = await run("doveadm", ["pw", "-s", scheme, "-p", "pencil"]);
      const hash = readHash(stdout.trim());
      if (typeof hash === "string") throw new Error(hash);
      const { signal } = new AbortController();
      assert.equal(await hash.verify("pencil", signal), true);
      assert.equal(await hash.verify("eraser", signal), false);
    });
  }

  const made: readonly [name: string, make: () => Promise<string>][] = [
    ["argon2id", async () => `{ARGON2ID}${await makeArgon2id("pencil")}`],
    ["scram-sha-1", () => makeScram("sha1", "pencil")],
    ["scram-sha-256", () => makeScram("sha256", "pencil")],
    ["sha512-crypt", () => Promise.resolve(`{SHA512-CRYPT}${sha512Crypt("pencil", "$6$rounds=7777$salt")}`)],
  ];
  for (const [name, make] of made) {
    test(`${name} made here is good for Dovecot`, async () => {
      const hash = await make();
      assert.equal((await run("doveadm", ["pw", "-t", hash, "-p", "pencil"])).status, "exit 0");
      assert.notEqual((await run("doveadm", ["pw", "-t", hash, "-p", "eraser"])).status, "exit 0");
    });
  }
});
