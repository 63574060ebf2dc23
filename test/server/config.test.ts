// Checking and completing a configuration (src/server/config.ts), and what is made of it (src/server/effective.ts).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { defaultLimits } from "../../src/engine/settings.ts";
import { problemLine } from "../../src/server/config-error.ts";
import { ConfigError, defineConfig, resolveConfig } from "../../src/server/config.ts";
import { configNotes } from "../../src/server/config-notes.ts";
import { effectiveSettings } from "../../src/server/effective.ts";
import { limitRows, serverLimits } from "../../src/server/limits.ts";
import { settings } from "../../src/server/settings.ts";
import { nearest } from "../../src/server/values.ts";
import { accept, queued } from "../../src/hooks/verdict.ts";

const anyone = { name: "anyone", rcpt: () => accept() };
const keep = { name: "keep", queue: () => queued() };

/** The problems of a configuration, a line each. */
function problemsOf(input: unknown): readonly string[] {
  try {
    resolveConfig(input);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "SMTPD_CONFIG");
    return error.problems.map(problemLine);
  }
  return [];
}

describe("a mistake in a configuration is named by path, what was found and what would be right", () => {
  const cases: readonly [input: unknown, problem: string][] = [
    [undefined, "(configuration): found undefined, want an object with settings"],
    [[], "(configuration): found an empty list, want an object with settings"],
    [{}, "modules: found nothing, want a list of modules, for instance [recipients({ … })]"],
    [{ modules: {} }, "modules: found an object, want a list"],
    [
      { modules: [], hostname: "a b" },
      'hostname: found "a b", want a domain name or an address literal such as [192.0.2.1]',
    ],
    [
      { modules: [], hostnam: "x" },
      "hostnam: found an unknown setting, want hostname, the nearest one there is",
    ],
    [
      { modules: [], port: 25 },
      "port: found an unknown setting, want listen[].port, the nearest one there is",
    ],
    [{ modules: [], listen: { port: 25 } }, "listen: found an object, want a list"],
    [
      { modules: [], listen: [] },
      "listen: found an empty list, want at least one listener, for instance { port: 2525 }",
    ],
    [
      { modules: [], listen: [2525] },
      'listen[0]: found 2525, want an object such as { host: "127.0.0.1", port: 2525 }',
    ],
    [
      { modules: [], listen: [{}] },
      "listen[0].port: found nothing, want a whole number from 0 to 65535, or path for a Unix socket",
    ],
    [
      { modules: [], listen: [{ port: 0 }, { port: "25" }] },
      'listen[1].port: found "25", want a whole number from 0 to 65535',
    ],
    [
      { modules: [], listen: [{ port: 25.5 }] },
      "listen[0].port: found 25.5, want a whole number from 0 to 65535",
    ],
    [
      { modules: [], listen: [{ host: "[::1]", port: 25 }] },
      'listen[0].host: found "[::1]", want an IP address (IPv6 without brackets) or a host name',
    ],
    [
      { modules: [], listen: [{ port: 25 }, { host: "127.0.0.1", port: 25 }] },
      "listen[1]: found 127.0.0.1 port 25, as in listen[0], want each address and port once",
    ],
    [
      { modules: [], listen: [{ port: 465, tls: "implicit" }] },
      'listen[0].tls: found "implicit" without a certificate, want tls.certFile and tls.keyFile set too',
    ],
    [
      { modules: [], listen: [{ port: 465, tls: "always" }] },
      'listen[0].tls: found "always", want "starttls", "implicit" or "off"',
    ],
    [
      { modules: [], limits: { recipient: 5 } },
      "limits.recipient: found an unknown setting, want limits.recipients, the nearest one there is",
    ],
    [
      { modules: [], limits: { recipients: 0 } },
      "limits.recipients: found 0, want a whole number from 1 to 1000000",
    ],
    [{ modules: [], bareNewline: "fix" }, 'bareNewline: found "fix", want "reject" or "normalize"'],
    [{ modules: [], authWithoutTls: "yes" }, 'authWithoutTls: found "yes", want true or false'],
    [
      { modules: [], authMechanisms: ["PLAIN", "GSSAPI"] },
      "authMechanisms: found a list, want a list of EXTERNAL, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, OAUTHBEARER, XOAUTH2, CRAM-MD5, PLAIN, LOGIN",
    ],
    [{ modules: [], observers: [1] }, "observers: found a list, want a list of functions"],
    [
      { modules: [], dns: {} },
      "dns: found an object, want an object with the methods resolve4, resolve6, resolveTxt, resolveMx, reverse",
    ],
    [
      { modules: [], state: new Map() },
      "state: found an object, want an object with the methods get, set, add, delete, increment",
    ],
    [
      { modules: [], fetch: "https://proxy.example" },
      'fetch: found "https://proxy.example", want a function',
    ],
    [
      { modules: [], spoolDirectory: "/nowhere/at/all" },
      'spoolDirectory: found "/nowhere/at/all", which does not exist, want a directory in which this process may create files',
    ],
    [
      { modules: ["recipients"] },
      'modules[0]: found "recipients", want a module, an object with a name and hooks',
    ],
    [
      { modules: [() => anyone] },
      "modules[0]: found a function, want a module, an object with a name and hooks; call it: a module is what the function returns",
    ],
    [
      { modules: [Promise.resolve(anyone)] },
      "modules[0]: found a promise, want a module; await what makes it",
    ],
    [
      { modules: [null, [anyone, [{ name: "a", rcpt: 5 }]]] },
      "modules[1][1][0] (a).rcpt: found 5, want a function or { handler, … }",
    ],
    [
      { modules: [{ name: "a", rcpt: { handler: accept, timeout: 0 } }] },
      "modules[0] (a).rcpt.timeout: found 0, want milliseconds from 1 to 120000",
    ],
    [
      { modules: [[anyone], [anyone]] },
      'modules[1][0].name: found "anyone", also the name of modules[0][0], want another name: { ...it, name: "…" }',
    ],
    [
      {
        modules: [
          { ...anyone, before: ["keep"] },
          { name: "keep", rcpt: accept, before: ["anyone"] },
        ],
      },
      "modules, stage rcpt: found a circle: keep → anyone → keep, want before and after without one",
    ],
  ];
  for (const [input, problem] of cases) {
    test(problem, () => assert.deepEqual(problemsOf(input), [problem]));
  }

  test("a list of modules that holds itself", () => {
    const modules: unknown[] = [];
    modules.push(modules);
    assert.deepEqual(problemsOf({ modules }), [
      "modules[0]: found a list that holds itself, want a list of modules",
    ]);
  });

  test("all mistakes are listed at once", () => {
    const problems = problemsOf({
      hostnam: "x",
      listen: [{ port: "25" }],
      limits: { hops: -1 },
      modules: [5, { name: "a", bogus: 1 }],
    });
    assert.deepEqual(
      problems.map((line) => line.replace(/:.*/, "")),
      ["hostnam", "listen[0].port", "limits.hops", "modules[0]", "modules[1] (a).bogus"],
    );
  });
});

