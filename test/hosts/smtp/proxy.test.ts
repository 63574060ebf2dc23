// Listeners behind proxies: the PROXY header before everything else, in whatever pieces, from whom, and what becomes of
// what follows it. The grammar of headers: test/wire/proxy/.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReadMode } from "../../../src/hosts/smtp/accept.ts";
import { formatProxyV1, formatProxyV2 } from "../../../src/wire/proxy.ts";
import { FakeClock } from "../../hooks/fake-clock.ts";
import { turns, until } from "../../stress/support/local-server.ts";
import { deliver, greet } from "../../stress/support/message.ts";
import { complaints, local, proxied, start, v1, v2 } from "./proxied-server.ts";

const readModes: readonly ReadMode[] = ["shared", "data"];

for (const readMode of readModes) {
  describe(`a listener behind a proxy that reads by way of "${readMode}"`, () => {
    for (const [name, header] of [
      ["version 1", v1],
      ["version 2 with CRC-32C", v2],
    ] as const) {
      test(`greets after a header of ${name}, and takes the client it names`, async (t) => {
        const started = await start(t, readMode);
        const client = await started.connect();
        await client.write(header);
        await greet(client);
        await deliver(client);
        const [session] = started.sessions;
        assert.deepEqual(session?.client, proxied.source);
        assert.deepEqual(session.local, { address: "203.0.113.5", port: 25 });
        assert.equal(session.earlyTalker, false);
        const { proxy } = session;
        assert.equal(proxy?.kind, "proxy");
        assert.equal(proxy.address, "127.0.0.1");
        assert.equal(proxy.header.command, "proxy");
      });

      test(`reads a header of ${name} byte by byte`, async (t) => {
        const started = await start(t, readMode);
        const client = await started.connect();
        for (const byte of header) {
          assert.equal(client.unread, "");
          await client.write(Buffer.of(byte));
          await turns(1);
        }
        await client.expect("220 ");
        assert.deepEqual(started.sessions[0]?.client, proxied.source);
      });

      test(`finds an early talker behind a header of ${name} (RFC 5321 §3.1)`, async (t) => {
        const started = await start(t, readMode);
        const client = await started.connect();
        await client.write(Buffer.concat([header, Buffer.from("EHLO client.test\r\nNOOP\r\n")]));
        await client.expect("220 ");
        await client.expect("250-mx.test");
        await client.expect("250 2.0.0");
        assert.equal(started.sessions[0]?.earlyTalker, true);
      });
    }

    test("takes a LOCAL connection for the proxy's own, addresses or not, and logs no error", async (t) => {
      const started = await start(t, readMode);
      const withAddresses = Buffer.from(formatProxyV2(proxied));
      withAddresses[12] = 0x20;
      for (const header of [local, withAddresses]) {
        const client = await started.connect();
        await client.write(header);
        await client.expect("220 ");
        client.hangUp();
        await client.end();
      }
      assert.deepEqual(
        started.sessions.map(({ client: { address }, local: { port } }) => [address, port]),
        [
          ["127.0.0.1", started.port],
          ["127.0.0.1", started.port],
        ],
      );
      assert.deepEqual(complaints(started), []);
    });

    for (const [name, header] of [
      ["UNKNOWN", "PROXY UNKNOWN\r\n"],
      ["UNKNOWN with more", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"],
      ["UNSPEC", formatProxyV2({ command: "unknown" })],
    ] as const) {
      test(`gives a client of ${name} no address that a rule could trust`, async (t) => {
        const started = await start(t, readMode, {}, { xclient: ["127.0.0.0/8"] });
        const client = await started.connect();
        await client.write(header);
        await client.expect("220 ");
        assert.deepEqual(started.sessions[0]?.client, { address: "0.0.0.0", family: 4, port: 0 });
        assert.doesNotMatch(await client.say("EHLO client.test"), /XCLIENT/);
      });
    }

    const bad: readonly [name: string, bytes: string | Uint8Array, problem: string][] = [
      ["a bare client", "EHLO client.test\r\n", "no-header"],
      ["a line without an end", `PROXY TCP4 ${"1".repeat(120)}`, "line-too-long"],
      ["two spaces", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "bad-line"],
      ["port 65536", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "bad-port"],
      ["a checksum that differs", broken(v2), "bad-checksum"],
      ["65535 octets", Buffer.concat([v2.subarray(0, 14), Buffer.from([0xff, 0xff])]), "too-long"],
    ];
    for (const [name, bytes, problem] of bad) {
      test(`closes without a word on ${name}, and says why in the log`, async (t) => {
        const started = await start(t, readMode);
        const client = await started.connect();
        await client.write(bytes);
        assert.equal(await client.end(), "");
        assert.deepEqual(complaints(started), [`PROXY header refused: ${problem}`]);
        assert.deepEqual(started.sessions, []);
        assert.equal(started.server.sessionCount, 0);
      });
    }

    test("closes after a part of a header that never goes on, and after silence (limits.proxyMs)", async (t) => {
      const clock = new FakeClock();
      const started = await start(t, readMode, {}, { clock });
      const [half, silent] = [await started.connect(), await started.connect()];
      await half.write(v2.subarray(0, 20));
      await until(() => started.server.sessionCount === 2, "both are there");
      clock.advance(4_000);
      assert.equal(started.server.sessionCount, 2);
      clock.advance(2_000);
      assert.deepEqual([await half.end(), await silent.end()], ["", ""]);
      assert.deepEqual(complaints(started), ["limits.proxyMs", "limits.proxyMs"]);
      assert.equal(started.server.sessionCount, 0);
    });

    test("reports a connection that ends within the header, and not one that ends before it", async (t) => {
      const started = await start(t, readMode);
      for (const bytes of ["", "PROXY TC"]) {
        const client = await started.connect();
        await client.write(bytes);
        client.hangUp();
        await client.end();
      }
      await until(() => started.server.sessionCount === 0, "both are gone");
      assert.deepEqual(complaints(started), ["PROXY header refused: it ends too early"]);
    });

    test("closes on whom the setting does not name", async (t) => {
      const started = await start(t, readMode, { proxy: ["192.0.2.0/24", "2001:db8::/32"] });
      const client = await started.connect();
      await client.write(v1);
      assert.equal(await client.end(), "");
      assert.deepEqual(complaints(started), [
        "Closed: this address is not in the setting proxy of the listener",
      ]);
      assert.deepEqual(started.sessions, []);
    });

    test("reads one header: a second one of version 1 is a command", async (t) => {
      const started = await start(t, readMode);
      const client = await started.connect();
      await client.write(v1);
      await client.expect("220 ");
      assert.match(await client.say(v1.toString("latin1").trimEnd()), /^500 /);
      assert.deepEqual(started.sessions[0]?.client, proxied.source);
    });

    test("reads one header: a second one of version 2 is lines that are no commands", async (t) => {
      const started = await start(t, readMode);
      const client = await started.connect();
      await client.write(Buffer.concat([v2, v2, Buffer.from("\r\nQUIT\r\n")]));
      assert.match(await client.end(), /^220 .*\r\n(?:500 .*\r\n)+221 .*\r\n$/);
      assert.deepEqual(started.sessions[0]?.client, proxied.source);
    });

    test("counts the clients by address, not the proxy", async (t) => {
      const started = await start(t, readMode, {}, { limits: { connectionsPerAddress: 1 } });
      const other = { ...proxied, source: { ...proxied.source, address: "198.51.100.8" } };
      const clients = [];
      for (const header of [v1, formatProxyV1(other), v2]) {
        const client = await started.connect();
        await client.write(header);
        clients.push(await client.reply());
      }
      assert.deepEqual(
        clients.map((reply) => reply.slice(0, 3)),
        ["220", "220", "421"],
      );
      assert.equal(clients[2], "421 Too many connections from your address");
    });

    test("counts a connection in all before its header has come", async (t) => {
      const started = await start(t, readMode, {}, { limits: { connections: 1 } });
      const first = await started.connect();
      await until(() => started.server.sessionCount === 1, "the first is there");
      const second = await started.connect();
      assert.equal(await second.end(), "421 Too many connections, try again later\r\n");
      await first.write(v1);
      await first.expect("220 ");
    });

    test("cuts connections without a header when it shuts down", async (t) => {
      const started = await start(t, readMode);
      const client = await started.connect();
      await until(() => started.server.sessionCount === 1, "it is there");
      await started.server.close();
      assert.equal(await client.end(), "");
    });

    test("lets a client with XCLIENT come through a proxy", async (t) => {
      const started = await start(t, readMode, {}, { xclient: ["198.51.100.7"] });
      const client = await started.connect();
      await client.write(v2);
      await greet(client);
      assert.equal(await client.say("XCLIENT ADDR=192.0.2.99"), "220 mx.test ESMTP");
      const proxy = started.sessions[1]?.proxy;
      assert.equal(started.sessions[1]?.client.address, "192.0.2.99");
      assert.equal(proxy?.kind, "xclient");
      assert.equal(proxy.address, "198.51.100.7");
      assert.equal(proxy.via?.address, "127.0.0.1");
    });
  });
}

function broken(header: Buffer): Buffer {
  const copy = Buffer.from(header);
  copy[16] = 1;
  return copy;
}
