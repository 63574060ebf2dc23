// Certificates of a running server: read again when their files change, replaced by a program, and what happens when
// that goes wrong (src/server/certificate-keeper.ts).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { CertificateReload, TlsOptions } from "../../src/server/options.ts";
import { ConfigError } from "../../src/server/config.ts";
import { createServer } from "../../src/server/server.ts";
import { FakeClock } from "../hooks/fake-clock.ts";
import { localhostTls, startLocal } from "../stress/support/local-server.ts";
import { authority, heard, pair, shakeHands, shown } from "../support/tls.ts";

const mail = pair("mail");
const other = pair("other");

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "mod-smtpd-certificates-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Started {
  readonly clock: FakeClock;
  readonly server: Awaited<ReturnType<typeof startLocal>>["server"];
  readonly reloads: CertificateReload[];
  /** The common name of the certificate that a new client is shown. */
  name(): Promise<string | undefined>;
  shake(): ReturnType<typeof shakeHands>;
}

async function start(t: TestContext, tls: TlsOptions, listening = true): Promise<Started> {
  const clock = new FakeClock();
  const reloads: CertificateReload[] = [];
  const { server, port } = await startLocal(t, {
    readMode: "shared",
    clock,
    listen: [{ port: 0, tls: "implicit" }],
    tls: { ...(listening && { onReload: (reload: CertificateReload) => void reloads.push(reload) }), ...tls },
  });
  const shake = () => shakeHands(t, port, { rejectUnauthorized: false });
  return { clock, server, reloads, shake, name: async () => shown(await shake()) };
}

function write(directory: string, { cert, key }: { cert: string; key: string }): TlsOptions {
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  return { certFile, keyFile };
}

describe("certificate files that change", () => {
  test("are read within two looks; sessions go on under the old certificate", async (t) => {
    const directory = directoryFor(t);
    const { clock, name, shake, reloads } = await start(t, write(directory, mail));
    const open = await shake();
    assert.match(await heard(open), /^220 /);
    assert.equal(shown(open), "mail.example.test");

    write(directory, other);
    clock.advance(1_000);
    assert.equal(await name(), "mail.example.test", "files may be half written");
    clock.advance(1_000);
    assert.equal(await name(), "other.test");
    assert.deepEqual(
      reloads.map(({ error, certificates }) => [error, certificates.map(({ names }) => names)]),
      [[undefined, [["other.test"]]]],
    );
    open.write("NOOP\r\n");
    assert.match(await heard(open), /^250 /);
    clock.advance(5_000);
    assert.equal(reloads.length, 1);
  });

  test("are not read while they go on changing", async (t) => {
    const directory = directoryFor(t);
    const { clock, name, reloads } = await start(t, write(directory, mail));
    writeFileSync(join(directory, "cert.pem"), other.cert);
    clock.advance(1_000);
    writeFileSync(join(directory, "key.pem"), `${other.key}\n`);
    clock.advance(1_000);
    assert.equal(reloads.length, 0);
    clock.advance(1_000);
    assert.equal(await name(), "other.test");
  });

  const mistakes: readonly [what: string, spoil: (directory: string) => void, problem: RegExp][] = [
    ["whose key does not fit", (at) => writeFileSync(join(at, "key.pem"), other.key), /OpenSSL refuses/],
    ["without PEM text", (at) => writeFileSync(join(at, "cert.pem"), "nothing"), /holds no PEM text/],
    ["that are gone", (at) => rmSync(join(at, "cert.pem")), /does not exist/],
  ];
  for (const [what, spoil, problem] of mistakes) {
    test(`${what} leave the old certificate in force, told once; mended, they are used`, async (t) => {
      const directory = directoryFor(t);
      const { clock, name, reloads } = await start(t, write(directory, mail));
      spoil(directory);
      clock.advance(1_000);
      clock.advance(1_000);
      clock.advance(10_000);
      assert.equal(await name(), "mail.example.test");
      assert.equal(reloads.length, 1);
      assert.equal(reloads[0]?.error?.code, "SMTPD_CONFIG");
      assert.match(reloads[0]?.error?.problems.map(({ found }) => found).join() ?? "", problem);
      write(directory, other);
      clock.advance(1_000);
      clock.advance(1_000);
      assert.equal(await name(), "other.test");
    });
  }

  test("warn by process.emitWarning where nobody listens", async (t) => {
    const directory = directoryFor(t);
    const { clock } = await start(t, write(directory, mail), false);
    const warn = t.mock.method(process, "emitWarning", () => undefined);
    writeFileSync(join(directory, "key.pem"), other.key);
    clock.advance(1_000);
    clock.advance(1_000);
    assert.equal(warn.mock.callCount(), 1);
    assert.ok(warn.mock.calls[0]?.arguments[0] instanceof ConfigError);
  });
});