describe("TLS needs a certificate and its key, each once", () => {
  const cases: readonly [tls: unknown, problem: string][] = [
    [{}, "tls: found neither cert nor certFile, want exactly one of the two"],
    [
      { certFile: "/no/cert.pem" },
      'tls.certFile: found "/no/cert.pem", which does not exist, want a PEM file',
    ],
    [{ cert: "x" }, "tls.cert: found something else (not shown), want PEM text"],
    [{ certFile: 5 }, "tls.certFile: found 5, want a path"],
    [
      { cert: "-----BEGIN CERTIFICATE-----", key: "-----BEGIN PRIVATE KEY-----" },
      "tls: found certificate and key that OpenSSL refuses",
    ],
  ];
  for (const [tls, problem] of cases) {
    test(problem, () => {
      const [first = ""] = problemsOf({ modules: [], tls });
      assert.ok(first.startsWith(problem), first);
    });
  }

  test("a file without PEM text is named, and no content is shown", (t) => {
    const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-config-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "key.pem");
    writeFileSync(file, "a secret");
    const problems = problemsOf({ modules: [], tls: { certFile: file, keyFile: file } });
    assert.equal(problems.length, 2);
    for (const problem of problems) {
      assert.ok(problem.includes(`found ${JSON.stringify(file)}, which holds no PEM text`));
      assert.ok(!problem.includes("secret"));
    }
  });

  test("a key given as text is never shown", () => {
    assert.ok(
      !problemsOf({ modules: [], tls: { cert: "abcdef", key: "hidden" } })
        .join()
        .includes("hidden"),
    );
  });
});

