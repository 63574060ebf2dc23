// Room for messages: when memory is short they go to disk; when the disk cannot be written either, the client hears 452
// and the session goes on.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Client } from "./support/client.ts";
import { beginMessage, deliver, greet, makeMessage, onTheWire } from "./support/message.ts";
import { patience, readModes, ServerProcess } from "./support/server-process.ts";

const limits = { memoryBytes: 1_048_576 };
const clientCount = 60;
/** Below the size at which a message goes to disk by itself; all of them together are 12 MB. */
const messageOctets = 200_000;

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "smtpd-test-spool-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function greeted(t: TestContext, server: ServerProcess): Promise<readonly Client[]> {
  const clients = await Promise.all(Array.from({ length: clientCount }, () => server.connect(t)));
  await Promise.all(clients.map((client) => greet(client)));
  return clients;
}

for (const readMode of readModes) {
  describe(`a server with little memory that reads by way of "${readMode}"`, () => {
    test("keeps messages on disk when memory is used up", patience, async (t) => {
      const spoolDirectory = scratch(t);
      const server = await ServerProcess.start(t, { readMode, limits, spoolDirectory });
      const clients = await greeted(t, server);
      const messages = clients.map((_, index) => makeMessage(`number ${index}`, messageOctets));
      const wires = messages.map((message) => onTheWire(message));
      await Promise.all(clients.map((client) => beginMessage(client)));
      // All but the end, so that all are kept at once
      await Promise.all(clients.map((client, index) => client.write(wires[index]?.subarray(0, -5) ?? "")));
      const full = await server.until(() => server.spoolFiles >= clientCount / 2, "messages go to disk");
      assert.ok(full.memoryUsed <= limits.memoryBytes, `${full.memoryUsed} octets`);
      await Promise.all(
        clients.map(async (client, index) => {
          void client.write(wires[index]?.subarray(-5) ?? "");
          await client.expect("250 2.0.0 ");
          await deliver(client, messages[index]);
        }),
      );
      await server.expectUnharmed(t);
    });

    test("answers 452 when there is no room on disk either, and stays in sync", patience, async (t) => {
      const spoolDirectory = scratch(t);
      const server = await ServerProcess.start(t, { readMode, limits, spoolDirectory });
      await server.ask({ ask: "remove", directory: spoolDirectory });
      const clients = await greeted(t, server);
      const large = onTheWire(makeMessage("too large for memory", 700_000));
      await Promise.all(
        clients.map(async (client) => {
          await beginMessage(client);
          void client.write(large);
          assert.equal(await client.reply(), "452 4.3.1 Insufficient system storage");
          // Commands behind the final dot are commands
          await beginMessage(client);
          void client.write(`${large.toString("latin1")}NOOP one\r\nNOOP two\r\n`);
          for (const code of ["452 4.3.1", "250 2.0.0", "250 2.0.0"]) await client.expect(code);
        }),
      );
      assert.equal((await server.facts()).limit, "storage");
      assert.equal((await server.facts()).memoryUsed, 0);
      // What fits into memory is taken all the same
      for (const client of clients) await deliver(client);
      await server.expectUnharmed(t);
    });
  });
}
