// Commands in plain text behind STARTTLS must have no effect after the handshake (RFC 3207 §4.2, CVE-2011-0411), in both
// ways that the server reads from sockets. Raw sockets: no client library sends this.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerModule } from "../../src/index.ts";
import type { ReadMode } from "../../src/hosts/smtp/accept.ts";
import { fixture } from "./support/fixtures.ts";
import { assertSameBytes } from "./support/peer-cases.ts";
import { PeerServer } from "./support/peer-server.ts";
import { RawClient } from "./support/raw-client.ts";

const injections: readonly (readonly [string, string | Buffer])[] = [
  ["a command", "NOOP injected\r\n"],
  ["half a command", "EHLO evil.tes"],
  ["a command without its line end", "NOOP"],
  ["a bare CR", "\r"],
  ["an empty line", "\r\n"],
  [
    "EHLO and a whole transaction",
    "EHLO evil.test\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n",
  ],
  ["the start of a transaction", "MAIL FROM:<eve@evil.test>\r\nRCPT TO:<anna@example.test>\r\n"],
  ["AUTH with an initial response", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"],
  ["STARTTLS again", "STARTTLS\r\nSTARTTLS\r\n"],
  ["QUIT", "QUIT\r\n"],
  ["3,000 commands", "NOOP injected\r\n".repeat(3_000)],
  ["a line of 50,000 octets", Buffer.alloc(50_000, "x")],
];

/** After the handshake the server knows nothing, and answers what came through TLS only, once each and in order. */
async function assertCleanSession(server: PeerServer, client: RawClient): Promise<void> {
  await client.secure();
  assert.match(await client.say("MAIL FROM:<raw@sender.test>\r\n"), /^503 5\.5\.1 /); // RFC 3207 §4.2: EHLO is forgotten
  assert.match(await client.say("EHLO client.test\r\n"), /^250-mx\.example\.test/);
  assert.match(await client.deliver(fixture("plain").bytes), /^250 2\.0\.0 /);
  assert.match(await client.say("QUIT\r\n"), /^221 /);
  assert.equal(await client.rest(), "");
  const delivered = server.takeOne();
  assert.equal(delivered.sender, "raw@sender.test");
  assert.equal(delivered.authenticated, undefined);
  assertSameBytes(delivered.content, fixture("plain").bytes);
}

/** A starttls hook that consents when that many octets have come. */
function waitFor(octets: number): ServerModule {
  return {
    name: "wait",
    starttls: async ({ session, signal }) => {
      while (session.counts.bytesReceived < octets && !signal.aborted) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    },
  };
}

for (const mode of ["shared", "data"] satisfies ReadMode[]) {
  describe(`STARTTLS, reading by ${mode === "shared" ? "the shared buffer" : "'data' events"}`, () => {
    for (const [name, bytes] of injections) {
      const injected = Buffer.concat([Buffer.from("STARTTLS\r\n"), Buffer.from(bytes)]);

      test(`forgets ${name}, in the same write`, async () => {
        await using server = await PeerServer.start({}, mode);
        using client = await RawClient.connect(server.ports.starttls);
        await client.reply();
        await client.say("EHLO client.test\r\n");
        // More than one segment would reach the handshake; the next test sees to those
        assert.match(await client.say(injected.subarray(0, 1400)), /^220 2\.0\.0 /);
        await assertCleanSession(server, client);
      });

      test(`forgets ${name}, sent while a hook thinks about STARTTLS`, async () => {
        const ehlo = "EHLO client.test\r\n";
        await using server = await PeerServer.start({}, mode, [waitFor(ehlo.length + injected.length)]);
        using client = await RawClient.connect(server.ports.starttls);
        await client.reply();
        await client.say(ehlo);
        client.write("STARTTLS\r\n");
        client.write(bytes);
        assert.match(await client.reply(), /^220 2\.0\.0 /);
        await assertCleanSession(server, client);
      });
    }

    test("closes without an answer when commands come in plain text after the 220", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.starttls);
      await client.reply();
      await client.say("EHLO client.test\r\n");
      await client.say("STARTTLS\r\n");
      client.write("EHLO evil.test\r\nNOOP\r\n");
      assert.doesNotMatch(await client.rest(), /\d{3}[ -]/);
    });

    test("closes without an answer when more comes than is read while a hook thinks about STARTTLS", async () => {
      await using server = await PeerServer.start({}, mode, [waitFor(65_536)]);
      using client = await RawClient.connect(server.ports.starttls);
      await client.reply();
      await client.say("EHLO client.test\r\n");
      client.write("STARTTLS\r\n");
      client.write("NOOP injected\r\n".repeat(500_000));
      assert.match(await client.reply(), /^220 2\.0\.0 /);
      assert.doesNotMatch(await client.rest(), /\d{3}[ -]/);
    });

    test("answers what is pipelined before STARTTLS, in plain text and in order", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.starttls);
      await client.reply();
      client.write("EHLO client.test\r\nNOOP\r\nRSET\r\nSTARTTLS\r\nNOOP injected\r\n");
      assert.match(await client.reply(), /^250-/);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.match(await client.reply(), /^220 2\.0\.0 /);
      await assertCleanSession(server, client);
    });

    test("takes commands pipelined behind the handshake, in one record", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.starttls);
      await client.startTls();
      client.write("MAIL FROM:<raw@sender.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n");
      assert.match(await client.reply(), /^250 2\.1\.0 /);
      assert.match(await client.reply(), /^250 2\.1\.5 /);
      assert.match(await client.reply(), /^354 /);
      client.write(`${fixture("plain").bytes.toString("latin1")}.\r\nNOOP\r\nQUIT\r\n`);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.match(await client.reply(), /^221 2\.0\.0 /);
      assert.equal(await client.rest(), "");
      assertSameBytes(server.takeOne().content, fixture("plain").bytes);
    });

    test("refuses STARTTLS with an argument with 501 (RFC 3207 §4) and stays in plain text", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.starttls);
      await client.reply();
      await client.say("EHLO client.test\r\n");
      assert.match(await client.say("STARTTLS now\r\n"), /^501 5\.5\.4 /);
      assert.match(await client.say("NOOP\r\n"), /^250 2\.0\.0 /);
    });

    test("offers AUTH after the handshake only, and takes it there", async () => {
      await using server = await PeerServer.start({}, mode);
      using client = await RawClient.connect(server.ports.starttls);
      await client.reply();
      assert.doesNotMatch(await client.say("EHLO client.test\r\n"), /AUTH/);
      const login = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"; // RFC 4616 §4
      assert.match(await client.say(login), /^538 5\.7\.11 /);
      await client.say("STARTTLS\r\n");
      await client.secure();
      assert.match(await client.say("EHLO client.test\r\n"), /^250[ -]AUTH PLAIN LOGIN$/m);
      assert.match(await client.say(login), /^235 2\.7\.0 /);
    });
  });
}
