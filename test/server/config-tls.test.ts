// The setting `tls`: each mistake is named by its path, and what is right is read (src/server/config-tls.ts).

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ConfigError, resolveConfig } from "../../src/server/config.ts";
import { problemLine } from "../../src/server/config-error.ts";
import { configNotes } from "../../src/server/config-notes.ts";
import { effectiveSettings } from "../../src/server/effective.ts";
import { authority, expiredClient, pair, tlsFixtures } from "../support/tls.ts";

const mail = pair("mail");
const other = pair("other");
const file = (name: string): string => join(tlsFixtures, name);

function problemsOf(tls: unknown): readonly string[] {
  try {
    resolveConfig({ modules: [], tls });
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(problemLine);
  }
}

describe("a mistake in `tls` is named by its path", () => {
  const cases: readonly [tls: unknown, ...problems: RegExp[]][] = [
    [{ certificates: "x" }, /^tls\.certificates: found "x", want a list/, /^tls: found neither/, /^tls: /],
    [{ certificates: [5] }, /^tls\.certificates\[0\]: found 5, want an object with certFile and keyFile/],
    [
      { ...mail, certificates: [other, {}] },
      /^tls\.certificates\[1\]: found neither cert nor certFile, want exactly one/,
      /^tls\.certificates\[1\]: found neither key nor keyFile/,
    ],
    [
      { certificates: [mail, { cert: other.cert, keyFile: "/no/key.pem" }] },
      /^tls\.certificates\[1\]\.keyFile: found "\/no\/key\.pem", which does not exist/,
    ],
    [{ certificates: [{ ...mail, key: other.key }] }, /^tls\.certificates\[0\]: found .* OpenSSL refuses/],
    [
      { certificates: [{ ...mail, names: "x" }] },
      /^tls\.certificates\[0\]\.names: found "x", want a list of host/,
    ],
    [{ certificates: [{ ...mail, names: ["a.*.test"] }] }, /^tls\.certificates\[0\]\.names: found a list/],
    [{ certificates: [{ ...mail, name: ["a"] }] }, /^tls\.certificates\[0\]\.name: .*names, the nearest/],
    [{ selfSigned: true, ...mail }, /^tls: found both selfSigned and cert, want one of the two/],
    [{ selfSigned: true, certificates: [{}] }, /^tls\.certificates\[0\]: found neither cert/, /neither key/],
    [{ selfSigned: "yes" }, /^tls\.selfSigned: found "yes", want true or false/, /^tls: /, /^tls: /],
    [{ ...mail, ciphers: "nonsense" }, /^tls\.ciphers: found "nonsense", which OpenSSL refuses/],
    [{ ...mail, groups: "nonsense" }, /^tls\.groups: found "nonsense", which OpenSSL refuses/],
    [{ ...mail, sigalgs: "nonsense" }, /^tls\.sigalgs: found "nonsense", which OpenSSL refuses/],
    [{ ...mail, clientCertificates: true }, /^tls\.clientCertificates: found true, want "off", "request"/],
    [
      { ...mail, clientCertificates: "require" },
      /^tls\.clientCertificates: found "require" without authorities .*, want tls\.clientCaFile/,
    ],
    [{ ...mail, clientCa: mail.key }, /^tls\.clientCa: found no certificate/],
    [{ ...mail, clientCaFile: file("mail-key.pem") }, /^tls\.clientCaFile: found no certificate/],
    [{ ...mail, clientCa: authority, clientCaFile: "x" }, /^tls: found both clientCa and clientCaFile/],
    [{ ...mail, clientCaFile: "/no/ca.pem" }, /^tls\.clientCaFile: found "\/no\/ca\.pem", which does not/],
    [{ ...mail, onReload: 1 }, /^tls\.onReload: found 1, want a function/],
  ];
  for (const [tls, ...problems] of cases) {
    test(String(problems[0]), () => {
      const found = problemsOf(tls);
      assert.equal(found.length, problems.length, found.join("\n"));
      for (const [index, problem] of problems.entries()) assert.match(found[index] ?? "", problem);
    });
  }

  test("and no key is shown", () => {
    const shown = problemsOf({
      cert: "secret1",
      key: "secret2",
      certificates: [{ cert: 5, key: "secret3" }],
    });
    assert.equal(shown.join().includes("secret"), false);
  });
});

describe("a right `tls`", () => {
  const right: readonly [what: string, tls: object][] = [
    ["a pair", mail],
    ["files", { certFile: file("mail-cert.pem"), keyFile: file("mail-key.pem") }],
    ["a pair and a list", { ...mail, certificates: [other] }],
    ["a list", { certificates: [mail, { ...other, names: ["*.other.test", "other.test"] }] }],
    ["a self-signed certificate", { selfSigned: true }],
    ["algorithms", { ...mail, ciphers: "ECDHE+AESGCM", groups: "X25519:P-256", sigalgs: "ECDSA+SHA256" }],
    ["client certificates", { ...mail, clientCertificates: "require", clientCa: authority }],
  ];
  for (const [what, tls] of right) test(`may hold ${what}`, () => assert.deepEqual(problemsOf(tls), []));

  test("is shown setting by setting, PEM text and keys aside", () => {
    const tls = {
      ...mail,
      certificates: [
        { certFile: file("other-cert.pem"), keyFile: file("other-key.pem"), names: ["other.test"] },
      ],
      clientCertificates: "request",
      clientCa: authority,
    };
    const shown = effectiveSettings(resolveConfig({ modules: [], tls }))
      .filter(({ path, changed }) => path.startsWith("tls") && changed)
      .map(({ path, value }) => [path, value]);
    assert.deepEqual(shown, [
      ["tls.cert", "(PEM text)"],
      ["tls.key", "(PEM text)"],
      ["tls.certificates[0].names", ["other.test"]],
      ["tls.certificates[0].certFile", file("other-cert.pem")],
      ["tls.certificates[0].keyFile", file("other-key.pem")],
      ["tls.clientCertificates", "request"],
      ["tls.clientCa", "(PEM text)"],
    ]);
  });

  test("is noted where a certificate has run out, or is self-signed in public", () => {
    const notes = (tls: object): readonly string[] =>
      configNotes(
        resolveConfig({ modules: [], hostname: "mx.example.org", listen: [{ host: "::", port: 25 }], tls }),
      );
    assert.ok(notes(expiredClient).includes("tls: the certificate ran out on 2006-07-12"));
    assert.ok(notes({ selfSigned: true }).some((note) => note.startsWith("tls.selfSigned: ")));
    assert.deepEqual(
      notes(mail).filter((note) => note.startsWith("tls")),
      [],
    );
  });
});
