// TLS behind a PROXY header, and what a proxy that ends TLS itself says of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { formatProxyV2 } from "../../../src/wire/proxy.ts";
import type { ProxyTls } from "../../../src/wire/proxy.ts";
import { trusting, turns, until } from "../../stress/support/local-server.ts";
import { deliver, greet, makeMessage } from "../../stress/support/message.ts";
import { proxied, start, v1, v2 } from "./proxied-server.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];

/** A TLS client whose header and ClientHello leave in one piece. */
async function tlsAfter(t: TestContext, port: number, header: Uint8Array): Promise<TLSSocket> {
  const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
  let before: Uint8Array | undefined = header;
  const stream = new Duplex({
    read: () => socket.resume(),
    write(bytes: Buffer, _encoding, done) {
      socket.write(before === undefined ? bytes : Buffer.concat([before, bytes]), done);
      before = undefined;
    },
  });
  socket.on("data", (bytes) => stream.push(bytes) || socket.pause());
  socket.on("error", () => undefined);
  socket.on("close", () => stream.destroy());
  const secured = connectTls({ socket: stream, servername: "localhost", ...trusting });
  secured.on("error", () => undefined);
  t.after(() => {
    secured.destroy();
    socket.destroy();
  });
  await once(secured, "secureConnect");
  return secured;
}

async function textOf(socket: TLSSocket, count: number): Promise<string> {
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  await until(() => text.split("\r\n").length > count, `${count} lines came`);
  return text;
}

for (const readMode of readModes) {
  describe(`TLS behind a header, to a server that reads by way of "${readMode}"`, () => {
    for (const [name, header] of [
      ["version 1", v1],
      ["version 2 with CRC-32C", v2],
    ] as const) {
      test(`shakes hands with a client whose ClientHello comes with the header of ${name}`, async (t) => {
        const started = await start(t, readMode, { tls: "implicit" });
        const secured = await tlsAfter(t, started.port, header);
        secured.write("EHLO client.test\r\n");
        assert.match(await textOf(secured, 2), /^220 mx\.test ESMTP\r\n250-mx\.test\r\n/);
        const [session] = started.sessions;
        assert.deepEqual(session?.client, proxied.source);
        assert.equal(session.tls?.version, "TLSv1.3");
        assert.equal(session.earlyTalker, false);
      });
    }

    test("shakes hands when header and ClientHello come apart, and carries a message", async (t) => {
      const started = await start(t, readMode, { tls: "implicit" });
      const client = await started.connect();
      await client.write(v2);
      await turns(5);
      await client.startTls(trusting);
      await greet(client);
      await deliver(client, makeMessage("large", 300_000));
      assert.deepEqual(started.sessions[0]?.client, proxied.source);
    });

    test("starts TLS on demand behind a header", async (t) => {
      const started = await start(t, readMode, { tls: "starttls" });
      const client = await started.connect();
      await client.write(v1);
      await greet(client);
      assert.equal(await client.say("STARTTLS"), "220 2.0.0 Ready to start TLS");
      await client.startTls(trusting);
      await client.say("EHLO client.test");
      await deliver(client);
    });
  });

  describe(`what a proxy says of TLS, to a server that reads by way of "${readMode}"`, () => {
    const tls: ProxyTls = {
      overTls: true,
      certificateGiven: false,
      certificateVerified: false,
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      tlvs: [],
    };
    const over = formatProxyV2({
      ...proxied,
      authority: "mx.example.test",
      uniqueId: Buffer.from("abc"),
      tls,
    });

    test("is a fact, and not TLS", async (t) => {
      const started = await start(t, readMode, { tls: "starttls" });
      const client = await started.connect();
      await client.write(over);
      await client.expect("220 ");
      assert.match(await client.say("EHLO client.test"), /STARTTLS/);
      const proxy = started.sessions[0]?.proxy;
      assert.equal(started.sessions[0]?.tls, undefined);
      assert.ok(proxy?.kind === "proxy" && proxy.header.command === "proxy");
      assert.equal(proxy.header.authority, "mx.example.test");
      assert.deepEqual(Buffer.from(proxy.header.uniqueId ?? []), Buffer.from("abc"));
      assert.deepEqual(proxy.header.tls, tls);
    });

    test("counts as TLS where the listener trusts it", async (t) => {
      const started = await start(t, readMode, { tls: "starttls", trustProxyTls: true });
      const client = await started.connect();
      await client.write(over);
      await client.expect("220 ");
      assert.doesNotMatch(await client.say("EHLO client.test"), /STARTTLS/);
      assert.equal(await client.say("STARTTLS"), "503 5.5.1 TLS is active already");
      assert.deepEqual(started.sessions[0]?.tls, {
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        serverName: "mx.example.test",
        certificateName: undefined,
        clientCertificate: undefined,
      });
    });

    test("chooses the virtual host of the name that the client asked for, where it is trusted", async (t) => {
      const virtualHosts = [
        { name: "example", serverNames: ["mx.example.test"], hostname: "mx.example.test" },
      ];
      const started = await start(t, readMode, { tls: "starttls", trustProxyTls: true }, { virtualHosts });
      const client = await started.connect();
      await client.write(over);
      assert.equal(await client.reply(), "220 mx.example.test ESMTP");
    });

    test("does not count where it says that there was none", async (t) => {
      const started = await start(t, readMode, { tls: "starttls", trustProxyTls: true });
      const client = await started.connect();
      await client.write(formatProxyV2({ ...proxied, tls: { ...tls, overTls: false } }));
      await client.expect("220 ");
      assert.equal(started.sessions[0]?.tls, undefined);
    });
  });
}
