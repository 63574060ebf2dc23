// The module auth-dovecot and its connection (src/transports/dovecot-auth.ts) with a server made for the test. Dovecot itself:
// test/peers/dovecot-auth.test.ts.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { ServerModule } from "../../src/hooks/module.ts";
import { authDovecot } from "../../src/modules/auth-dovecot.ts";
import type { AuthDovecotOptions } from "../../src/modules/auth-dovecot.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { DovecotAuthClient } from "../../src/transports/dovecot-auth.ts";
import { accepted, authenticate, backEndDown, login, openLogins, refused } from "../support/logins.ts";

const handshake =
  "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n";

/** What the server says to a line, given the number of a request. */
type Script = (words: readonly string[], socket: Socket) => string | undefined;

/** Says yes to the password pencil. */
const usual: Script = ([, id = "", , ...fields]) => {
  const response = fields.at(-1)?.replace("resp=", "") ?? "";
  const [, username = "", password = ""] = Buffer.from(response, "base64").toString().split("\0");
  return password === "pencil" ? `OK\t${id}\tuser=${username}\n` : `FAIL\t${id}\tuser=${username}\n`;
};

/** A server on a Unix socket; every line it got but VERSION and CPID, and how many connections there were. */
async function serve(t: TestContext, script: Script = usual, greeting = handshake) {
  const folder = mkdtempSync(join(tmpdir(), "auth-dovecot-"));
  const lines: string[] = [];
  const sockets: Socket[] = [];
  const clientIds: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(greeting);
    let rest = "";
    socket.on("data", (bytes) => {
      const parts = (rest + bytes.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        const words = line.split("\t");
        if (words[0] === "CPID") clientIds.push(words[1] ?? "");
        if (words[0] === "VERSION" || words[0] === "CPID") continue;
        lines.push(line);
        const reply = words[0] === "AUTH" ? script(words, socket) : undefined;
        if (reply !== undefined && !socket.destroyed) socket.write(reply);
      }
    });
  });
  const path = join(folder, "auth");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });
  return { path, lines, sockets, clientIds };
}

describe("a login", () => {
  test("is what Dovecot says, over one connection, with the facts of the session", async (t) => {
    const { path, lines, sockets } = await serve(t);
    const at = await openLogins(authDovecot({ path, service: "submission" }));
    assert.equal(await login(at, "anna", "pencil"), accepted);
    assert.equal(await login(at, "anna", "eraser"), refused);
    assert.equal(sockets.length, 1);
    assert.equal(
      lines[0],
      "AUTH\t1\tPLAIN\tservice=submission\tnologin\tlip=192.0.2.25\trip=192.0.2.1\tlport=25\trport=54321\tresp=AGFubmEAcGVuY2ls",
    );
  });

  test("is answered by number when several are under way", async (t) => {
    const held: string[] = [];
    const { path } = await serve(t, (words, socket) => {
      held.push(usual(words, socket) ?? "");
      // All at once, the last first
      return held.length === 3 ? held.toReversed().join("") : undefined;
    });
    const at = await openLogins(authDovecot({ path }));
    const replies = [login(at, "a", "pencil"), login(at, "b", "eraser"), login(at, "c", "pencil")];
    assert.deepEqual(await Promise.all(replies), [accepted, refused, accepted]);
  });

  test("is that of the user whom Dovecot names, whatever the client said", async (t) => {
    // auth_username_format = %Ln: who has the account anna must not be anna of every domain
    const { path } = await serve(t, ([, id = ""]) => `OK\t${id}\tuser=anna\n`);
    const names: (string | undefined)[] = [];
    const see: ServerModule = { name: "see", noop: ({ session }) => void names.push(session.auth?.username) };
    const module = authDovecot({ path });
    const smtp = await (await openLogins(module, { modules: [module, see] })).connect();
    assert.equal((await smtp.auth("Anna@bank.example", "pencil")).code, 235);
    await smtp.say("NOOP");
    assert.deepEqual(names, ["anna"]);
  });

  test("that nobody could have is not asked about", async (t) => {
    const { path, lines } = await serve(t);
    const at = await openLogins(authDovecot({ path }));
    assert.equal(await authenticate(at, "PLAIN", "bert\0anna\0pencil"), refused);
    const smtp = await at.connect();
    await smtp.say("EHLO x", "AUTH LOGIN", btoa("anna\0pencil"), btoa("x"));
    // Dovecot would drop a connection on which a line has more than 8192 octets
    const long = await at.connect();
    const said = await long.say("EHLO x", "AUTH PLAIN", btoa(`\0anna\0${"x".repeat(7_000)}`));
    assert.deepEqual(said[2].lines, [refused]);
    assert.deepEqual(lines, []);
  });
});

