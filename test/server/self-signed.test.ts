// Certificates that the server makes for itself (src/server/self-signed/): what OpenSSL thinks of them, and when they are
// kept.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { makeSelfSigned } from "../../src/server/self-signed/certificate.ts";
import { bitString, identifier, integer, sequence, time } from "../../src/server/self-signed/der.ts";
import { namesOf, selfSigned } from "../../src/server/self-signed/store.ts";

const dayMs = 86_400_000;
const now = Date.UTC(2026, 0, 2);

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-self-signed-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe("DER (X.690)", () => {
  const cases: readonly [what: string, der: Buffer, hex: string][] = [
    ["zero", integer(Buffer.of(0, 0)), "020100"],
    ["a number whose first bit is set", integer(Buffer.of(0x80)), "02020080"],
    ["a number without needless zeros", integer(Buffer.of(0, 0, 0x7f)), "02017f"],
    ["an object identifier", identifier("1.2.840.10045.4.3.2"), "06082a8648ce3d040302"],
    ["a length of 127", bitString(Buffer.alloc(126)).subarray(0, 3), "037f00"],
    ["a length of 128", bitString(Buffer.alloc(127)).subarray(0, 4), "03818000"],
    ["a length of 256", sequence(Buffer.alloc(256)).subarray(0, 4), "30820100"],
    ["an empty sequence", sequence(), "3000"],
    ["a time of this century", time(Date.UTC(2049, 11, 31, 23, 59, 59)), "170d3439313233313233353935395a"],
    ["a time from 2050 on", time(Date.UTC(2050, 0, 1)), "180f32303530303130313030303030305a"],
  ];
  for (const [what, der, hex] of cases) test(what, () => assert.equal(der.toString("hex"), hex));
});

describe("a self-signed certificate (RFC 5280)", () => {
  const names = ["mx.example.org", "localhost", "127.0.0.1", "::1"];
  const { cert, key } = makeSelfSigned({ names, notBefore: now, notAfter: now + dayMs });
  const certificate = new X509Certificate(cert);

  test("is signed by its own key, names the server, and is no authority", () => {
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.ca, false);
    assert.equal(certificate.validFromDate.getTime(), now);
    assert.equal(certificate.validToDate.getTime(), now + dayMs);
    assert.equal(certificate.checkHost("mx.example.org"), "mx.example.org");
    assert.equal(certificate.checkHost("example.org"), undefined);
    assert.equal(certificate.checkIP("::1"), "::1");
    assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  });

  test("has a number of its own", () => {
    const second = makeSelfSigned({ names, notBefore: now, notAfter: now + dayMs });
    assert.notEqual(new X509Certificate(second.cert).serialNumber, certificate.serialNumber);
  });

  const installed = spawnSync("openssl", ["version"]).error === undefined;
  test("passes OpenSSL's strict checks", { skip: installed ? false : "openssl is not installed" }, (t) => {
    const directory = directoryFor(t);
    const file = join(directory, "cert.pem");
    const made = makeSelfSigned({ names, notBefore: Date.now() - 1_000, notAfter: Date.now() + dayMs });
    writeFileSync(file, made.cert);
    const openssl = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8", timeout: 20_000 });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const text = openssl("x509", "-in", file, "-noout", "-text");
    assert.match(text, /Version: 3/);
    assert.match(text, /DNS:mx\.example\.org, DNS:localhost, IP Address:127\.0\.0\.1/);
    const checks = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", "mx.example.org"];
    openssl("verify", ...checks, "-CAfile", file, file);
  });
});

describe("the names of a server", () => {
  const cases: readonly [hostname: string, names: readonly string[]][] = [
    ["MX.Example.ORG", ["mx.example.org", "localhost", "127.0.0.1", "::1"]],
    ["localhost", ["localhost", "127.0.0.1", "::1"]],
    ["[192.0.2.1]", ["192.0.2.1", "localhost", "127.0.0.1", "::1"]],
    ["[IPv6:2001:db8::1]", ["2001:db8::1", "localhost", "127.0.0.1", "::1"]],
    ["[tag:content]", ["localhost", "127.0.0.1", "::1"]],
  ];
  for (const [hostname, names] of cases) test(hostname, () => assert.deepEqual(namesOf(hostname), names));
});

describe("the certificate of a directory", () => {
  test("is made once; only its owner can read the key, and git sees neither", (t) => {
    const directory = join(directoryFor(t), "a", "b");
    const made = selfSigned(directory, "mx.test", now);
    assert.equal(made.certFile, join(directory, "cert.pem"));
    assert.equal(readFileSync(made.certFile, "utf8"), made.cert);
    assert.equal(statSync(join(directory, "key.pem")).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory).toSorted(), [".gitignore", "cert.pem", "key.pem"]);
    assert.deepEqual(selfSigned(directory, "mx.test", now + 300 * dayMs), made);
    assert.deepEqual(selfSigned(directory, "localhost", now), made);
  });

  test("is not written through a link or file that was there before", (t) => {
    const [directory, elsewhere] = [directoryFor(t), join(directoryFor(t), "elsewhere")];
    writeFileSync(elsewhere, "mine");
    for (const name of ["cert.pem", "key.pem"]) {
      symlinkSync(elsewhere, join(directory, name));
      symlinkSync(elsewhere, join(directory, `${name}.${process.pid}`));
    }
    selfSigned(directory, "mx.test", now);
    assert.equal(readFileSync(elsewhere, "utf8"), "mine");
    assert.equal(statSync(join(directory, "key.pem")).mode & 0o777, 0o600);
  });

  const reasons: readonly [what: string, spoil: (directory: string) => void, hostname: string, at: number][] =
    [
      ["runs out within a day", () => undefined, "mx.test", now + 364.5 * dayMs],
      ["is of the future", () => undefined, "mx.test", now - 2 * dayMs],
      ["lacks a name", () => undefined, "other.test", now],
      ["is no certificate", (at) => writeFileSync(join(at, "cert.pem"), "x"), "mx.test", now],
      ["has lost its key", (at) => rmSync(join(at, "key.pem")), "mx.test", now],
      ["has the key of another", otherKey, "mx.test", now],
    ];
  for (const [what, spoil, hostname, at] of reasons) {
    test(`is made anew when it ${what}`, (t) => {
      const directory = directoryFor(t);
      const first = selfSigned(directory, "mx.test", now);
      spoil(directory);
      const second = selfSigned(directory, hostname, at);
      assert.notEqual(second.cert, first.cert);
      assert.deepEqual(selfSigned(directory, hostname, at), second);
    });
  }
});

function otherKey(directory: string): void {
  const { key } = makeSelfSigned({ names: ["x.test"], notBefore: now, notAfter: now + dayMs });
  writeFileSync(join(directory, "key.pem"), key);
}
