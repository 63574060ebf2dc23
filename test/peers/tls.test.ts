// The TLS layer of the real server, in both ways that it reads from sockets: versions, resumption, names, handshakes
// that fail, are cut short or come in single bytes.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { ReadMode } from "../../src/hosts/smtp/accept.ts";
import { certFile, fixture, keyFile } from "./support/fixtures.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { PeerServer } from "./support/peer-server.ts";
import { byteByByte, clientHello, RawClient } from "./support/raw-client.ts";

const layers = ["starttls", "implicit"] as const;
const layerNames = { starttls: "STARTTLS", implicit: "implicit TLS" };
const versions = ["TLSv1.2", "TLSv1.3"] as const;
type Layer = (typeof layers)[number];

/** A client whose TLS is up and that has said EHLO. */
async function securedClient(
  server: PeerServer,
  layer: Layer,
  options: Parameters<RawClient["secure"]>[0] = {},
): Promise<RawClient> {
  const client = await RawClient.connect(server.ports[layer]);
  if (layer === "starttls") await client.startTls(options);
  else {
    await client.secure(options);
    assert.match(await client.reply(), /^220 /);
    assert.match(await client.say("EHLO client.test\r\n"), /^250 /m);
  }
  return client;
}

/** No session is left when its client is gone. */
async function assertNothingLeft(server: PeerServer): Promise<void> {
  const { cut } = await server.server.close({ drainMs: 10_000 });
  assert.equal(cut, 0, "a session outlived its client");
}