describe("Dovecot that cannot say", () => {
  const troubles: readonly [what: string, script: Script, greeting?: string][] = [
    ["a temporary failure", ([, id]) => `FAIL\t${id}\ttemp\treason=database down\n`],
    ["a temporary failure as Dovecot 2.3 says it", ([, id]) => `FAIL\t${id}\tuser=anna\tcode=temp_fail\n`],
    ["a challenge where none can be", ([, id]) => `CONT\t${id}\t\n`],
    ["a line of nonsense", () => "OK\tx\n"],
    ["a handshake of another version", usual, "VERSION\t2\t0\nMECH\tPLAIN\nDONE\n"],
    ["a handshake without PLAIN", usual, "VERSION\t1\t2\nMECH\tGSSAPI\nDONE\n"],
    [
      "an end of the connection each time",
      (_, socket) => {
        socket.destroy();
        return undefined;
      },
    ],
  ];
  for (const [what, script, greeting] of troubles) {
    test(`${what} is 454`, async (t) => {
      const { path } = await serve(t, script, greeting);
      const at = await openLogins(authDovecot({ path }));
      assert.equal(await login(at, "anna", "pencil"), backEndDown);
    });
  }

  test("no socket at all is 454, and the log says why", async () => {
    const at = await openLogins(authDovecot({ path: "/nowhere/auth" }));
    const smtp = await at.connect();
    assert.deepEqual((await smtp.auth("anna", "pencil")).lines, [backEndDown]);
    assert.match(smtp.log.at(-1)?.message ?? "", /^Dovecot does not answer: connect ENOENT/);
  });

  test("silence is 454 by the clock, and Dovecot hears that nobody waits any more", async (t) => {
    const asked = Promise.withResolvers<void>();
    const { path, lines } = await serve(t, () => {
      asked.resolve();
      return undefined;
    });
    const clock = fakeClock();
    const at = await openLogins(authDovecot({ path, timeoutMs: 3_000 }), { clock });
    const smtp = await at.connect();
    const reply = smtp.auth("anna", "pencil");
    await asked.promise;
    await clock.advance(3_000);
    assert.deepEqual((await reply).lines, [backEndDown]);
    while (lines.length < 2) await new Promise(setImmediate);
    assert.equal(lines[1], "CANCEL\t1");
  });
});

describe("the connection", () => {
  test("is made again after Dovecot has restarted, with a number of its own", async (t) => {
    const { path, sockets, clientIds } = await serve(t);
    const at = await openLogins(authDovecot({ path }));
    assert.equal(await login(at, "anna", "pencil"), accepted);
    sockets[0]?.destroy();
    assert.equal(await login(at, "anna", "pencil"), accepted);
    assert.equal(sockets.length, 2);
    assert.notEqual(clientIds[0], clientIds[1]);
  });

  test("that breaks with a request on its way is made again once for it", async (t) => {
    let asked = 0;
    const { path, sockets } = await serve(t, (words, socket) => {
      asked++;
      if (asked !== 2) return usual(words, socket);
      socket.destroy();
      return undefined;
    });
    const at = await openLogins(authDovecot({ path }));
    assert.equal(await login(at, "anna", "pencil"), accepted);
    assert.equal(await login(at, "anna", "eraser"), refused);
    assert.equal(sockets.length, 2);
  });

  test("rejects what is under way when it is closed", async (t) => {
    const asked = Promise.withResolvers<void>();
    const { path } = await serve(t, () => {
      asked.resolve();
      return undefined;
    });
    const client = new DovecotAuthClient({ path }, "smtp");
    const session = {
      local: { address: "192.0.2.25", port: 25 },
      client: { address: "192.0.2.1", port: 1 },
      secured: true,
    };
    const { signal } = new AbortController();
    const answer = client.check(session, { username: "a", password: "b" }, signal);
    await asked.promise;
    client.close();
    await assert.rejects(answer, { name: "DovecotAuthError", message: "closed" });
  });
});

describe("mistakes in the options of authDovecot", () => {
  const mistakes: readonly [options: unknown, message: RegExp][] = [
    [{}, /^authDovecot: want path, or host and port$/],
    [{ path: "" }, /^authDovecot\.path: want the path of a socket, found ""$/],
    [{ path: "/x", port: 1 }, /^authDovecot\.path: want either path or host and port$/],
    [{ host: "x" }, /^authDovecot: want path, or host and port$/],
    [{ host: "", port: 1 }, /^authDovecot\.host: want a host name or address, found ""$/],
    [{ port: 0 }, /^authDovecot\.port: want a port from 1 to 65535, found 0$/],
    [{ path: "/x", service: "a b" }, /^authDovecot\.service: want a name such as smtp, found "a b"$/],
    [{ path: "/x", timeoutMs: 0 }, /^authDovecot\.timeoutMs: want milliseconds from 100 to 50000, found 0$/],
    [{ socket: "/x" }, /^authDovecot\.socket: no such option/],
  ];
  for (const [options, message] of mistakes) {
    test(`${JSON.stringify(options)} is refused with its path`, () => {
      assert.throws(() => authDovecot(options as AuthDovecotOptions), { name: "TypeError", message });
    });
  }
});
