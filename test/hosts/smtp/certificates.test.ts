// Which certificate a client gets by the name it asks for (src/hosts/smtp/certificates.ts), and what binds SASL to it
// (channel-bindings.ts), over sockets without SMTP.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import {
  alternativeNames,
  certificateFacts,
  CertificateStore,
} from "../../../src/hosts/smtp/certificates.ts";
import type { NamedCertificate, TlsMaterial } from "../../../src/hosts/smtp/certificates.ts";
import { endPointHash } from "../../../src/hosts/smtp/channel-bindings.ts";
import { startTls } from "../../../src/hosts/smtp/tls.ts";
import type { HandshakeFailure, Secured } from "../../../src/hosts/smtp/tls.ts";
import { bitString, identifier, integer, sequence } from "../../../src/server/self-signed/der.ts";
import { fixture, heard, pair, shakeHands, shown } from "../../support/tls.ts";

const mail = pair("mail");
const other = pair("other");
const otherRsa = pair("other-rsa");
const localhost = pair("localhost");

function store(
  certificates: readonly NamedCertificate[],
  rules: Partial<TlsMaterial> = {},
): CertificateStore {
  return new CertificateStore({ minVersion: "TLSv1.2", clientCertificates: "off", ...rules, certificates });
}

/** A server that says "hello" after each handshake, and the results of the handshakes. */
async function listen(t: TestContext, certificates: CertificateStore) {
  const results: (Secured | HandshakeFailure)[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    startTls(socket, certificates, (result) => {
      results.push(result);
      if ("socket" in result) result.socket.write("hello");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    results,
    async connect(options: ConnectionOptions = {}) {
      const client = await shakeHands(t, port, { rejectUnauthorized: false, ...options });
      assert.equal(await heard(client), "hello");
      const secured = results.at(-1);
      assert.ok(secured !== undefined && "socket" in secured);
      return { client, secured };
    },
  };
}

describe("the certificate for a name (RFC 6066 §3)", () => {
  const certificates = store([localhost, mail, other]);
  const cases: readonly [asked: string, name: string | undefined][] = [
    ["localhost", "localhost"],
    ["mail.example.test", "mail.example.test"],
    ["MAIL.Example.Test", "mail.example.test"],
    ["any.example.test", "*.example.test"],
    ["example.test", undefined],
    ["two.labels.example.test", undefined],
    ["other.test", "other.test"],
    ["unknown.test", undefined],
    ["test", undefined],
    ["", undefined],
    ["*.example.test", "*.example.test"],
    ["__proto__", undefined],
  ];
  for (const [asked, name] of cases) {
    test(`${JSON.stringify(asked)} gets ${name ?? "the default"}`, () => {
      assert.equal(certificates.choose(asked).name, name);
    });
  }

  test("is chosen by the names that were given, in place of those in the certificate", () => {
    const named = store([localhost, { ...mail, names: ["Elsewhere.Test", "*.wild.test"] }]);
    assert.equal(named.choose("elsewhere.test").name, "elsewhere.test");
    assert.equal(named.choose("x.wild.test").name, "*.wild.test");
    assert.equal(named.choose("mail.example.test").name, undefined);
  });

  test("is the first of several with the same name and kind of key", () => {
    const certificates = [mail, other].map((both) => ({ ...both, names: ["a.test"] }));
    assert.deepEqual(store(certificates).choose("a.test"), { name: "a.test", context: undefined });
  });

  test("is another after an update, and the same after one that failed", () => {
    const changing = store([mail]);
    const [before] = changing.certificates;
    assert.throws(() => {
      changing.update({
        minVersion: "TLSv1.2",
        clientCertificates: "off",
        certificates: [{ ...mail, key: other.key }],
      });
    });
    assert.deepEqual(changing.certificates, [before]);
    changing.update({ minVersion: "TLSv1.2", clientCertificates: "off", certificates: [other] });
    assert.deepEqual(changing.certificates, [certificateFacts(other.cert)]);
    assert.equal(changing.choose("mail.example.test").name, undefined);
  });

  for (const [servername, expected] of [
    ["mail.example.test", "mail.example.test"],
    ["any.example.test", "mail.example.test"],
    ["other.test", "other.test"],
    ["unknown.test", "localhost"],
    ["", "localhost"],
  ] as const) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`shown to a client that asks for ${servername || "none"} with ${version} is that of ${expected}`, async (t) => {
        const { connect } = await listen(t, certificates);
        const { client, secured } = await connect({ servername, maxVersion: version });
        assert.equal(shown(client), expected);
        assert.equal(secured.info.serverName, servername || undefined);
        assert.equal(secured.info.version, version);
      });
    }
  }
});

describe("an ECDSA and an RSA certificate of the same name", () => {
  const stores = { "the default": store([other, otherRsa]), another: store([localhost, other, otherRsa]) };
  const offers: readonly [what: string, options: ConnectionOptions, keyType: string][] = [
    ["ECDSA only", { sigalgs: "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384" }, "ec"],
    ["RSA only", { sigalgs: "rsa_pss_rsae_sha256:rsa_pkcs1_sha256" }, "rsa"],
    ["RSA only, TLS 1.2", { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }, "rsa"],
    ["ECDSA only, TLS 1.2", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }, "ec"],
  ];
  for (const [what, options, keyType] of offers) {
    for (const [which, both] of Object.entries(stores)) {
      for (const servername of which === "another" ? ["other.test"] : ["other.test", "unknown.test", ""]) {
        // Of TLS 1.2 the cipher suites are not known when a certificate is chosen by name
        if (which === "another" && what === "RSA only, TLS 1.2") continue;
        test(`as ${which} serve a client of ${what} that asks for ${servername || "no name"}`, async (t) => {
          const { connect } = await listen(t, both);
          const { client } = await connect({ servername, ...options });
          assert.equal(shown(client), "other.test");
          assert.equal(client.getPeerX509Certificate()?.publicKey.asymmetricKeyType, keyType);
        });
      }
    }
  }
});

