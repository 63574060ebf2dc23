// Client certificates: who gets in under which setting, what modules learn (src/hosts/smtp/client-certificate.ts), and
// what the log says of handshakes that failed.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import type { LogReport } from "../../../src/hooks/report.ts";
import type { TlsInfo } from "../../../src/hooks/stages.ts";
import { Client } from "../../stress/support/client.ts";
import { localhostTls, signal, startLocal, trusting } from "../../stress/support/local-server.ts";
import { deliver } from "../../stress/support/message.ts";
import { authority, expiredClient, heard, pair, shakeHands } from "../../support/tls.ts";

const known = pair("client");
const unknown = localhostTls;
const versions = ["TLSv1.2", "TLSv1.3"] as const;

type Certificate = "none" | "known" | "expired" | "unknown";

const certificates: Readonly<Record<Certificate, ConnectionOptions>> = {
  none: {},
  known,
  expired: expiredClient,
  unknown,
};

describe("client certificates", () => {
  /** `true`: verified, a text: why not, undefined: modules see none, `refused`: no session. */
  const cases: readonly [
    mode: "off" | "request" | "require",
    certificate: Certificate,
    outcome: true | string | undefined,
  ][] = [
    ["off", "none", undefined],
    ["off", "known", undefined],
    ["request", "none", undefined],
    ["request", "known", true],
    ["request", "expired", "CERT_HAS_EXPIRED"],
    ["request", "unknown", "INVALID_PURPOSE"], // a server's
    ["require", "none", "refused"],
    ["require", "known", true],
    ["require", "expired", "refused"],
    ["require", "unknown", "refused"],
  ];
  for (const version of versions) {
    for (const [mode, certificate, outcome] of cases) {
      test(`${mode}, ${certificate}, ${version}: ${String(outcome)}`, async (t) => {
        const seen = signal<TlsInfo | undefined>();
        const logged: string[] = [];
        const { port, server } = await startLocal(t, {
          readMode: "shared",
          listen: [{ port: 0, tls: "implicit" }],
          tls: { ...localhostTls, clientCertificates: mode, clientCa: authority },
          modules: [{ name: "see", connect: ({ session }) => seen.tell(session.tls) }],
          observers: [(report) => report.type === "log" && logged.push(report.message)],
        });
        const options = { maxVersion: version, servername: "localhost", ...certificates[certificate] };
        if (outcome === "refused") {
          // With TLS 1.3 the client learns of it after its own end of the handshake (RFC 8446 §4.4.4)
          const greeting = await shakeHands(t, port, { ...trusting, ...options }).then(heard, () => "");
          assert.equal(greeting, "");
          assert.equal(logged.length, 1);
          assert.match(
            logged[0] ?? "",
            /^TLS handshake failed: (?:client certificate: |peer did not return)/,
          );
          assert.equal(server.sessionCount, 0);
          return;
        }
        const client = await shakeHands(t, port, { ...trusting, ...options });
        assert.match(await heard(client), /^220 /);
        const shown = (await seen.heard)?.clientCertificate;
        assert.equal(shown?.verified === false ? shown.error : shown?.verified, outcome);
        assert.deepEqual(logged, []);
      });
    }
  }

  test("are known to the modules in all parts", async (t) => {
    const seen = signal<TlsInfo | undefined>();
    const { port } = await startLocal(t, {
      readMode: "shared",
      listen: [{ port: 0, tls: "implicit" }],
      tls: { ...localhostTls, clientCertificates: "request", clientCa: authority },
      modules: [{ name: "see", connect: ({ session }) => seen.tell(session.tls) }],
    });
    await shakeHands(t, port, { ...trusting, servername: "localhost", ...known });
    const { raw } = new X509Certificate(known.cert);
    const fingerprint = new X509Certificate(known.cert).fingerprint256.replaceAll(":", "").toLowerCase();
    assert.deepEqual((await seen.heard)?.clientCertificate, {
      subject: "CN=client.example.test,O=Example\\, Inc.",
      issuer: "CN=Test authority",
      subjectAltNames: ["DNS:client.example.test", "email:client@example.test"],
      fingerprint,
      verified: true,
      error: undefined,
      raw,
    });
  });

  test("can be told by their fingerprint where no authority vouches for them", async (t) => {
    const seen = signal<TlsInfo | undefined>();
    const { port } = await startLocal(t, {
      readMode: "shared",
      listen: [{ port: 0, tls: "implicit" }],
      tls: { ...localhostTls, clientCertificates: "request" },
      modules: [{ name: "see", connect: ({ session }) => seen.tell(session.tls) }],
    });
    await shakeHands(t, port, { ...trusting, servername: "localhost", ...known });
    const shown = (await seen.heard)?.clientCertificate;
    assert.equal(shown?.verified, false);
    assert.equal(shown?.fingerprint.length, 64);
  });

  for (const version of versions) {
    test(`are known in a resumed session too (${version})`, async (t) => {
      const seen: (TlsInfo | undefined)[] = [];
      const { port } = await startLocal(t, {
        readMode: "shared",
        listen: [{ port: 0, tls: "implicit" }],
        tls: { ...localhostTls, clientCertificates: "require", clientCa: authority },
        modules: [{ name: "see", connect: ({ session }) => void seen.push(session.tls) }],
      });
      const options = { ...trusting, servername: "localhost", maxVersion: version, ...known };
      const first = await shakeHands(t, port, options);
      await heard(first);
      const again = await shakeHands(t, port, { ...options, session: first.getSession() });
      await heard(again);
      assert.equal(again.isSessionReused(), true);
      assert.deepEqual(seen[1]?.clientCertificate, seen[0]?.clientCertificate);
    });
  }

  test("are asked for after STARTTLS too, and the session goes on", async (t) => {
    const seen = signal<TlsInfo | undefined>();
    const { connect } = await startLocal(t, {
      readMode: "shared",
      tls: { ...localhostTls, clientCertificates: "require", clientCa: authority },
      modules: [{ name: "see", mail: ({ session }) => seen.tell(session.tls) }],
    });
    const client = await connect();
    await client.expect("220 ");
    await client.say("EHLO client.test");
    await client.say("STARTTLS");
    await client.startTls({ ...trusting, ...known });
    await client.say("EHLO client.test");
    await deliver(client);
    assert.equal((await seen.heard)?.clientCertificate?.verified, true);
  });
});

