// Listeners and virtual hosts with ways of their own: what the configuration says of them, and that they serve by it.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createTransport } from "nodemailer";
import { accept, createServer, queued } from "../../src/index.ts";
import type { Module, ServerModule, ServerOptions } from "../../src/index.ts";
import { chainsOf } from "../../src/server/config-chains.ts";
import { problemLine } from "../../src/server/config-error.ts";
import { configNotes } from "../../src/server/config-notes.ts";
import { ConfigError, resolveConfig } from "../../src/server/config.ts";
import { effectiveSettings } from "../../src/server/effective.ts";

const fixtures = join(import.meta.dirname, "../fixtures/tls");
const pair = (name: string) => ({
  cert: readFileSync(join(fixtures, `${name}-cert.pem`), "utf8"),
  key: readFileSync(join(fixtures, `${name}-key.pem`), "utf8"),
});

const anyone: Module = { name: "anyone", rcpt: () => accept() };
const keep: ServerModule = { name: "keep", queue: () => queued() };

function problemsOf(input: unknown): readonly string[] {
  try {
    resolveConfig(input);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(problemLine);
  }
  return [];
}

describe("a mistake in a listener or a virtual host is named by its path", () => {
  const host = { name: "net", domains: ["example.net"] };
  const cases: readonly [input: Record<string, unknown>, problem: RegExp][] = [
    [
      { listen: [{ port: 1, profile: "mta" }] },
      /^listen\[0\]\.profile: found "mta", want "mx", "submission"/,
    ],
    [{ listen: [{ port: 1, extensions: { BDAT: true } }] }, /^listen\[0\]\.extensions: .*CHUNKING/],
    [
      { listen: [{ port: 1, profile: "submission", extensions: { ETRN: true } }] },
      /^listen\[0\]\.extensions: found ETRN: true in submission, want ETRN in mx or internal only/,
    ],
    [
      { listen: [{ port: 1, extensions: { FUTURERELEASE: true } }] },
      /^listen\[0\]\.extensions: found FUTURERELEASE: true in mx, want FUTURERELEASE in submission only/,
    ],
    [{ listen: [{ port: 1, modules: [{}] }] }, /^listen\[0\]\.modules\[0\]\.name: /],
    [{ listen: [{ port: 1, limits: { errors: -1 } }] }, /^listen\[0\]\.limits\.errors: found -1/],
    [
      { listen: [{ port: 1, limits: { connections: 5 } }] },
      /^listen\[0\]\.limits\.connections: found an unknown/,
    ],
    [{ listen: [{ port: 1, certificate: { cert: "x" } }] }, /^listen\[0\]\.certificate/],
    [{ virtualHosts: [2] }, /^virtualHosts\[0\]: found 2, want an object/],
    [{ virtualHosts: [{ domains: ["a.test"] }] }, /^virtualHosts\[0\]\.name: found nothing/],
    [{ virtualHosts: [{ name: "x" }] }, /^virtualHosts\[0\]: found neither serverNames nor domains/],
    [{ virtualHosts: [{ name: "x", domains: ["not a name"] }] }, /^virtualHosts\[0\]\.domains/],
    [
      { virtualHosts: [host, { ...host, name: "b" }] },
      /^virtualHosts\[1\]\.domains: found "example\.net", as in/,
    ],
    [{ virtualHosts: [{ ...host, listeners: [1] }] }, /^virtualHosts\[0\]\.listeners: found 1, want places/],
    [{ virtualHosts: [{ ...host, certificate: pair("mail") }] }, /^virtualHosts\[0\]\.certificate: /],
    [
      { virtualHosts: [{ ...host, serverNames: ["a.test"], certificate: { cert: "x", key: "y" } }] },
      /^virtualHosts\[0\]\.certificate/,
    ],
  ];
  for (const [input, problem] of cases) {
    test(String(problem), () => {
      const problems = problemsOf({ modules: [], ...input });
      assert.ok(
        problems.some((line) => problem.test(line)),
        problems.join("\n"),
      );
    });
  }
});

describe("profiles", () => {
  test("submission wants AUTH, and TLS where there is a certificate", () => {
    const { listen } = resolveConfig({
      modules: [],
      tls: pair("localhost"),
      listen: [
        { port: 1, profile: "submission" },
        { port: 2, profile: "submission", tls: "off" },
        { port: 3, profile: "submission", requireAuth: false, requireTls: false },
        { port: 4 },
      ],
    });
    assert.deepEqual(
      listen.map(({ requireAuth, requireTls }) => [requireAuth, requireTls]),
      [
        [true, true],
        [true, false],
        [false, false],
        [false, false],
      ],
    );
  });

  test("notes tell of what is seldom meant", () => {
    const config = resolveConfig({
      modules: [anyone, keep],
      listen: [
        { port: 25, profile: "lmtp" },
        { port: 587, profile: "submission" },
      ],
    });
    const notes = configNotes(config).join("\n");
    assert.match(notes, /listen\[0\]: LMTP must not be on port 25/);
    assert.match(notes, /listen\[1\]\.requireAuth: no module has an auth hook/);
  });
});