describe("channel bindings are the same at both ends", () => {
  const certificates = store([localhost, mail, other, otherRsa]);
  const digest = (client: TLSSocket, hash: string): Buffer =>
    createHash(hash)
      .update(client.getPeerX509Certificate()?.raw ?? "")
      .digest();

  for (const [servername, hash, options] of [
    ["mail.example.test", "sha256", {}],
    ["other.test", "sha384", { sigalgs: "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384" }],
    ["other.test", "sha256", { sigalgs: "rsa_pss_rsae_sha256:rsa_pkcs1_sha256" }],
    ["unknown.test", "sha256", {}],
  ] as const) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`${servername}, ${hash}, ${version} ${JSON.stringify(options)}`, async (t) => {
        const { connect } = await listen(t, certificates);
        const { client, secured } = await connect({ servername, maxVersion: version, ...options });
        const { exporter, endPoint } = secured.bindings;
        assert.deepEqual(endPoint?.(), digest(client, hash));
        if (version === "TLSv1.2") assert.equal(exporter, undefined);
        else {
          const own = client.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
          assert.deepEqual(exporter?.(), own);
          assert.equal(own.length, 32);
        }
      });
    }
  }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`in a resumed session with the only certificate (${version})`, async (t) => {
      const { connect, results } = await listen(t, store([mail]));
      const sessions: Buffer[] = [];
      const first = await connectKeeping(connect, sessions, { maxVersion: version });
      assert.equal(first.client.isSessionReused(), false);
      const again = await connect({ maxVersion: version, session: sessions[0] });
      assert.equal(again.client.isSessionReused(), true);
      assert.deepEqual(again.secured.bindings.endPoint?.(), digest(first.client, "sha256"));
      assert.equal(results.length, 2);
    });
  }

  test("and sessions are not resumed where there are several certificates, so that the name is known", async (t) => {
    const { connect } = await listen(t, certificates);
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const sessions: Buffer[] = [];
      const servername = "mail.example.test";
      const first = await connectKeeping(connect, sessions, { maxVersion, servername });
      const session = sessions[0] ?? first.client.getSession();
      const again = await connect({ maxVersion, servername, session });
      assert.equal(again.client.isSessionReused(), false);
      assert.equal(again.secured.info.certificateName, servername);
    }
  });
});

/** Connects and waits for the ticket, which comes with the first data at the latest. */
async function connectKeeping(
  connect: (options: ConnectionOptions) => Promise<{ client: TLSSocket; secured: Secured }>,
  sessions: Buffer[],
  options: ConnectionOptions,
) {
  const connected = await connect(options);
  const session = connected.client.getSession();
  if (session !== undefined) sessions.push(session);
  return connected;
}

describe("the hash of tls-server-end-point (RFC 5929 §4.1)", () => {
  const cases: readonly [algorithm: string, hash: string | undefined][] = [
    ["1.2.840.113549.1.1.4", "sha256"],
    ["1.2.840.113549.1.1.5", "sha256"],
    ["1.2.840.10045.4.1", "sha256"],
    ["1.2.840.113549.1.1.11", "sha256"],
    ["1.2.840.113549.1.1.12", "sha384"],
    ["1.2.840.113549.1.1.13", "sha512"],
    ["1.2.840.10045.4.3.2", "sha256"],
    ["1.2.840.10045.4.3.4", "sha512"],
    ["1.2.840.113549.1.1.10", undefined],
    ["1.3.101.112", undefined],
  ];
  for (const [algorithm, hash] of cases) {
    test(`of ${algorithm} is ${hash ?? "not defined"}`, () => {
      const long = sequence(integer(Buffer.alloc(300, 1)));
      const certificate = sequence(long, sequence(identifier(algorithm)), bitString(Buffer.alloc(70)));
      assert.equal(endPointHash(certificate), hash);
    });
  }
});

describe("the names in a certificate", () => {
  const cases: readonly [text: string | undefined, names: readonly string[]][] = [
    [undefined, []],
    ["", []],
    [
      "DNS:a.test, IP Address:127.0.0.1, email:a@b.test",
      ["DNS:a.test", "IP Address:127.0.0.1", "email:a@b.test"],
    ],
    ['DNS:"a.test, DNS:evil.test", DNS:b.test', ["DNS:a.test, DNS:evil.test", "DNS:b.test"]],
    ['URI:"http://a/\\u002c"', ["URI:http://a/,"]],
    ["IP Address:0:0:0:0:0:0:0:1", ["IP Address:0:0:0:0:0:0:0:1"]],
  ];
  for (const [text, names] of cases) {
    test(JSON.stringify(text) ?? "none", () => assert.deepEqual(alternativeNames(text), names));
  }

  test("of which SNI has those that are host names", () => {
    assert.deepEqual(certificateFacts(fixture("client-cert.pem")).names, ["client.example.test"]);
    assert.deepEqual(certificateFacts(localhost.cert).names, ["localhost"]);
  });
});