describe("a handshake that fails is logged", () => {
  for (const [what, options, reason] of [
    ["no version in common", { maxVersion: "TLSv1.2" }, "unsupported protocol"],
    ["no cipher suite in common", { ciphers: "TLS_AES_128_CCM_SHA256" }, "no shared cipher"],
  ] as const) {
    test(`with its reason: ${what}`, async (t) => {
      const logged = signal<LogReport>();
      const { port } = await startLocal(t, {
        readMode: "shared",
        listen: [{ port: 0, tls: "implicit" }],
        tls: { ...localhostTls, minVersion: "TLSv1.3" },
        observers: [(report) => report.type === "log" && logged.tell(report)],
      });
      await assert.rejects(shakeHands(t, port, { ...trusting, servername: "localhost", ...options }));
      const { module, stage, level, message } = await logged.heard;
      assert.deepEqual([module, stage, level], ["default", "connect", "info"]);
      assert.equal(message, `TLS handshake failed: ${reason}`);
    });
  }

  test("and a client that just goes away is not", async (t) => {
    const closed = signal();
    const logged: unknown[] = [];
    const { port } = await startLocal(t, {
      readMode: "shared",
      listen: [{ port: 0, tls: "implicit" }],
      tls: localhostTls,
      observers: [
        (report) => {
          if (report.type === "log") logged.push(report);
          if (report.type === "closed") closed.tell();
        },
      ],
    });
    const client = await Client.connect(port);
    client.hangUp();
    await closed.heard;
    assert.deepEqual(logged, []);
  });
});
