// Listeners on Unix sockets (src/hosts/smtp/unix-socket.ts): who may connect, what is taken over and what is left alone.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { SessionInfo } from "../../../src/hooks/stages.ts";
import { accept, queued } from "../../../src/hooks/verdict.ts";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { resolveConfig } from "../../../src/server/config.ts";
import type { ServerOptions } from "../../../src/server/options.ts";
import { createServerReading } from "../../../src/server/server.ts";

function socketPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-socket-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "lmtp.sock");
}

function open(t: TestContext, options: Partial<ServerOptions>, readMode: ReadMode = "shared") {
  const server = createServerReading({ hostname: "mx.test", modules: [], ...options }, readMode);
  t.after(() => server.close({ drainMs: 1_000 }));
  return server;
}

/** What the server says to these commands, up to its hanging up. */
async function talk(path: string, input: string): Promise<string> {
  const socket = connect(path);
  socket.end(input);
  let said = "";
  for await (const bytes of socket) said += String(bytes);
  return said;
}

for (const readMode of ["shared", "data"] as const) {
  describe(`a Unix socket read by way of "${readMode}"`, () => {
    test("carries a session of a client on this machine, and is gone with the server", async (t) => {
      const path = socketPath(t);
      const sessions: SessionInfo[] = [];
      const modules = [
        {
          name: "keeper",
          connect: ({ session }: { session: SessionInfo }) => void sessions.push(session),
          rcpt: () => accept(),
          queue: () => queued(),
        },
      ];
      const server = open(t, { modules, listen: [{ path, profile: "lmtp" }] }, readMode);
      const [address] = await server.listen();
      assert.deepEqual(address, { host: "", port: 0, path, tls: "off" });
      const lines = [
        "LHLO c.test",
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<c@d.test>",
        "RCPT TO:<e@d.test>",
        "DATA",
      ];
      const said = await talk(path, [...lines, "A: b", ".", "QUIT", ""].join("\r\n"));
      assert.match(said, /354 [^\r]*\r\n250 [^\r]*\r\n250 [^\r]*\r\n221 /);
      const [session] = sessions;
      assert.deepEqual(session?.client, { address: "127.0.0.1", family: 4, port: 0 });
      const { sessions: served, messages } = await server.close();
      assert.deepEqual({ served, messages }, { served: 1, messages: 1 });
      assert.equal(existsSync(path), false);
    });
  });
}

test("a Unix socket has the permissions that were asked for, 0660 by default", async (t) => {
  const [first, second] = [socketPath(t), socketPath(t)];
  await open(t, { listen: [{ path: first }, { path: second, mode: 0o600 }] }).listen();
  assert.deepEqual(
    [first, second].map((path) => statSync(path).mode & 0o777),
    [0o660, 0o600],
  );
});

test("a socket left over from a process that is gone is replaced", async (t) => {
  const path = socketPath(t);
  const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script, path]);
  assert.equal(statSync(path).isSocket(), true);
  await open(t, { listen: [{ path }] }).listen();
  assert.match(await talk(path, "QUIT\r\n"), /^220 /);
});

test("a socket in use, and a file that is no socket, are left alone", async (t) => {
  const path = socketPath(t);
  await open(t, { listen: [{ path }] }).listen();
  await assert.rejects(open(t, { listen: [{ path }] }).listen(), { code: "EADDRINUSE" });
  assert.match(await talk(path, "QUIT\r\n"), /^220 /);
  const file = socketPath(t);
  writeFileSync(file, "mine");
  await assert.rejects(open(t, { listen: [{ path: file }] }).listen(), { code: "EADDRINUSE" });
  assert.equal(statSync(file).size, 4);
});

test("clients of a Unix socket do not count as one address", async (t) => {
  const path = socketPath(t);
  await open(t, { listen: [{ path }], limits: { connectionsPerAddress: 1 } }).listen();
  const said = await Promise.all([1, 2, 3].map(() => talk(path, "QUIT\r\n")));
  for (const each of said) assert.match(each, /^220 /);
});

test("a place is either a port or a path", () => {
  const wrong = (listen: unknown): RegExp | string => {
    try {
      resolveConfig({ modules: [], listen: [listen] });
      return "nothing is wrong";
    } catch (error) {
      return String(error);
    }
  };
  assert.match(
    String(wrong({ path: "/run/x", port: 25 })),
    /listen\[0\]\.port: found 25, want nothing, where path is set/,
  );
  assert.match(String(wrong({ path: "/run/x", host: "::1" })), /listen\[0\]\.host/);
  assert.match(String(wrong({ port: 25, mode: 0o600 })), /listen\[0\]\.mode: found 384, want nothing/);
  assert.match(String(wrong({ path: "/run/x", mode: 0o7777 })), /want permissions such as 0o660/);
  assert.match(String(wrong({})), /or path for a Unix socket/);
});
