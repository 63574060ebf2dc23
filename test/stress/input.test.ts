// Input that no client in its right mind sends: endless lines, a hundred thousand commands at once, a byte at a time,
// replies that nobody reads, data for a server that is busy. The server stays alive, small and in sync.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { beginMessage, deliver, greet, makeMessage, onTheWire, sumOf } from "./support/message.ts";
import { heldName } from "./support/server-modules.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

const mebibyte = 1_048_576;
const manyCommands = 100_000;
const ok = "250 2.0.0 Ok\r\n";

for (const readMode of readModes) {
  describe(`a server that reads by way of "${readMode}"`, () => {
    test("answers a command of 1 MB without a line end once it ends, with 500", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const client = await server.connect(t);
      await greet(client);
      await client.write(Buffer.alloc(mebibyte, "x"));
      assert.equal(client.unread, "");
      assert.equal(await client.say(""), "500 5.5.2 Line too long");
      await deliver(client);
      await client.write(Buffer.alloc(mebibyte, "x"));
      await client.reset();
      await server.expectUnharmed(t);
    });

    test("takes a message that is one line of 1 MB", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const client = await server.connect(t);
      await greet(client);
      await deliver(client, Buffer.from(`Subject: one line\r\n\r\n${"x".repeat(mebibyte)}\r\n`));
      await deliver(
        client,
        Buffer.from(`Subject: ${"x".repeat(200_000)}\r\n\r\n${"y".repeat(mebibyte)}\r\n`),
      );
      // A header of 1 MB is past its limit
      await beginMessage(client);
      void client.write(`Subject: ${"x".repeat(mebibyte)}\r\n\r\n.\r\n`);
      await client.expect("552 5.3.4");
      await deliver(client);
      await server.expectUnharmed(t);
    });

    test("answers 100,000 pipelined NOOPs in order where the limit allows them", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode, limits: { idleCommands: 1_000_000 } });
      const client = await server.connect(t);
      await greet(client);
      // Every thousandth differs, so that the order can be seen
      const commands = Array.from({ length: manyCommands }, (_, n) =>
        n % 1_000 === 999 ? `HELO c${n}` : "NOOP",
      );
      const replies = commands.map((command) => (command === "NOOP" ? ok : "250 mx.test\r\n"));
      const wanted = replies.join("");
      void client.write(commands.map((command) => `${command}\r\n`).join(""));
      assert.ok((await client.octets(wanted.length)) === wanted, "the replies of the commands, in order");
      assert.equal(client.unread, "");
      await deliver(client);
      await server.expectUnharmed(t);
    });

    test("closes with 421 in the middle of 100,000 pipelined NOOPs by default", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const client = await server.connect(t);
      await greet(client);
      void client.write("NOOP\r\n".repeat(manyCommands));
      const said = await client.end();
      // EHLO counts too
      assert.equal(said, `${ok.repeat(1_999)}421 4.7.0 Too many commands without a message\r\n`);
      await server.expectUnharmed(t);
    });

    test("stops reading from a client that reads no replies, and cuts it", patience, async (t) => {
      const limits = { idleCommands: 100_000_000, commandMs: 300_000 };
      const server = await ServerProcess.start(t, { readMode, limits, manualClock: true });
      const client = await server.connect(t);
      await greet(client);
      client.stopReading();
      const sent = 120 * mebibyte;
      const piece = Buffer.from("HELP\r\n".repeat(mebibyte / 6));
      for (let octets = 0; octets < sent; octets += piece.length) void client.write(piece);
      const { received } = await server.turns(2_000);
      assert.ok(received < sent / 4, `${received} octets were read`);
      assert.ok(client.unsent > sent / 4, `${client.unsent} octets are not sent yet`);
      assert.equal((await server.turns(100)).received, received, "nothing more is read");
      await server.ask({ ask: "advance", ms: 299_000 });
      assert.equal((await server.facts()).sessions, 1);
      await server.ask({ ask: "advance", ms: 2_000 });
      await server.until(({ sessions }) => sessions === 0, "the client is cut");
      await server.expectUnharmed(t);
    });

    test("goes on in sync when such a client begins to read", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode, limits: { idleCommands: 100_000_000 } });
      const client = await server.connect(t);
      await greet(client);
      const help = `${await client.say("HELP")}\r\n`;
      client.stopReading();
      void client.write("HELP\r\n".repeat(manyCommands));
      const { received } = await server.turns(500);
      assert.ok(received < manyCommands * 6, `${received} octets were read`);
      client.startReading();
      assert.ok((await client.octets(help.length * manyCommands)) === help.repeat(manyCommands));
      await deliver(client);
      await server.expectUnharmed(t);
    });

    test("hears a client that sends a byte at a time", patience, async (t) => {
      const server = await ServerProcess.start(t, { readMode });
      const client = await server.connect(t);
      const message = makeMessage("slowly", 2_000);
      await client.expect("220 ");
      const slowly = async (bytes: string | Uint8Array): Promise<void> => {
        for (const byte of Buffer.from(bytes)) await client.write(Buffer.of(byte));
      };
      await slowly("EHLO client.test\r\n");
      await client.expect("250-");
      await slowly("MAIL FROM:<a@client.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
      for (const code of ["250 2.1.0", "250 2.1.5", "354 "]) await client.expect(code);
      await slowly(onTheWire(message));
      assert.equal(await client.reply(), `250 2.0.0 ${sumOf(message)}`);
      await server.expectUnharmed(t);
    });

    for (const stage of ["rcpt", "body"] as const) {
      test(`makes a client wait that sends 200 MB to a busy ${stage} hook`, patience, async (t) => {
        const limits = { messageBytes: 0 };
        const server = await ServerProcess.start(t, { readMode, limits, queue: "streamed" });
        const client = await server.connect(t);
        await greet(client, heldName(stage));
        const line = `${"z".repeat(998)}\r\n`;
        const piece = Buffer.from(line.repeat(1_000));
        const pieces = Array.from({ length: 200 }, () => piece);
        const message = Buffer.concat([Buffer.from("Subject: much\r\n\r\n"), ...pieces]);
        void client.write("MAIL FROM:<a@client.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
        void client.write(message);
        void client.write(".\r\n");
        await server.until(({ held }) => held === 1, "the hook is busy");
        const { received } = await server.turns(4_000);
        assert.ok(received < 4 * mebibyte, `${received} octets were read while the hook was busy`);
        await server.ask({ ask: "release" });
        for (const code of ["250 2.1.0", "250 2.1.5", "354 "]) await client.expect(code);
        assert.equal(await client.reply(), `250 2.0.0 ${sumOf(message)}`);
        await server.expectUnharmed(t);
      });
    }
  });
}