describe("reloadCertificates()", () => {
  test("reads the files at once", async (t) => {
    const directory = directoryFor(t);
    const { server, name } = await start(t, write(directory, mail));
    write(directory, other);
    const certificates = await server.reloadCertificates();
    assert.deepEqual(certificates[0]?.names, ["other.test"]);
    assert.equal(await name(), "other.test");
  });

  test("takes certificates from a program, and keeps the other settings", async (t) => {
    const { server, name } = await start(t, { ...mail, minVersion: "TLSv1.3" });
    await server.reloadCertificates({ certificates: [other] });
    assert.equal(await name(), "other.test");
    await server.reloadCertificates({ cert: localhostTls.cert, key: localhostTls.key });
    assert.equal(await name(), "localhost");
    await assert.rejects(
      server.reloadCertificates({ ciphers: "nonsense" }),
      (error) => error instanceof ConfigError && error.problems[0]?.path === "tls.ciphers",
    );
    assert.equal(await name(), "localhost");
  });

  test("resumes no session of before, whose client certificate others vouched for", async (t) => {
    const { server, shake } = await start(t, mail);
    const first = await shake();
    await heard(first);
    const session = first.getSession();
    const { port } = new URL(`smtp://127.0.0.1:${String(first.remotePort)}`);
    const resume = () =>
      shakeHands(t, Number(port), {
        rejectUnauthorized: false,
        ...(session === undefined ? {} : { session }),
      });
    assert.equal((await resume()).isSessionReused(), true);
    await server.reloadCertificates();
    assert.equal((await resume()).isSessionReused(), false);
  });

  test("rejects without a certificate that fits, and changes nothing", async (t) => {
    const { server, name, reloads } = await start(t, mail);
    await assert.rejects(server.reloadCertificates({ cert: mail.cert, key: other.key }), ConfigError);
    assert.equal(reloads.length, 1);
    assert.equal(await name(), "mail.example.test");
  });

  test("leaves the certificates of listeners and virtual hosts alone", async (t) => {
    await using server = createServer({
      modules: [],
      hostname: "mx.test",
      listen: [
        { port: 0, tls: "implicit" },
        { port: 0, tls: "implicit", certificate: mail },
      ],
      tls: localhostTls,
      virtualHosts: [{ name: "other", serverNames: ["other.test"], certificate: other }],
    });
    const addresses = await server.listen();
    const names = async (): Promise<readonly unknown[]> => {
      const all: unknown[] = [];
      for (const { port } of addresses) {
        for (const servername of ["other.test", "unknown.test"]) {
          all.push(shown(await shakeHands(t, port, { servername, rejectUnauthorized: false })));
        }
      }
      return all;
    };
    const before = await names();
    await server.reloadCertificates(pair("other-rsa"));
    const [, , ...listener] = before;
    assert.deepEqual(before.slice(0, 2), ["other.test", "localhost"]);
    assert.deepEqual(await names(), ["other.test", "other.test", ...listener]);
  });

  test("rejects where the server has no TLS", async () => {
    await assert.rejects(createServer({ modules: [] }).reloadCertificates(mail), ConfigError);
  });

  test("an onReload that throws harms nobody", async (t) => {
    const tls = {
      ...mail,
      onReload: () => {
        throw new Error("mine");
      },
    };
    const { server, name } = await start(t, tls);
    await server.reloadCertificates(other);
    assert.equal(await name(), "other.test");
  });
});

describe("a self-signed certificate", () => {
  test("is made on first start, trusted by clients that are told to, and used again", async (t) => {
    const directory = join(directoryFor(t), "new", "tls");
    const options = { hostname: "mx.test", modules: [], tls: { selfSigned: true, directory } } as const;
    for (const round of [1, 2]) {
      await using server = createServer({ ...options, listen: [{ port: 0, tls: "implicit" }] });
      const [address] = await server.listen();
      const ca = readFileSync(join(directory, "cert.pem"));
      for (const servername of ["mx.test", "localhost"]) {
        const client = await shakeHands(t, address?.port ?? 0, { ca, servername });
        assert.equal(client.authorized, true, `round ${round}`);
      }
    }
  });

  test("is made anew before it runs out, in a server that runs on", async (t) => {
    const directory = directoryFor(t);
    const { clock, shake, reloads } = await start(t, { selfSigned: true, directory });
    const before = (await shake()).getPeerX509Certificate()?.fingerprint256;
    clock.advance(363 * 86_400_000);
    assert.equal(reloads.length, 0);
    clock.advance(1.5 * 86_400_000);
    assert.equal(reloads.length, 1);
    assert.notEqual((await shake()).getPeerX509Certificate()?.fingerprint256, before);
    assert.equal(statSync(join(directory, "key.pem")).mode & 0o777, 0o600);
  });

  test("that cannot be kept is a mistake of the configuration", (t) => {
    const file = join(directoryFor(t), "file");
    writeFileSync(file, authority);
    const options = { modules: [], tls: { selfSigned: true, directory: join(file, "tls") } };
    assert.throws(
      () => createServer(options),
      (error) => error instanceof ConfigError && error.problems[0]?.path === "tls.directory",
    );
  });
});