for (const mode of ["shared", "data"] satisfies ReadMode[]) {
  describe(`TLS, reading by ${mode === "shared" ? "the shared buffer" : "'data' events"}`, () => {
    for (const layer of layers) {
      for (const version of versions) {
        test(`${layerNames[layer]}: delivers with ${version}`, async () => {
          await using server = await PeerServer.start({}, mode);
          using client = await securedClient(server, layer, { minVersion: version, maxVersion: version });
          assert.equal(client.tls?.getProtocol(), version);
          const { bytes } = fixture("eight-bit");
          assert.match(await client.deliver(bytes), /^250 2\.0\.0 /);
          const delivered = server.takeOne();
          assert.equal(delivered.tlsVersion, version);
          assert.equal(delivered.protocol, "ESMTPS");
          assertSameBytes(delivered.content, bytes);
        });

        test(`${layerNames[layer]}: resumes a session of ${version} on the next connection`, async () => {
          await using server = await PeerServer.start({}, mode);
          const limits = { minVersion: version, maxVersion: version };
          using first = await RawClient.connect(server.ports[layer]);
          await beginTls(first, layer);
          // TLS 1.3 brings the session after the handshake (RFC 8446 §4.6.1)
          const secured = first.secure(limits);
          assert.ok(first.tls !== undefined);
          const ticket = once(first.tls, "session") as Promise<[Buffer]>;
          assert.equal((await secured).isSessionReused(), false);
          await first.say("NOOP\r\n");
          const [session] = await ticket;
          await first.say("QUIT\r\n");
          using second = await securedClient(server, layer, { ...limits, session });
          assert.equal(second.tls?.isSessionReused(), true);
          assert.match(await second.deliver(fixture("plain").bytes), /^250 2\.0\.0 /);
          assertSameBytes(server.takeOne().content, fixture("plain").bytes);
        });
      }

      test(`${layerNames[layer]}: tells modules the name that the client asks for (RFC 6066 §3)`, async () => {
        await using server = await PeerServer.start({}, mode);
        using named = await securedClient(server, layer, { servername: "localhost" });
        await named.deliver(fixture("plain").bytes);
        assert.equal(server.takeOne().serverName, "localhost");
        using unnamed = await securedClient(server, layer);
        await unnamed.deliver(fixture("plain").bytes);
        assert.equal(server.takeOne().serverName, undefined);
      });

      test(`${layerNames[layer]}: delivers 8 MiB byte for byte`, async () => {
        await using server = await PeerServer.start({ limits: { messageBytes: 0 } }, mode);
        using client = await securedClient(server, layer);
        const line = Buffer.from(`.${"x".repeat(1021)}\r\n`);
        const bytes = Buffer.concat([
          Buffer.from("Subject: 8 MiB\r\n\r\n"),
          Buffer.alloc(8 * 1024 * 1024, line),
        ]);
        assert.match(await client.deliver(bytes), /^250 2\.0\.0 /);
        assertSameBytes(server.takeOne().content, bytes);
      });

      test(`${layerNames[layer]}: takes a handshake and a message that come byte by byte`, async () => {
        await using server = await PeerServer.start({}, mode);
        using client = await RawClient.connect(server.ports[layer]);
        await beginTls(client, layer);
        await client.secure({}, byteByByte(client.socket));
        if (layer === "implicit") await client.reply();
        assert.match(await client.say("EHLO client.test\r\n"), /^250 /m);
        assert.match(await client.deliver(fixture("dots").bytes), /^250 2\.0\.0 /);
        assertSameBytes(server.takeOne().content, fixture("dots").bytes);
      });

      const starts: readonly (readonly [string, () => Promise<Buffer> | Buffer])[] = [
        ["SMTP commands", () => Buffer.from("EHLO client.test\r\nNOOP\r\nQUIT\r\n")],
        ["random bytes", () => randomBytes(4096)],
        ["zeros", () => Buffer.alloc(100_000)],
        ["a ClientHello with a wrong length", async () => spoil(await clientHello(), 6)],
        ["a ClientHello of SSL 3.0", async () => spoil(await clientHello(), 10)],
      ];
      for (const [name, bytesOf] of starts) {
        test(`${layerNames[layer]}: closes without a word of SMTP when the handshake begins with ${name}`, async () => {
          await using server = await PeerServer.start({}, mode);
          using client = await RawClient.connect(server.ports[layer]);
          await beginTls(client, layer);
          client.write(await bytesOf());
          client.socket.end(); // some of these could be the beginning of a long record
          const rest = await client.rest();
          assert.doesNotMatch(rest, /\d{3}[ -]/); // RFC 3207 §4.1
          await assertNothingLeft(server);
        });
      }

      const cuts: readonly (readonly [string, (client: RawClient) => void])[] = [
        ["closes", (client) => client.socket.end()],
        ["vanishes", (client) => client.socket.resetAndDestroy()],
      ];
      for (const [name, cut] of cuts) {
        for (const part of [0, 1, 5, 100, Infinity]) {
          const when = part === 0 ? "before" : `after ${part === Infinity ? "all" : part} bytes of`;
          test(`${layerNames[layer]}: forgets a client that ${name} ${when} its ClientHello`, async () => {
            await using server = await PeerServer.start({}, mode);
            using client = await RawClient.connect(server.ports[layer]);
            await beginTls(client, layer);
            client.write((await clientHello()).subarray(0, part));
            cut(client);
            await client.rest();
            await assertNothingLeft(server);
          });
        }
      }

      test(`${layerNames[layer]}: drops the message of a client that vanishes in the middle of it`, async () => {
        await using server = await PeerServer.start({}, mode);
        using client = await securedClient(server, layer);
        await client.say("MAIL FROM:<raw@sender.test>\r\n");
        await client.say("RCPT TO:<anna@example.test>\r\n");
        assert.match(await client.say("DATA\r\n"), /^354 /);
        client.write("Subject: half a message\r\n\r\nand then");
        client.socket.destroySoon();
        await client.rest();
        await assertNothingLeft(server);
        assert.deepEqual(server.take(), []);
      });
    }

    test("refuses versions before TLS 1.2 (RFC 8996)", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.implicit);
      const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
      await assert.rejects(client.secure(old), { code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
      await assertNothingLeft(server);
    });

    test("refuses TLS 1.2 where minVersion is TLSv1.3", async () => {
      await using server = await PeerServer.start(
        { tls: { certFile, keyFile, minVersion: "TLSv1.3" } },
        mode,
      );
      using client = await RawClient.connect(server.ports.implicit);
      await assert.rejects(client.secure({ maxVersion: "TLSv1.2" }), {
        code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
      });
      using newer = await securedClient(server, "implicit");
      assert.equal(newer.tls?.getProtocol(), "TLSv1.3");
    });

    test("serves others while 50 clients stay in the middle of their handshakes", async () => {
      await using server = await PeerServer.start({}, mode);
      const hello = await clientHello();
      const idle = await Promise.all(
        Array.from({ length: 50 }, () => RawClient.connect(server.ports.implicit)),
      );
      for (const client of idle) client.write(hello.subarray(0, 50));
      using client = await securedClient(server, "implicit");
      assert.match(await client.deliver(fixture("plain").bytes), /^250 2\.0\.0 /);
      for (const other of idle) other[Symbol.dispose]();
      await client.say("QUIT\r\n");
      await assertNothingLeft(server);
    });

    test("answers EHLO after implicit TLS without STARTTLS, with AUTH", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await securedClient(server, "implicit");
      const keywords = (await client.say("EHLO client.test\r\n")).split("\n").map((line) => line.slice(4));
      assert.ok(keywords.includes("AUTH PLAIN LOGIN"));
      assert.ok(!keywords.includes("STARTTLS"));
      assert.match(await client.say("STARTTLS\r\n"), /^50[023] 5\.5\.1 /);
    });
  });
}

/** Up to the point at which the handshake is due. */
async function beginTls(client: RawClient, layer: Layer): Promise<void> {
  if (layer === "implicit") return;
  assert.match(await client.reply(), /^220 /);
  await client.say("EHLO client.test\r\n");
  assert.match(await client.say("STARTTLS\r\n"), /^220 /);
}

function spoil(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = 0;
  return copy;
}