describe("a configuration that is right", () => {
  test("gets a value for every setting", () => {
    const config = resolveConfig(defineConfig({ modules: [] }));
    const [listener, ...others] = config.listen;
    assert.deepEqual(others, []);
    const { own, ...plain } = listener ?? assert.fail();
    assert.deepEqual(plain, {
      host: "127.0.0.1",
      port: 2525,
      path: undefined,
      mode: 0o660,
      tls: "off",
      profile: "mx",
      extensions: {},
      requireAuth: false,
      requireTls: false,
      proxy: [],
      trustProxyTls: false,
    });
    assert.deepEqual(own, { hostname: undefined, modules: undefined, limits: {}, tls: undefined });
    assert.deepEqual(config.limits, { ...defaultLimits, ...serverLimits });
    assert.equal(config.bareNewline, "reject");
    assert.equal(config.authWithoutTls, false);
    assert.notEqual(config.hostname, "");
  });

  test("has its modules in one list, without false, null and undefined", () => {
    const { modules } = resolveConfig({ modules: [false, [anyone, null, [keep]], undefined] });
    assert.deepEqual(modules, [anyone, keep]);
  });

  test("may hold undefined where a setting is left out", () => {
    assert.deepEqual(problemsOf({ modules: [], tls: undefined, limits: { hops: undefined } }), []);
  });
});

describe("the effective settings", () => {
  const config = resolveConfig({ modules: [anyone, keep], listen: [{ port: 25 }], limits: { hops: 50 } });
  const byPath = new Map(effectiveSettings(config).map((setting) => [setting.path, setting]));

  test("mark what differs from its default", () => {
    const changed = [...byPath.values()].filter((setting) => setting.changed).map(({ path }) => path);
    assert.deepEqual(changed, ["listen[0].port", "modules", "limits.hops"]);
    assert.deepEqual(byPath.get("limits.hops"), {
      path: "limits.hops",
      value: 50,
      default: 100,
      changed: true,
      unit: "",
    });
  });

  test("have every setting of the table", () => {
    // What a listener has of its own, and a Unix socket, is shown only where it is set
    const own = ["hostname", "modules", "limits", "certificate", "path", "mode"].map(
      (name) => `listen[].${name}`,
    );
    for (const { path } of settings) {
      const group = ["listen", "limits", "tls", "virtualHosts"].includes(path) || path.startsWith("tls.");
      const absent = own.some((name) => path.startsWith(name)) || path.startsWith("virtualHosts[].");
      assert.ok(group || absent || byPath.has(path.replace("[]", "[0]")), path);
    }
  });

  test("have every limit that the engine and the server have", () => {
    assert.deepEqual(Object.keys(limitRows).toSorted(), Object.keys(config.limits).toSorted());
  });
});

test("what is allowed but seldom meant is noted", () => {
  const listen = [{ host: "0.0.0.0", port: 25 }];
  const hostname = "mail";
  const notes = configNotes(resolveConfig({ modules: [], listen, hostname, limits: { recipients: 50 } }));
  assert.deepEqual(
    notes.map((note) => note.replace(/:.*/, "")),
    ["modules", "modules", "tls", "hostname", "limits.recipients"],
  );
  assert.deepEqual(configNotes(resolveConfig({ modules: [anyone, keep] })), []);
});

test("the nearest name is guessed only when it is near", () => {
  const names = ["hostname", "listen", "limits"];
  assert.equal(nearest("hostnmae", names), "hostname");
  assert.equal(nearest("Limit", names), "limits");
  assert.equal(nearest("profile", names), undefined);
});