test("chains and effective settings show what listeners and hosts have of their own", () => {
  const config = resolveConfig({
    modules: [anyone, keep],
    listen: [{ port: 1 }, { port: 2, modules: [keep], limits: { errors: 3 }, hostname: "in.test" }],
    virtualHosts: [{ name: "net", domains: ["example.net"], modules: [anyone] }],
  });
  assert.deepEqual(
    chainsOf(config).map(({ path, modules }) => [path, modules.map(({ name }) => name).join(" ")]),
    [
      ["modules", "anyone keep"],
      ["listen[1].modules", "keep"],
      ["modules of virtual host net", "anyone"],
    ],
  );
  const changed = effectiveSettings(config).filter((setting) => setting.changed);
  for (const path of [
    "listen[1].modules",
    "listen[1].limits.errors",
    "listen[1].hostname",
    "virtualHosts[0].domains",
  ]) {
    assert.ok(
      changed.some((setting) => setting.path === path),
      path,
    );
  }
});

test("modules may be left out where each listener has its own", () => {
  assert.deepEqual(problemsOf({ listen: [{ port: 1, modules: [] }] }), []);
  assert.equal(problemsOf({ listen: [{ port: 1, modules: [] }, { port: 2 }] }).length, 1);
});

async function serving(
  options: ServerOptions,
  run: (ports: readonly number[]) => Promise<void>,
): Promise<void> {
  await using server = createServer({ hostname: "mx.test", ...options });
  const addresses = await server.listen();
  await run(addresses.map(({ port }) => port));
}

/** Names of the certificate and of the greeting that a client gets who asks for `servername`. */
function greetedAs(
  port: number,
  servername: string,
): Promise<{ names: string | undefined; greeting: string }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
    socket.on("error", reject);
    socket.once("data", (bytes: Buffer) => {
      resolve({ names: socket.getPeerX509Certificate()?.subjectAltName, greeting: bytes.toString() });
      socket.end("QUIT\r\n");
    });
  });
}

describe("over TCP", () => {
  test("listeners serve by their own chains, names and limits", async () => {
    const taken: string[] = [];
    const keeper = (name: string): ServerModule => ({
      name,
      rcpt: () => accept(),
      queue({ session }) {
        taken.push(`${name} at ${session.hostname}`);
        return queued();
      },
    });
    const here = { host: "127.0.0.1", port: 0 };
    const own = { modules: [keeper("inside")], hostname: "in.test", limits: { messageBytes: 2_000 } };
    await serving({ modules: [keeper("outside")], listen: [here, { ...here, ...own }] }, async (ports) => {
      const send = (port: number | undefined, text: string) =>
        createTransport({ host: "127.0.0.1", port, ignoreTLS: true }).sendMail({
          from: "a@b.test",
          to: "c@d.test",
          text,
        });
      await send(ports[0], "one");
      await send(ports[1], "two");
      await send(ports[0], "x ".repeat(2_000));
      await assert.rejects(send(ports[1], "x ".repeat(2_000)), /552/);
    });
    assert.deepEqual(taken, ["outside at mx.test", "inside at in.test", "outside at mx.test"]);
  });

  test("the name in TLS chooses certificate, host name and chain", async () => {
    const host = {
      name: "other",
      serverNames: ["other.test"],
      hostname: "mail.other.test",
      certificate: pair("other"),
    };
    const listen = [{ host: "127.0.0.1", port: 0, tls: "implicit" }] as const;
    await serving(
      { modules: [], tls: pair("localhost"), listen, virtualHosts: [host] },
      async ([port = 0]) => {
        const [standard, other] = await Promise.all([
          greetedAs(port, "localhost"),
          greetedAs(port, "other.test"),
        ]);
        assert.match(standard.greeting, /^220 mx\.test /);
        assert.match(other.greeting, /^220 mail\.other\.test /);
        assert.notEqual(standard.names, other.names);
      },
    );
  });

  test("a virtual host's certificate is shown beside a self-signed one, and at a listener with its own", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-hosts-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const host = { name: "other", serverNames: ["other.test", "MX.test"], certificate: pair("other") };
    const here = { host: "127.0.0.1", port: 0, tls: "implicit" } as const;
    const listen = [here, { ...here, certificate: pair("mail") }];
    const tls = { selfSigned: true, directory };
    await serving({ modules: [], tls, listen, virtualHosts: [host] }, async ([first = 0, second = 0]) => {
      const asked = [first, second].flatMap((port) =>
        ["localhost", "other.test", "mx.test"].map((name) => greetedAs(port, name)),
      );
      const names = (await Promise.all(asked)).map((one) => one.names);
      const [made, other, , own] = names;
      assert.match(made ?? "", /^DNS:mx\.test, DNS:localhost, IP Address:127\.0\.0\.1/);
      assert.match(other ?? "", /other\.test/);
      assert.match(own ?? "", /mail/);
      // The name of the server is one of the host's, which has a real certificate for it
      assert.deepEqual(names, [made, other, other, own, other, other]);
    });
  });

  test("a listener may have a default certificate of its own", async () => {
    const here = { host: "127.0.0.1", port: 0, tls: "implicit" } as const;
    const listen = [here, { ...here, certificate: pair("mail") }];
    await serving({ modules: [], tls: pair("localhost"), listen }, async ([first = 0, second = 0]) => {
      const [shared, own] = await Promise.all([
        greetedAs(first, "unknown.test"),
        greetedAs(second, "unknown.test"),
      ]);
      assert.notEqual(shared.names, own.names);
    });
  });
});
